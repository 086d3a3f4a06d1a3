"""From requirements to exact files for a runtime, by uv. Nothing is installed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hyfn.errors import BuildError, MachineError
from hyfn.model import Runtime, Wheel
from hyfn.pack.wheels import compatible, sources, toml
from hyfn.toolchain import cache, scratch, uv

FRESH_SECONDS = 600
"""As long as PyPI lets its answers be cached: a build twice in ten minutes asks nobody."""
TRIES = 8
"""How often uv is asked again with more distributions allowed to come as source."""
FORM = "1"
"""Of the answers that are kept."""

WHEELLESS = re.compile(
    r"Wheels are required for `([^`]+)`|Wheels are available for `([^`]+)`|only found wheels for `([^`]+)`"
)
SOURCE_FAILED = re.compile(r"source distribution is required for|Failed to build|build backend returned")


@dataclass(frozen=True, slots=True)
class Question:
    """What uv is asked in the folder `root`.

    `requirements` hold on `runtime`; `constraints` bind too. `preferences` are names with the versions to take where
    they fit, the first one first; `kept` are files to take where a version has several that fit. `uv` is the project's
    [tool.uv] table. `is_urgent` asks the index even where it answered a moment ago.
    """

    requirements: Sequence[str]
    runtime: Runtime
    root: Path
    constraints: Sequence[str] = ()
    preferences: Sequence[tuple[str, str]] = ()
    kept: frozenset[str] = frozenset()
    uv: Mapping[str, Any] = field(default_factory=dict)
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """`wheels` in the order of names, each with its url. `direct` are the names of those that the project itself
    refers to by URL or file."""

    wheels: Sequence[Wheel]
    direct: frozenset[str] = frozenset()


def resolve(question: Question) -> Answer:
    """The closure of the requirements. A distribution comes as source only where it has no wheel that fits.

    Answers again what it answered within the last ten minutes, or ever where the versions are those preferred or the
    index cannot be reached. Raises uv.UvError with uv's words, MachineError without network. Safe to call at once.
    """
    if not question.requirements:
        return Answer(())
    kept = cache.home() / "resolutions" / f"{_key(question)}.json"
    kept.parent.mkdir(exist_ok=True)
    with cache.locked(kept.with_suffix(".lock")):
        answer = _kept(kept)
        if answer is None or question.is_urgent or not (_is_young(kept) or _is_preferred(answer, question)):
            answer = _ask(question, answer)
            cache.put(kept, json.dumps(_plain(answer)).encode())
    return answer


def refusal(requirement: str, runtime: Runtime, root: Path, table: Mapping[str, Any]) -> str:
    """What uv says where no version of `requirement` has a wheel for `runtime`, "" where one has. Looks at nothing
    that it depends on."""
    with scratch.folder("hyfn-resolve-") as folder:
        try:
            _compile(Question([requirement], runtime, root, uv=table), folder, frozenset(), ["--no-deps"])
        except uv.Unreachable as error:
            raise _unreachable(error) from error
        except uv.UvError as error:
            return error.output
    return ""


def wheelless(output: str) -> list[str]:
    """The distributions that uv says have no wheel that fits."""
    return [name for found in WHEELLESS.findall(output) for name in found if name]


def locked_versions(lock: Path) -> dict[str, str]:
    """What uv.lock says, where it says one version from an index."""
    if not lock.is_file():
        return {}
    versions: dict[str, set[str]] = {}
    for name, version in LOCKED.findall(lock.read_text(encoding="utf-8", errors="replace")):
        versions.setdefault(name, set()).add(version)
    return {name: found.pop() for name, found in sorted(versions.items()) if len(found) == 1}


# tomllib takes 100 ms for what uv writes in always the same form.
LOCKED = re.compile(r'^\[\[package\]\]\nname = "([^"]+)"\nversion = "([^"]+)"\nsource = \{ registry = ', re.MULTILINE)


def _kept(file: Path) -> Answer | None:
    try:
        plain = json.loads(file.read_text())
        return Answer([Wheel(**one) for one in plain["wheels"]], frozenset(plain["direct"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _plain(answer: Answer) -> dict[str, Any]:
    return {"wheels": [asdict(one) for one in answer.wheels], "direct": sorted(answer.direct)}


def _is_young(file: Path) -> bool:
    return abs(time.time() - file.stat().st_mtime) < FRESH_SECONDS


def _is_preferred(answer: Answer, question: Question) -> bool:
    """Whether asking again could bring nothing else."""
    return all((one.name, one.version) in question.preferences for one in answer.wheels)


def _ask(question: Question, last: Answer | None) -> Answer:
    try:
        with scratch.folder("hyfn-resolve-") as folder:
            return _read(_compiled(question, folder), question, folder)
    except uv.Unreachable as error:
        if last is not None and not question.is_urgent:
            return last
        raise _unreachable(error) from error


def _unreachable(error: uv.Unreachable) -> MachineError:
    causes = [line.split("cause:", 1)[1].strip() for line in error.output.splitlines() if "cause:" in line]
    hint = causes[0] if causes else uv.tail(error.output, 1)
    return MachineError("the package index cannot be reached, so no wheels can be chosen", hint=hint)


def _compiled(question: Question, folder: Path) -> str:
    """uv's answer, as a pylock.toml. Where it fails for lack of a wheel, the source is allowed and uv is asked again.

    Of several refusals the last one counts that is not about a source which cannot be used.
    """
    allowed = _named_sources(question)
    refusals: list[uv.UvError] = []
    while len(refusals) < TRIES:
        try:
            return _compile(question, folder, allowed)
        except uv.Unreachable:
            raise
        except uv.UvError as failure:
            refusals.append(failure)
            more = {canonicalize_name(name) for name in wheelless(failure.output)}
            if more <= allowed:
                break
            allowed |= more
    raise next((one for one in reversed(refusals) if not SOURCE_FAILED.search(one.output)), refusals[-1])


def _named_sources(question: Question) -> frozenset[str]:
    """Those that the project itself refers to as source."""
    parsed = [Requirement(text) for text in question.requirements]
    named = {canonicalize_name(one.name) for one in parsed if one.url and not _file(one.url).endswith(".whl")}
    local = sources.local_files(parsed, question.uv, question.runtime, question.root)
    return frozenset(named | {name for name, path in local.items() if path.suffix != ".whl"})


def _compile(question: Question, folder: Path, allowed: frozenset[str], more: Sequence[str] = ()) -> str:
    project, bounds, lock = folder / "pyproject.toml", folder / "constraints.txt", folder / "pylock.toml"
    project.write_text(sources.document(question.requirements, question.uv, question.root))
    bounds.write_text("\n".join(question.constraints))
    if question.preferences:
        lock.write_text(_preferring(question.preferences))
    said: list[str | Path] = ["pip", "compile", project, "-o", lock, "--quiet", "--constraint", bounds]
    exact = ["--only-binary", ":all:", *(word for name in sorted(allowed) for word in ("--no-binary", name))]
    refresh = ["--refresh"] if question.is_urgent else []
    uv.run([*said, *exact, *compatible.arguments(question.runtime), *refresh, *more], cwd=question.root)
    return lock.read_text()


def _preferring(preferences: Sequence[tuple[str, str]]) -> str:
    """An earlier answer, as far as uv reads one: it keeps the versions in the file that it is to write."""
    lines = ['lock-version = "1.0"', 'created-by = "hyfn"']
    for name, version in preferences:
        lines += ["[[packages]]", f"name = {toml.quoted(name)}", f"version = {toml.quoted(version)}"]
    return "\n".join(lines) + "\n"


def _read(pylock: str, question: Question, folder: Path) -> Answer:
    packages = tomllib.loads(pylock).get("packages", [])
    wheels = [_wheel(package, question, folder) for package in packages]
    direct = frozenset(canonicalize_name(one["name"]) for one in packages if "archive" in one)
    return Answer(sorted(wheels, key=lambda one: one.name), direct)


def _wheel(package: Mapping[str, Any], question: Question, folder: Path) -> Wheel:
    """A package of a pylock.toml: the form is that of PEP 751."""
    name = canonicalize_name(package["name"])
    entry = _entry(package, question)
    if entry is None or entry.get("subdirectory"):
        raise BuildError(
            f"{name} comes from a folder or a repository, which hyfn.lock cannot hold",
            hint="build a wheel of it (uv build --wheel) and refer to that file",
        )
    url = _url(entry, folder)
    local = Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
    sha256 = entry.get("hashes", {}).get("sha256") or (local and hashlib.sha256(local.read_bytes()).hexdigest())
    if not sha256:
        raise BuildError(f"the index gives no SHA-256 of {_file(url)}, so it cannot be verified")
    size = entry.get("size") or (local.stat().st_size if local else 0)
    return Wheel(name, str(package.get("version", "0")), _file(url), sha256, size, url)


def _entry(package: Mapping[str, Any], question: Question) -> Any:
    """The one file to take: of wheels the one that was taken before, else the one that fits best."""
    wheels = {_file(str(one.get("url") or one.get("path"))): one for one in package.get("wheels", [])}
    if wheels:
        again = sorted(question.kept & wheels.keys())
        return wheels[again[0] if again else compatible.best(wheels, question.runtime) or min(wheels)]
    return package.get("sdist") or package.get("archive")


def _url(entry: Mapping[str, Any], folder: Path) -> str:
    """Without credentials: whoever fetches has them from where uv has them."""
    if "url" not in entry:
        return (folder / str(entry["path"])).resolve().as_uri()
    parts = urlsplit(str(entry["url"]))
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))


def _file(url: str) -> str:
    return unquote(urlsplit(url).path).rpartition("/")[2]


def _key(question: Question) -> str:
    root = question.root
    settings = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("UV_")]
    settings += [_digest(root / name) for name in ("pyproject.toml", "uv.toml")]
    parsed = [Requirement(text) for text in question.requirements]
    local = sources.local_files(parsed, question.uv, question.runtime, root).values()
    return cache.key(
        FORM,
        sources.document(sorted(question.requirements), question.uv, root),
        sorted(question.constraints),
        [f"{name}=={version}" for name, version in question.preferences],
        sorted(question.kept),
        compatible.tag(question.runtime),
        question.runtime.python,
        settings,
        [f"{path}:{_digest(path)}" for path in sorted(local)],
    )


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
