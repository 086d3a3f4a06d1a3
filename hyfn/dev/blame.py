"""What the log of a function says that did not start: the user's line, and what was raised there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hyfn.errors import HyfnError, ProjectError
from hyfn.pack import stage

FRAME = re.compile(r'^\s*File "(.+?)", line (\d+)', re.MULTILINE)
RAISED = re.compile(r"^(?:\w+\.)*\w+(?:: .*)?$", re.MULTILINE)


def read(error: HyfnError, log: str, roots: Sequence[Path], what: str) -> HyfnError:
    """The error to show for `error`, which a runtime's start raised: one that names the line of the user's file under
    `roots`, if `log` has a traceback that leads there."""
    frames = list(FRAME.finditer(log))
    users = [place for frame in frames if (place := _users(frame, roots))]
    if error.where or not users:
        return error
    raised = RAISED.search(log, frames[-1].end())
    return ProjectError(f"{what} does not load: {raised[0]}" if raised else error.message, where=users[-1])


def _users(frame: re.Match[str], roots: Sequence[Path]) -> str | None:
    file = Path(frame[1])
    for root in reversed(roots):
        if file.is_relative_to(root):
            relative = file.relative_to(root)
            own = tuple(f"{package.replace('.', '/')}/" for package in stage.packages(root))
            is_brought = relative.as_posix().startswith(own) or "site-packages" in relative.parts
            return None if is_brought else f"{relative.as_posix()}:{frame[2]}"
    return None
