"""Files that `include` brings, whether or not code names them: also hidden ones, and what looks like a key."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from hyfn.errors import BuildError
from hyfn.model import Entry, Project
from hyfn.pack import globs

_SKIPPED = frozenset({".git", ".hg", ".hyfn", ".svn", ".venv", "__pycache__", "node_modules"})
"""Folders that a glob does not go into unless it names them."""
_COMPILED = (".pyc", ".pyo")


def files(project: Project, include: Iterable[Entry]) -> dict[str, bytes]:
    """Path in the artifact → content of the project's files that the globs match. Its modules are not among them.

    Nothing outside the root: a link that leads there is passed over. BuildError for a glob that brings nothing, and for
    two files with one place in the artifact.
    """
    found: dict[str, Path] = {}
    for glob, place in include:
        matched = list(_matched(project, glob))
        if not matched:
            raise BuildError(f"include {glob!r} matches no file", where=str(place), hint=_hint(project, glob))
        for path in matched:
            name = _name(project, path)
            if found.setdefault(name, path) != path:
                raise BuildError(f"{path} and {found[name]} would both be {name} in the artifact", where=str(place))
    return {name: path.read_bytes() for name, path in found.items()}


def _matched(project: Project, glob: str) -> Iterator[Path]:
    is_matched = globs.matching([glob])
    modules = {source.path for source in project.sources.values()}
    inside = project.root.resolve()
    for path in _below(project.root / globs.fixed(glob)):
        if is_matched(path.relative_to(project.root).as_posix()) and path not in modules:
            real = _real(path)
            if real and real.is_file() and real.is_relative_to(inside) and path.suffix not in _COMPILED:
                yield path


def _real(path: Path) -> Path | None:
    """Where it leads to, or None if that is nowhere: a loop of links."""
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError):
        return None


def _below(start: Path) -> Iterator[Path]:
    if start.is_file():
        yield start
    for top, folders, names in os.walk(start):
        folders[:] = sorted(
            name for name in folders if name not in _SKIPPED and not (Path(top) / name / "pyvenv.cfg").exists()
        )
        yield from (Path(top) / name for name in sorted(names))


def _name(project: Project, path: Path) -> str:
    """As its modules would find it; a file beside the import root keeps its path from the project's."""
    root = project.source_root if path.is_relative_to(project.source_root) else project.root
    return path.relative_to(root).as_posix()


def _hint(project: Project, glob: str) -> str:
    is_matched = globs.matching([glob])
    if any(is_matched(source.file) for source in project.sources.values()):
        return "modules travel where they are imported: name them in imports"
    return f"globs are relative to {project.root.name}/; links that lead out of it do not count"
