"""Whether anything that a build depended on has changed since, without reading any of it.

A digest over the stamps (size, times, inode) of every file around, the environment, the Pythons of this machine, and
hyfn's own files. The time of the last change of a file's entry is among them: nobody can set it, so that a file that
was copied over with its old date does not pass for the old one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR

import hyfn
from hyfn.pack import delivery
from hyfn.toolchain import python_places
from hyfn.wire.mac import sha256  # without OpenSSL: this is to be quick

SKIPPED = frozenset({".git", ".hg", ".svn", ".hyfn", "__pycache__", "node_modules"})
ENVIRONMENT = "pyvenv.cfg"
"""In the folder of a virtual environment."""
MARKS = ("pyproject.toml", "requirements.txt", "__init__.py")
"""Above the root they would make it another one."""
SETTINGS = ("HYFN_", "UV_", "PYENV_")
ENOUGH = 20_000
"""Files from which on it is quicker to read the few that matter."""
SETTLED = 0.1
"""Seconds after which another change of a file is seen by its time: a file system's clock ticks every 4 to 10 ms."""
COARSE = 2.1
"""The same where times are whole seconds, and on FAT every second one of them."""
SECOND = 10**9


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a build: `wishes` are its arguments, `began` the time before anything was read (time.time())."""

    wishes: Sequence[str]
    began: float


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a build looks: `roots` are folders and single files, the first is the project's root; `pythons` are the
    minor versions that it makes artifacts for."""

    roots: Sequence[str] = ()
    pythons: Sequence[str] = ()


def asked(*wishes: str) -> Asked:
    return Asked(wishes, time.time())


def inputs(scope: Scope, out: Path, asked: Asked, *, is_first: bool = False) -> str:
    """A digest of what a build of `scope` into `out` depends on.

    "" where stamps cannot tell: too many files, or one that changed so late that its next change might not show. With
    `is_first`, before the build itself has written anything, also where files may have vanished since it was asked for.
    """
    try:
        lines = [*asked.wishes, *_surroundings(scope)]
        for root in scope.roots:
            lines.append(root)
            for path, stat in _below(root, out):
                is_folder = S_ISDIR(stat.st_mode)
                if not is_folder:
                    lines.append(_line(path, stat))
                if (_is_late(stat, asked) and (is_first or not is_folder)) or len(lines) > ENOUGH:
                    return ""
    except OSError:  # something goes while this looks
        return ""
    return sha256("\n".join(lines).encode(errors="surrogateescape")).hex()


def _is_late(stat: os.stat_result, asked: Asked) -> bool:
    changed = max(stat.st_mtime_ns, stat.st_ctime_ns)
    return changed > (asked.began - (SETTLED if changed % SECOND else COARSE)) * SECOND


def _line(path: str, stat: os.stat_result) -> str:
    return f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ctime_ns}\0{stat.st_ino}"


def _surroundings(scope: Scope) -> Iterator[str]:
    # A platform may take a Python no longer from one day to the next, and a base's tag may name another image.
    yield time.strftime("%Y-%m-%d")
    yield sys.version
    for name in sorted(os.environ):
        if name == "PATH" or name.startswith(SETTINGS):
            yield f"{name}={os.environ[name]}"
    for folder in Path(scope.roots[0]).parents:
        yield from (path for name in MARKS if os.path.exists(path := f"{folder}/{name}"))  # noqa: PTH110
    for version in scope.pythons:
        yield from python_places.signs(version)
    # What is installed may bring a cloud.
    for place in sys.path:
        if place.endswith("-packages") and os.path.isdir(place):  # noqa: PTH112
            yield _line(place, os.stat(place))  # noqa: PTH116
    own = str(Path(hyfn.__file__).parent)
    yield from (_line(path, stat) for path, stat in _below(own, Path()) if not S_ISDIR(stat.st_mode))


def _below(place: str, out: Path) -> Iterator[tuple[str, os.stat_result]]:
    """What is at the place and below it, in the order of names; of a link itself and the file that it leads to."""
    if not os.path.isdir(place):  # noqa: PTH112  (a stat, no Path)
        if os.path.exists(place):  # noqa: PTH110
            yield place, os.stat(place)  # noqa: PTH116
        return
    yield place, os.stat(place)  # noqa: PTH116
    try:
        with os.scandir(place) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except PermissionError:
        return
    for entry in entries:
        if entry.is_symlink():
            yield f"{entry.path}@", entry.stat(follow_symlinks=False)
        elif entry.is_dir() and not _is_skipped(entry, out):
            yield from _below(entry.path, out)
        if entry.is_file():
            yield entry.path, entry.stat()


def _is_skipped(folder: os.DirEntry[str], out: Path) -> bool:
    if folder.name in SKIPPED or folder.path == str(out):
        return True
    if folder.name.startswith(delivery.unfinished(out)):
        return True
    return os.path.exists(f"{folder.path}/{ENVIRONMENT}")  # noqa: PTH110  (a stat, no Path)
