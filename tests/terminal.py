"""A terminal for a command: what it shows, and its Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.commands import environment


class Terminal:
    """The program is the leader of the terminal's session, and in its foreground."""

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, columns: int = 80, env: Mapping[str, str] | None = None
    ) -> None:
        self.printed = ""
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            with contextlib.suppress(BaseException):
                os.chdir(cwd)
                os.execve(argv[0], list(argv), environment({"TERM": "xterm", **(env or {})}))
            os._exit(127)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._master)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, shown: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while shown not in self.printed:
            assert self._read(deadline), f"ended: {self.printed!r}"
            assert time.monotonic() < deadline, self.printed

    def wait(self, seconds: float = 60) -> int:
        """The exit status, once it has closed the terminal."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            assert time.monotonic() < deadline, self.printed
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _read(self, deadline: float) -> bool:
        if not select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return True
        try:
            got = os.read(self._master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        self.printed += got.decode(errors="replace")
        return bool(got)


def screen(printed: str) -> str:
    """What stands there in the end: a line that was cleared does not."""
    lines = printed.replace("\r\n", "\n").split("\n")
    shown = [line.rpartition("\r\x1b[K")[2] for line in lines]
    return "\n".join(re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown)
