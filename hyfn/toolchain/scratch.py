"""Folders for unfinished work: gone with it, and what a killed process left is gone with the next."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

FRESH_SECONDS = 10.0
"""A folder is made before it is locked, and until then called so: one that young is no leftover."""
NEW = ".new"

_left: dict[object, Callable[[], None]] = {}
"""What `tidy` would have to do. An interruption may strike between any two steps, also where a block is entered."""


@contextlib.contextmanager
def afterwards(undo: Callable[[], None]) -> Iterator[None]:
    """Call `undo` when the block is left, or in `tidy` where an interruption kept it from that.

    It must be safe to repeat, and to call before anything was done.
    """
    key = object()
    _left[key] = undo
    try:
        yield
    finally:
        undo()
        _left.pop(key, None)


def tidy() -> None:
    """Undo what is left of interrupted work, the last first. For the end of a command: nothing may still go on."""
    for key, undo in reversed(list(_left.items())):
        undo()
        _left.pop(key, None)


@contextlib.contextmanager
def folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new folder in `parent`, else in the system's place for temporary files. Only its owner may look into it.

    It may be renamed away; otherwise it is removed in the end. Whoever uses a `prefix` uses it through this function:
    a folder of that name that no living process holds is removed.
    """
    above = parent or Path(tempfile.gettempdir())
    sweep(above, prefix)
    made = above / f"{prefix}{os.urandom(6).hex()}"
    new = made.with_name(f"{made.name}{NEW}")
    with afterwards(functools.partial(_remove, new, made)):
        new.mkdir(mode=0o700)
        held = os.open(new, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            new.rename(made)
            yield made
        finally:
            os.close(held)


def _remove(*folders: Path) -> None:
    for each in folders:
        shutil.rmtree(each, ignore_errors=True)


@contextlib.contextmanager
def parents(path: Path) -> Iterator[None]:
    """The folders above `path` are there; those that were not go again if nothing was put into them."""
    made = [above for above in path.parents if not above.exists()]

    def remove() -> None:
        for above in made:
            with contextlib.suppress(OSError):
                above.rmdir()

    with afterwards(remove):
        path.parent.mkdir(parents=True, exist_ok=True)
        yield


def sweep(above: Path, prefix: str) -> None:
    """Remove the folders of that name in `above` that no living process holds."""
    for left in above.glob(f"{glob.escape(prefix)}*"):
        with contextlib.suppress(OSError):
            if not _is_fresh(left) and _is_let_go(left):
                shutil.rmtree(left, ignore_errors=True)


def _is_fresh(left: Path) -> bool:
    return left.name.endswith(NEW) and time.time() - left.stat().st_mtime <= FRESH_SECONDS


def _is_let_go(left: Path) -> bool:
    held = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(held)
