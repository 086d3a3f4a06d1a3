"""Folders in the user's cache that are made once and seen only when whole."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from hyfn.errors import MachineError
from hyfn.toolchain.workers import scope

MARKER = ".hyfn-complete"
LOCK = ".lock"
PARTIAL = ".partial"
IN_USE = f"in-use{LOCK}"
LOOK = 0.02
"""Seconds between two tries to take a lock."""
DAY = 86_400.0
TAG = "CACHEDIR.TAG"
SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55\n# hyfn keeps here what can be made anew: hyfn cache info\n"
"""Backup programs leave out a folder with it (https://bford.info/cachedir/). It also says that hyfn made the folder."""


def home() -> Path:
    """HYFN_CACHE, else XDG_CACHE_HOME/hyfn, else ~/.cache/hyfn. Exists afterwards, else MachineError is raised."""
    chosen = os.environ.get("HYFN_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(chosen).absolute() if chosen else Path(base).absolute() / "hyfn"
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / TAG).write_text(SIGNATURE)
    except OSError as error:
        hint = "set HYFN_CACHE to a folder of your own"
        raise MachineError(f"the cache {folder} cannot be made: {error.strerror}", hint=hint) from error
    return folder


def key(*parts: str | Iterable[str]) -> str:
    """A short digest of `parts` for a folder's name."""
    digest = hashlib.sha256()
    for part in parts:
        text = part if isinstance(part, str) else "\x1f".join(part)
        digest.update(text.encode() + b"\x1e")
    return digest.hexdigest()[:16]


def put(path: Path, content: bytes) -> None:
    """Write the file at once, whole or not at all, in a folder that is there or is made. Safe to call at once."""
    partial = path.with_name(f"{path.name}.{os.urandom(6).hex()}{PARTIAL}")
    try:
        _write(partial, content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Between the two somebody may remove what looks like an empty folder.
        with contextlib.suppress(FileNotFoundError):
            path.write_bytes(content)
            return


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """`folder`, which `make` filled. Safe to call at once from threads and processes.

    It is made in its final place, since environments know their path; only a folder with its
    marker counts, and what an interrupted run left is removed first. The marker's date is the day of its last use.
    """
    if _is_whole(folder):
        return folder
    with locked(folder.with_name(f"{folder.name}{LOCK}")):
        if not _is_whole(folder):
            shutil.rmtree(folder, ignore_errors=True)
            _fill(folder, make)
    return folder


def _is_whole(folder: Path) -> bool:
    try:
        used(folder / MARKER)
    except OSError:
        return False
    return True


def used(path: Path) -> None:
    """Say that the kept file is in use, at most once a day. OSError where it is not there."""
    if time.time() - path.stat().st_mtime > DAY:
        try:
            os.utime(path)
        except FileNotFoundError:
            raise
        except OSError:  # of another user, or on a disk that is read-only
            return


def _fill(folder: Path, make: Callable[[Path], None]) -> None:
    try:
        make(folder)
        (folder / MARKER).touch()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def in_use() -> contextlib.AbstractContextManager[None]:
    """Held by any number of builds at once: nothing is pruned meanwhile. Waits while something is."""
    return _held(home() / IN_USE, fcntl.LOCK_SH)


def locked(path: Path) -> contextlib.AbstractContextManager[None]:
    """Held by one thread of one process at a time. `path` is made, and stays until it is pruned.

    Whoever waits for it can be interrupted: another process may be making a large environment.
    """
    return _held(path, fcntl.LOCK_EX)


@contextlib.contextmanager
def _held(path: Path, how: int) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                lock = stack.enter_context(path.open("w"))
                while not is_taken(lock, how):
                    scope().check()
                    time.sleep(LOOK)
                if is_still(lock, path):
                    break
        yield


def is_taken(lock: TextIO, how: int) -> bool:
    """Take the lock of the opened file, shared or alone, where that is possible now."""
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_still(lock: TextIO, path: Path) -> bool:
    """Whether the lock is the one that others will take: whoever held it before may have removed it."""
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False
