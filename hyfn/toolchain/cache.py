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
LOOK = 0.02
"""Seconds between two tries to take a lock."""


def home() -> Path:
    """HYFN_CACHE, else XDG_CACHE_HOME/hyfn, else ~/.cache/hyfn. Exists afterwards, else MachineError is raised."""
    chosen = os.environ.get("HYFN_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(chosen).absolute() if chosen else Path(base).absolute() / "hyfn"
    try:
        folder.mkdir(parents=True, exist_ok=True)
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
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.urandom(6).hex()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """`folder`, which `make` filled. Safe to call at once from threads and processes.

    It is made in its final place, since environments know their path; only a folder with its
    marker counts, and what an interrupted run left is removed first.
    """
    if (folder / MARKER).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not (folder / MARKER).exists():
            shutil.rmtree(folder, ignore_errors=True)
            _fill(folder, make)
    return folder


def _fill(folder: Path, make: Callable[[Path], None]) -> None:
    try:
        make(folder)
        (folder / MARKER).touch()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Held by one thread of one process at a time. `path` is made and stays.

    Whoever waits for it can be interrupted: another process may be making a large environment.
    """
    with path.open("w") as lock:
        while not _is_taken(lock):
            scope().check()
            time.sleep(LOOK)
        yield


def _is_taken(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
