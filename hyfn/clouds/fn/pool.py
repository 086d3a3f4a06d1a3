"""The containers of one function: as many as there are calls at a time, up to a limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

from hyfn.clouds.fn.container import FnContainer

LIMIT = 10
"""Containers of one function on this machine: Fn starts them as far as memory goes."""
EAGER = 0.02
"""Seconds that a call waits for a busy container before another one is started."""
PATIENCE = 10.0
"""Seconds that a call waits at the limit until the server is too busy."""


class Pool:
    """Safe in many threads."""

    def __init__(self, start: Callable[[], FnContainer], limit: int = LIMIT, patience: float = PATIENCE) -> None:
        """`start` makes a container that is ready, or raises NotLoaded."""
        self._start = start
        self._limit = limit
        self._patience = patience
        self._turn = Condition()
        self._idle: list[FnContainer] = []
        self._busy: set[FnContainer] = set()
        self._starting = 0
        self._is_stopped = False

    @contextmanager
    def container(self) -> Iterator[FnContainer | None]:
        """One that does nothing else meanwhile; None where all stay busy at the limit. Raises NotLoaded."""
        taken = self._take()
        try:
            yield taken
        finally:
            if taken is not None:
                self._give_back(taken)

    def pids(self) -> list[int]:
        """The processes that wait for a call."""
        with self._turn:
            return [each.pid for each in self._idle]

    def stop(self) -> None:
        """End every container, busy ones too. Safe to repeat."""
        with self._turn:
            self._is_stopped = True
            ending = [*self._idle, *self._busy]
            self._idle.clear()
            self._turn.notify_all()
        for each in ending:
            each.stop()

    def _take(self) -> FnContainer | None:
        with self._turn:
            found = self._wait()
            if found is not None or self._is_full() or self._is_stopped:
                return found
            self._starting += 1
        return self._another()

    def _wait(self) -> FnContainer | None:
        """The one that was used last, as soon as there is an idle one, or None where another one is better started."""
        until = time.monotonic() + (self._patience if self._is_full() else EAGER if self._busy else 0)
        while not self._is_stopped:
            while self._idle:
                found = self._idle.pop()
                if found.is_alive():
                    self._busy.add(found)
                    return found
                found.stop()
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._turn.wait(left)
        return None

    def _is_full(self) -> bool:
        return len(self._idle) + len(self._busy) + self._starting >= self._limit

    def _another(self) -> FnContainer | None:
        made = None
        try:
            made = self._start()
        finally:
            with self._turn:
                self._starting -= 1
                is_late = self._is_stopped
                if made is not None and not is_late:
                    self._busy.add(made)
                self._turn.notify()
        if is_late:
            made.stop()
            return None
        return made

    def _give_back(self, used: FnContainer) -> None:
        with self._turn:
            self._busy.discard(used)
            if used.is_alive() and not self._is_stopped:
                self._idle.append(used)
            self._turn.notify()
