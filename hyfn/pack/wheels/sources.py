"""Where a project tells uv to take a distribution from: [tool.uv] sources and direct references."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hyfn.model import Project, Runtime
from hyfn.pack.wheels import compatible, toml

NAME = "this-project"
"""Whom uv's messages speak of."""
ARCHIVES = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")
REPOSITORY = re.compile(r"(git|hg|svn|bzr)\+")
DECIDING = (
    "sources",
    "constraint-dependencies",
    "override-dependencies",
    "exclude-dependencies",
    "dependency-metadata",
    "exclude-newer",
    "exclude-newer-package",
    "prerelease",
    "resolution",
    "index-strategy",
    "pip",
)
"""Settings of uv that decide which versions are chosen. Where an index stands is none of them: a mirror has the same
files."""

Table = Mapping[str, Any]


def document(requirements: Iterable[str], uv: Table, root: Path) -> str:
    """A pyproject.toml with these requirements and their sources, wherever it stands. uv heeds sources nowhere else:
    without them the name of a private distribution would be looked for in the public index."""
    parsed = [Requirement(text) for text in requirements]
    names = {canonicalize_name(one.name) for one in parsed}
    lines = ["[project]", f'name = "{NAME}"', 'version = "0"', "dependencies = ["]
    lines += [f"    {toml.quoted(_absolute(one, root))}," for one in parsed]
    lines += ["]", "[tool.uv]"]
    if "index" in uv:
        lines.append(f"index = {toml.value([_index(one, root) for one in uv['index']])}")
    lines.append("[tool.uv.sources]")
    for name, entries in uv.get("sources", {}).items():
        if canonicalize_name(name) in names:
            lines.append(f"{toml.key(name)} = {toml.value([_placed(one, root) for one in _listed(entries)])}")
    return "\n".join(lines) + "\n"


def unfit(requirement: Requirement, uv: Table, runtime: Runtime, root: Path) -> str:
    """Why no lock can hold what `requirement` comes from on `runtime`: "the folder ../lib"; "" where one can."""
    if requirement.url:
        return _unfit_url(requirement.url, root)
    return next((why for entry in _entries(requirement, uv, runtime) if (why := _unfit_entry(entry, root))), "")


def local_files(requirements: Iterable[Requirement], uv: Table, runtime: Runtime, root: Path) -> dict[str, Path]:
    """The archives on this machine that these requirements name themselves, by the distribution's name."""
    found: dict[str, Path] = {}
    for requirement in requirements:
        named = [str(entry["path"]) for entry in _entries(requirement, uv, runtime) if "path" in entry]
        for text in [requirement.url] if requirement.url else named:
            path = _path(text, root)
            if path is not None and path.is_file():
                found[canonicalize_name(requirement.name)] = path
    return found


def settings(project: Project) -> str:
    """A digest of what decides beside the requirements, or "" where nothing does."""
    tables = [{key: table[key] for key in DECIDING if key in table} for table in _tables(project)]
    decisive = [table for table in tables if table]
    if not decisive:
        return ""
    return hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _tables(project: Project) -> Iterator[Table]:
    yield project.uv
    file = project.root / "uv.toml"
    if file.is_file():
        yield {"uv.toml": file.read_text(errors="replace"), "pip": ""}


def _absolute(requirement: Requirement, root: Path) -> str:
    path = _path(requirement.url, root) if requirement.url else None
    if path is None:
        return str(requirement)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras} @ {path.as_uri()}"


def _path(text: str, root: Path) -> Path | None:
    """The file that a reference names on this machine, None where it names none."""
    parts = urlsplit(text)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme else (root / text).resolve()


def _index(index: Table, root: Path) -> Table:
    url = str(index.get("url", ""))
    return {**index, "url": (root / url).resolve().as_uri()} if url.startswith(".") else index


def _placed(entry: Table, root: Path) -> Table:
    return {**entry, "path": str((root / str(entry["path"])).resolve())} if "path" in entry else entry


def _listed(entries: Any) -> Sequence[Table]:
    return entries if isinstance(entries, list) else [entries]


def _entries(requirement: Requirement, uv: Table, runtime: Runtime) -> list[Table]:
    name = canonicalize_name(requirement.name)
    named = [one for key, value in uv.get("sources", {}).items() if canonicalize_name(key) == name for one in [value]]
    return [one for value in named for one in _listed(value) if _holds(one, runtime)]


def _holds(entry: Table, runtime: Runtime) -> bool:
    if "marker" not in entry:
        return True
    return compatible.applies(Requirement(f"any; {entry['marker']}"), runtime)


def _unfit_entry(entry: Table, root: Path) -> str:
    if entry.get("workspace"):
        return "another member of the workspace"
    if "git" in entry:
        return f"the repository {entry['git']}"
    return _unfit_url(str(entry["path"]), root) if "path" in entry else ""


def _unfit_url(url: str, root: Path) -> str:
    if REPOSITORY.match(url):
        return f"the repository {url.partition('+')[2]}"
    path = _path(url, root)
    if path is None or (path.name.endswith(ARCHIVES) and path.is_file()):
        return ""
    return f"the folder {url}" if path.is_dir() else f"{url}, which is not there"
