"""Wheels laid out for a runtime: a folder in the user's cache that holds exactly the pinned distributions.

The same pins and runtime make the same bytes on every machine: nothing here runs, compiles or names a path of it.
"""

from __future__ import annotations

import csv
import email.parser
import functools
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hyfn.model import Runtime
from hyfn.pack.wheels import pins as pinning
from hyfn.pack.wheels.pins import Pinned
from hyfn.toolchain import cache, uv

# What an installer notes about itself, its time or its machine.
INSTALLERS_OWN = frozenset(
    {"INSTALLER", "REQUESTED", "RECORD.jws", "RECORD.p7s", "direct_url.json", "uv_cache.json", "uv_build.json"}
)
MODULE_ENDINGS = (".py", ".so")


@dataclass(frozen=True, slots=True)
class Distribution:
    """One laid out distribution. `name` is normalised; `files` are the paths that its RECORD lists."""

    name: str
    version: str
    requires: Sequence[Requirement]
    files: Sequence[str]


def lay_out(pins: Sequence[Pinned], runtime: Runtime, root: Path | None = None) -> Path:
    """The folder that holds the wheels of exactly `pins` for `runtime`, verified by their hashes.

    Made once and reused; never to be written to. Raises uv.UvError. Safe to call at once.
    """
    lines = [" ".join([pin.requirement, *(f"--hash={one}" for one in pin.hashes)]) for pin in pins]
    digest = cache.key(sorted(lines), pinning.tag(runtime), runtime.python)
    folder = cache.home() / "wheels" / f"{runtime.machine}-py{runtime.python}-{digest}"
    return cache.made_once(folder, lambda into: _install(pins, lines, runtime, root, into)) / "site"


def files(laid_out: Path, names: Iterable[str] | None = None) -> dict[str, Path]:
    """Every file by its path under the import root, or those of the distributions `names`."""
    wanted = None if names is None else set(names)
    return {
        path: laid_out / path
        for distribution in distributions(laid_out)
        if wanted is None or distribution.name in wanted
        for path in distribution.files
    }


@functools.lru_cache(maxsize=64)
def distributions(laid_out: Path) -> Sequence[Distribution]:
    """In the order of names."""
    found = [_read(info) for info in sorted(laid_out.glob("*.dist-info"))]
    return sorted(found, key=lambda distribution: distribution.name)


@functools.lru_cache(maxsize=64)
def provides(laid_out: Path) -> Mapping[str, Sequence[str]]:
    """Import name → the distributions that provide it. Of a namespace package its parts are named too.

    "numpy" is one name; "google" belongs to many distributions, "google.cloud.storage" to one.
    """
    owners: dict[str, set[str]] = {}
    regular: set[str] = set()
    modules = [(d.name, module) for d in distributions(laid_out) for module in _modules(d)]
    for name, (dotted, is_package) in modules:
        for prefix in _prefixes(dotted):
            owners.setdefault(prefix, set()).add(name)
        if is_package:
            regular.add(dotted)
    shown = {prefix for _, (dotted, _) in modules for prefix in _until_owned(dotted, owners, regular)}
    return {prefix: sorted(owners[prefix]) for prefix in sorted(shown)}


def closure(requirements: Iterable[Requirement], laid_out: Path, runtime: Runtime) -> set[str]:
    """The names of all distributions that `requirements` need on `runtime`, extras and markers observed."""
    known = {distribution.name: distribution for distribution in distributions(laid_out)}
    waiting = list(requirements)
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if name in known and (name, extra) not in seen:
                seen.add((name, extra))
                waiting += [need for need in known[name].requires if applies(need, runtime, extra)]
    return {name for name, _ in seen}


def applies(requirement: Requirement, runtime: Runtime, extra: str = "") -> bool:
    """Whether its marker, if any, is true on `runtime`."""
    if requirement.marker is None:
        return not extra
    return requirement.marker.evaluate({**_marker_values(runtime), "extra": extra})


def _marker_values(runtime: Runtime) -> dict[str, str]:
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{runtime.python}.0",
        "os_name": "posix",
        "platform_machine": runtime.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{runtime.python}.0",
        "python_version": runtime.python,
        "sys_platform": "linux",
    }


def _install(pins: Sequence[Pinned], lines: Sequence[str], runtime: Runtime, root: Path | None, folder: Path) -> None:
    site = folder / "site"
    site.mkdir(parents=True)
    if not pins:
        return
    listed = folder / "requirements.txt"
    listed.write_text("\n".join(lines) + "\n")
    exact = ["--no-deps", *(["--require-hashes"] if all(pin.hashes for pin in pins) else [])]
    uv.run(
        ["pip", "install", "--quiet", "--target", site, *exact, *pinning.platform_arguments(runtime), "-r", listed],
        cwd=root or folder,
    )
    # Console scripts name this machine's interpreter in their first line, and no platform has them on its PATH.
    shutil.rmtree(site / "bin", ignore_errors=True)
    (site / ".lock").unlink(missing_ok=True)
    for info in site.glob("*.dist-info"):
        _settle(info)


def _settle(info: Path) -> None:
    """Make the metadata say what is there, and nothing of who put it there."""
    for name in INSTALLERS_OWN:
        (info / name).unlink(missing_ok=True)
    record = info / "RECORD"
    with record.open(newline="") as opened:
        rows = [row for row in csv.reader(opened) if row and (info.parent / row[0]).is_file() and ".." not in row[0]]
    record.unlink()
    with record.open("w", newline="") as opened:
        csv.writer(opened, lineterminator="\n").writerows(sorted(row for row in rows if not row[0].endswith(".pyc")))


def _read(info: Path) -> Distribution:
    with (info / "METADATA").open(encoding="utf-8", errors="replace") as opened:
        headers = email.parser.HeaderParser().parse(opened)
    with (info / "RECORD").open(newline="") as opened:
        listed = [row[0] for row in csv.reader(opened)]
    return Distribution(
        canonicalize_name(str(headers["Name"])),
        str(headers["Version"]),
        [need for text in headers.get_all("Requires-Dist", []) for need in _requirement(str(text))],
        listed,
    )


def _requirement(text: str) -> list[Requirement]:
    # Old releases carry requirements that no longer parse; uv leaves them out of the resolution too.
    try:
        return [Requirement(text)]
    except InvalidRequirement:
        return []


def _modules(distribution: Distribution) -> Iterable[tuple[str, bool]]:
    for file in distribution.files:
        path = PurePosixPath(file)
        if path.suffix not in MODULE_ENDINGS:
            continue
        stem = path.name.split(".", 1)[0]
        parts = (*path.parts[:-1], stem)
        if all(part.isidentifier() for part in parts):
            is_package = stem == "__init__" and len(parts) > 1
            yield ".".join(parts[:-1] if is_package else parts), is_package


def _prefixes(dotted: str) -> Iterable[str]:
    parts = dotted.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _until_owned(dotted: str, owners: Mapping[str, set[str]], regular: set[str]) -> Iterable[str]:
    for prefix in _prefixes(dotted):
        yield prefix
        if prefix in regular and len(owners[prefix]) == 1:
            return
