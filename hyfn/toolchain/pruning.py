"""What the user's cache holds, and removing what was not used for long. Never outside of it: links are not followed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hyfn.errors import ConfigError, MachineError
from hyfn.toolchain import cache
from hyfn.toolchain.workers import scope

OLD_LAYOUTS = frozenset({"wheels"})
"""Kinds that no part of hyfn uses any more."""
ABANDONED_SECONDS = 3600.0
"""An unfinished file that has not grown for so long is what a killed process left."""
PATIENCE = 10.0
"""Seconds to wait for builds to end."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What is removed as one: a file, or a folder that was made once.

    `kind` is the folder of the cache that it is in. `size` is in bytes; of several names of one file the first counts.
    `used` is the time of its last use, 0.0 for leftovers of killed processes and for what no part of hyfn uses.
    """

    path: Path
    kind: str
    files: int
    size: int
    used: float


@dataclass(frozen=True, slots=True)
class Kind:
    """All things of one kind. `used` is the latest use."""

    name: str
    files: int
    size: int
    used: float


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed, and why something stayed that should have gone."""

    removed: Sequence[Thing]
    stayed: Mapping[Path, str]


def kinds(things: Iterable[Thing]) -> list[Kind]:
    """`things` by their kind, in the order of names."""
    found: dict[str, Kind] = {}
    for thing in things:
        before = found.get(thing.kind, Kind(thing.kind, 0, 0, 0.0))
        used = max(before.used, thing.used)
        found[thing.kind] = Kind(thing.kind, before.files + thing.files, before.size + thing.size, used)
    return [found[name] for name in sorted(found)]


def things(home: Path) -> Iterator[Thing]:
    """All that the cache `home` holds in its folders."""
    seen: set[tuple[int, int]] = set()
    for folder in _entries(home):
        if folder.is_dir(follow_symlinks=False):
            yield from _things(Path(folder.path), folder.name, seen)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)
    return []


def _things(folder: Path, kind: str, seen: set[tuple[int, int]]) -> Iterator[Thing]:
    entries = _entries(folder)
    for entry in entries:
        path = Path(entry.path)
        if entry.is_symlink():
            continue
        if not entry.is_dir(follow_symlinks=False):
            with contextlib.suppress(FileNotFoundError):
                yield Thing(path, kind, *_weight([path], seen), _last_use(path, kind))
        elif _is_made_once(entry, entries):
            yield Thing(path, kind, *_weight(_below(path), seen), _last_use(path, kind))
        else:
            yield from _things(path, kind, seen)


def _is_made_once(folder: os.DirEntry[str], beside: Sequence[os.DirEntry[str]]) -> bool:
    lock = f"{folder.name}{cache.LOCK}"
    return Path(folder.path, cache.MARKER).exists() or any(entry.name == lock for entry in beside)


def _below(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def _weight(files: Iterable[Path], seen: set[tuple[int, int]]) -> tuple[int, int]:
    count = size = 0
    for path in files:
        with contextlib.suppress(FileNotFoundError):
            found = path.lstat()
            count += 1
            size += 0 if (found.st_dev, found.st_ino) in seen else found.st_size
            seen.add((found.st_dev, found.st_ino))
    return count, size


def _last_use(path: Path, kind: str) -> float:
    """Of a file the later of its two times (most disks note a reading once a day); of a folder its marker's.

    FileNotFoundError where a file is not there any more.
    """
    found = path.lstat()
    if kind in OLD_LAYOUTS:
        return 0.0
    if stat.S_ISDIR(found.st_mode):
        return _marked(path)
    if _is_unfinished(path):
        return 0.0 if time.time() - found.st_mtime > ABANDONED_SECONDS else found.st_mtime
    return max(found.st_atime, found.st_mtime)


def _marked(folder: Path) -> float:
    try:
        return (folder / cache.MARKER).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _is_unfinished(path: Path) -> bool:
    return path.name.endswith(cache.PARTIAL)


def plan(home: Path, unused_since: float) -> list[Thing]:
    """What `prune` would remove, were nothing in use. Removes nothing."""
    _refuse_foreign(home)
    return [thing for thing in things(home) if _is_due(thing, unused_since)]


def _is_due(thing: Thing, unused_since: float) -> bool:
    is_coming = _is_unfinished(thing.path) and thing.used > 0
    return thing.used <= unused_since and not is_coming


def _refuse_foreign(home: Path) -> None:
    if os.environ.get("HYFN_CACHE") and not (home / cache.TAG).exists():
        hint = f"if it holds nothing else: touch {home / cache.TAG}"
        raise ConfigError(
            f"HYFN_CACHE is a folder that hyfn did not make, so nothing in it is removed: {home}", hint=hint
        )


def prune(home: Path, unused_since: float) -> Pruned:
    """Remove what was not used after that time (seconds since 1970), and what killed processes left.

    What a process runs from, and what is being made, stays. Waits some seconds for builds to end: MachineError where
    they do not. Killed at any moment it leaves nothing that looks whole and is not. ConfigError where hyfn did not make
    `home`: it may be full of other things. Safe to repeat.
    """
    removed: list[Thing] = []
    stayed: dict[Path, str] = {}
    with _alone(home):
        processes = _processes()
        for thing in plan(home, unused_since):
            try:
                _remove(thing, unused_since, processes)
                removed.append(thing)
            except _Stays as reason:
                stayed[thing.path] = str(reason)
            except OSError as error:
                stayed[thing.path] = error.strerror or str(error)
        _remove_empty(home)
    return Pruned(removed, stayed)


class _Stays(Exception):
    """Why a thing cannot go now."""


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    deadline = time.monotonic() + PATIENCE
    with (home / cache.IN_USE).open("w") as lock:
        while not cache.is_taken(lock, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise MachineError("a build is under way", hint="prune when it has ended")
            scope().check()
            time.sleep(cache.LOOK)
        yield


def _processes() -> bytes:
    """How this user's other processes were called, and with which environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if folder.name != str(os.getpid()):
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    found.append((folder / name).read_bytes())
    return b"\0".join(found)


def _remove(thing: Thing, unused_since: float, processes: bytes) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(thing.path.lstat().st_mode):
            _remove_folder(thing, unused_since, processes)
        elif thing.path.name.endswith(cache.LOCK):
            with _locked(thing.path):
                thing.path.unlink()
        else:
            thing.path.unlink()


def _remove_folder(thing: Thing, unused_since: float, processes: bytes) -> None:
    if any(os.fsencode(path) + b"/" in processes for path in (thing.path, thing.path.resolve())):
        raise _Stays("a process runs from it")
    lock = thing.path.with_name(f"{thing.path.name}{cache.LOCK}")
    with _locked(lock):
        if _last_use(thing.path, thing.kind) > unused_since:
            raise _Stays("it is in use again")
        (thing.path / cache.MARKER).unlink(missing_ok=True)  # so that it counts for nothing from here on
        shutil.rmtree(thing.path)
        lock.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        if not cache.is_taken(lock, fcntl.LOCK_EX):
            raise _Stays("it is being made")
        if cache.is_still(lock, path):
            yield
        else:
            raise _Stays("it is in use again")


def _remove_empty(home: Path) -> None:
    for entry in _entries(home):
        if entry.is_dir(follow_symlinks=False):
            _remove_if_empty(Path(entry.path))


def _remove_if_empty(folder: Path) -> None:
    entries = _entries(folder)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and not _is_made_once(entry, entries):
            _remove_if_empty(Path(entry.path))
    with contextlib.suppress(OSError):
        folder.rmdir()
