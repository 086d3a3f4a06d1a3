"""Folders for unfinished work: gone with it, and what a killed process left is gone with the next."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

FRESH_SECONDS = 10.0
"""A folder is made before it is locked: one so young is no leftover."""


@contextlib.contextmanager
def folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new folder in `parent`, else in the system's place for temporary files. Only its owner may look into it.

    It may be renamed away; otherwise it is removed in the end. Whoever uses a `prefix` uses it through this function:
    a folder of that name that no living process holds is removed.
    """
    above = parent or Path(tempfile.gettempdir())
    _sweep(above, prefix)
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=above))
    held = os.open(made, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(held)


def _sweep(above: Path, prefix: str) -> None:
    for left in above.glob(f"{glob.escape(prefix)}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > FRESH_SECONDS and _is_let_go(left):
                shutil.rmtree(left, ignore_errors=True)


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
