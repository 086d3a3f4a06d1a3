"""Whether anything that a build depended on has changed since, without reading any of it.

A digest over the stamps (size, time, inode) of every file around, the environment, and hyfn's own files.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import hyfn
from hyfn.wire.mac import sha256  # without OpenSSL: this is to be quick

SKIPPED = frozenset({".git", ".hg", ".svn", ".hyfn", "__pycache__", "node_modules"})
MARKS = ("pyproject.toml", "requirements.txt")
"""Above the root they would make it another one."""
SETTINGS = ("HYFN_", "UV_", "PYENV_")
ENOUGH = 20_000
"""Files from which on it is quicker to read the few that matter."""
SETTLED = 0.1
"""Seconds after which another change of a file is seen by its time: a file system's clock ticks every 4 to 10 ms."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a build: `wishes` are its arguments, `began` the time before anything was read (time.time())."""

    wishes: Sequence[str]
    began: float


def asked(*wishes: str) -> Asked:
    return Asked(wishes, time.time())


def inputs(roots: Sequence[Path], out: Path, asked: Asked) -> str:
    """A digest of what a build of `roots` (the first is the project's) into `out` depends on.

    "" where stamps cannot tell: too many files, or one that changed so late that its next change might not show.
    """
    lines = [*asked.wishes, *_environment(), *_above(roots[0])]
    for root in (*dict.fromkeys(roots), Path(hyfn.__file__).parent):
        lines.append(str(root))
        for entry in _files(root, out):
            stat = entry.stat()
            lines.append(f"{entry.path}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ino}")
            if len(lines) > ENOUGH or stat.st_mtime > asked.began - SETTLED:
                return ""
    return sha256("\n".join(lines).encode(errors="surrogateescape")).hex()


def _environment() -> Iterator[str]:
    for name in sorted(os.environ):
        if name == "PATH" or name.startswith(SETTINGS):
            yield f"{name}={os.environ[name]}"


def _above(root: Path) -> Iterator[str]:
    return (str(mark) for folder in root.parents for mark in (folder / name for name in MARKS) if mark.exists())


def _files(folder: Path, out: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir():
            if entry.name not in SKIPPED and entry.path != str(out) and not _is_environment(entry):
                yield from _files(Path(entry.path), out)
        elif entry.is_file():
            yield entry


def _is_environment(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() or os.path.exists(f"{entry.path}/pyvenv.cfg")  # noqa: PTH110  (a stat, no Path)
