"""The two pipes of an actionloop launcher: its standard input and its file descriptor 3."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable, Sequence
from pathlib import Path

CHUNK = 65_536
LOOK_MS = 200
"""Milliseconds between two looks at whether the process lives: one that it started may hold the pipe open."""
REDIRECT = 'given=$1 answers=$2; shift 2; exec "$@" <"$given" 3>"$answers"'
"""By named pipes, since a process of hyfn.toolchain.processes has nothing but its log."""


class Pipes:
    """Lines to a launcher and back. TimeoutError where the deadline passes, OSError where the launcher is gone."""

    def __init__(self, folder: Path) -> None:
        """`folder` is needed until `settle`."""
        self._given, self._answers = folder / "given", folder / "answers"
        os.mkfifo(self._given, 0o600)
        os.mkfifo(self._answers, 0o600)
        # Open for both, so that the launcher's end does not wait for this one.
        self._to = os.open(self._given, os.O_RDWR | os.O_NONBLOCK)
        self._from = os.open(self._answers, os.O_RDONLY | os.O_NONBLOCK)
        self._is_open = True
        self._buffer = bytearray()

    def command(self, argv: Sequence[str | Path]) -> list[str | Path]:
        """`argv`, started on the pipes."""
        return ["/bin/sh", "-c", REDIRECT, "sh", self._given, self._answers, *argv]

    def settle(self) -> None:
        """The launcher has opened both: from now on its end is seen. OSError where it is gone already."""
        writing = os.open(self._given, os.O_WRONLY | os.O_NONBLOCK)
        os.dup2(writing, self._to, inheritable=False)
        os.close(writing)

    def send(self, line: bytes, deadline: float) -> None:
        if not self._is_open:
            raise BrokenPipeError
        left = memoryview(line)
        while left:
            with contextlib.suppress(BlockingIOError):
                left = left[os.write(self._to, left) :]
                continue
            self._wait(self._to, select.POLLOUT, deadline)

    def receive(self, deadline: float, is_alive: Callable[[], bool]) -> bytes:
        """The next line, with its end."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            self._buffer += self._read(deadline, is_alive)
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    def close(self) -> None:
        """Safe to repeat."""
        if self._is_open:
            self._is_open = False
            os.close(self._to)
            os.close(self._from)

    def _read(self, deadline: float, is_alive: Callable[[], bool]) -> bytes:
        while not self._wait(self._from, select.POLLIN, deadline):
            if not is_alive():
                raise BrokenPipeError
        data = os.read(self._from, CHUNK)
        if not data:
            raise BrokenPipeError
        return data

    def _wait(self, descriptor: int, events: int, deadline: float) -> bool:
        """Whether something came within a look."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        poll = select.poll()
        poll.register(descriptor, events)
        return bool(poll.poll(min(left * 1000 + 1, LOOK_MS)))
