"""From requirements to exact versions for a runtime, by uv. Nothing is installed and no source is built."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hyfn.errors import MachineError
from hyfn.model import Runtime
from hyfn.toolchain import cache, scratch, uv

# The values of uv's --python-platform, by glibc.
MANYLINUX = ("2.17", "2.28", "2.31", "2.32", "2.33", "2.34", "2.35", "2.36", "2.37", "2.38", "2.39", "2.40")

# As long as PyPI lets its answers be cached: a build twice in ten minutes asks nobody.
FRESH_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Pinned:
    """One distribution at one version. `requirement` is "six==1.17.0" or "six @ https://..."; `name` is normalised."""

    name: str
    version: str
    hashes: tuple[str, ...]
    requirement: str


def resolve(
    requirements: Sequence[str],
    runtime: Runtime,
    constraints: Sequence[str] = (),
    root: Path | None = None,
) -> list[Pinned]:
    """The closure of `requirements` on `runtime`, in the order of names; each has a wheel for it.

    Obeys `constraints`, and the uv.lock and [tool.uv] of `root`. Answers again what it answered within the last ten
    minutes, or ever if the index cannot be reached. Raises uv.UvError with uv's words, MachineError without network.
    """
    if not requirements:
        return []
    bounds = [*constraints, *_locked_versions(root)]
    kept = cache.home() / "resolutions" / f"{_key(requirements, bounds, runtime, root)}.json"
    kept.parent.mkdir(exist_ok=True)
    with cache.locked(kept.with_suffix(".lock")):
        if _age(kept) > FRESH_SECONDS:
            _ask(requirements, bounds, runtime, root, kept)
    answer = json.loads(kept.read_text())
    if "refused" in answer:
        raise uv.UvError(f"no versions found for {', '.join(requirements)}", answer["refused"])
    return [Pinned(**{**pin, "hashes": tuple(pin["hashes"])}) for pin in answer["pins"]]


def tag(runtime: Runtime) -> str:
    """uv's name of the platform: the newest manylinux that `runtime`'s glibc has."""
    fitting = [version for version in MANYLINUX if _numbers(version) <= _numbers(runtime.glibc)]
    return f"{runtime.machine}-manylinux_{(fitting or MANYLINUX)[-1 if fitting else 0].replace('.', '_')}"


def platform_arguments(runtime: Runtime) -> list[str]:
    """What makes uv take wheels for `runtime`, never for this machine. Our own Python spares it a search for one."""
    return [
        "--python",
        sys.executable,
        "--python-platform",
        tag(runtime),
        "--python-version",
        runtime.python,
        "--only-binary",
        ":all:",
    ]


def describe(runtime: Runtime) -> str:
    return f"CPython {runtime.python} on {runtime.machine} with glibc {runtime.glibc}"


def _ask(
    requirements: Sequence[str], constraints: Sequence[str], runtime: Runtime, root: Path | None, kept: Path
) -> None:
    answer: dict[str, object] = {}
    try:
        answer["pins"] = [asdict(pin) for pin in _compile(requirements, constraints, runtime, root)]
    except uv.Unreachable as error:
        if kept.exists():
            return
        raise MachineError(
            "the package index cannot be reached, so no wheels can be chosen", hint=_first_cause(error.output)
        ) from error
    except uv.UvError as error:
        answer["refused"] = error.output
    whole = kept.with_suffix(".partial")
    whole.write_text(json.dumps(answer))
    whole.replace(kept)


def _compile(
    requirements: Sequence[str], constraints: Sequence[str], runtime: Runtime, root: Path | None
) -> list[Pinned]:
    with scratch.folder("hyfn-resolve-") as folder:
        bounds = folder / "constraints.txt"
        bounds.write_text("\n".join(constraints))
        plain = ["--quiet", "--no-header", "--no-annotate", "--generate-hashes"]
        said = uv.run(
            ["pip", "compile", "-", *plain, "--constraint", bounds, *platform_arguments(runtime)],
            cwd=root or folder,
            stdin="\n".join(requirements),
        )
    return _read(said)


def _read(compiled: str) -> list[Pinned]:
    entries = compiled.replace("\\\n", " ").splitlines()
    pins = [_pin(line) for line in entries if line.strip() and not line.startswith(("#", "-"))]
    return sorted(pins, key=lambda pin: pin.name)


def _pin(line: str) -> Pinned:
    text, *hashes = re.split(r"\s+--hash=", line.strip())
    requirement = Requirement(text)
    version = next((clause.version for clause in requirement.specifier), "")
    return Pinned(canonicalize_name(requirement.name), version, tuple(sorted(hashes)), text.strip())


def _locked_versions(root: Path | None) -> list[str]:
    """What the project's uv.lock says, where it says one version."""
    lock = root / "uv.lock" if root else None
    if lock is None or not lock.is_file():
        return []
    packages = tomllib.loads(lock.read_text()).get("package", [])
    versions: dict[str, set[str]] = {}
    for package in packages:
        if "registry" in package.get("source", {}):
            versions.setdefault(package["name"], set()).add(package["version"])
    return [f"{name}=={found.pop()}" for name, found in sorted(versions.items()) if len(found) == 1]


def _key(requirements: Sequence[str], constraints: Sequence[str], runtime: Runtime, root: Path | None) -> str:
    settings = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("UV_")]
    if root is not None:
        settings += [_digest(root / name) for name in ("pyproject.toml", "uv.toml")]
    return cache.key(sorted(requirements), sorted(constraints), tag(runtime), runtime.python, settings)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _age(file: Path) -> float:
    return abs(time.time() - file.stat().st_mtime) if file.exists() else float("inf")


def _first_cause(output: str) -> str:
    causes = [line.split("cause:", 1)[1].strip() for line in output.splitlines() if "cause:" in line]
    return causes[0] if causes else uv.tail(output, 1)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
