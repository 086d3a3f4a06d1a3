"""Two folders that give each other their names in one step, where the system can: nobody ever sees neither."""

from __future__ import annotations

import os
from pathlib import Path

AT_CWD = -100
EXCHANGE = 2
"""RENAME_EXCHANGE, https://man7.org/linux/man-pages/man2/rename.2.html."""


def swap(one: Path, other: Path) -> bool:
    """Whether they were swapped: False, and nothing is done, where one is not there or the file system cannot."""
    import ctypes  # 5 ms, for what only a build that writes does

    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)  # glibc 2.28; musl has none
    return renameat2 is not None and not renameat2(AT_CWD, os.fsencode(one), AT_CWD, os.fsencode(other), EXCHANGE)
