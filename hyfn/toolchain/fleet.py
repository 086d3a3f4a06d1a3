"""What runs one function on this machine: as many processes as its calls need at a time, up to a limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition
from typing import Generic, Protocol, TypeVar

LIMIT = 10
"""Members of one fleet on this machine. A platform has a hundred of them, or a thousand."""
EAGER = 0.02
"""Seconds that a call waits for a busy member before another one is started."""
PATIENCE = 10.0
"""Seconds that a call waits at the limit before it is throttled: ten stand for a hundred here."""


class Member(Protocol):
    def is_alive(self) -> bool: ...

    def stop(self) -> None:
        """End it, also while it is busy. Safe to repeat."""
        ...


M = TypeVar("M", bound=Member)


class Fleet(Generic[M]):
    """Safe in many threads. Calls that come back to a function in a chain find a member while there is room."""

    def __init__(self, start: Callable[[], M], limit: int = LIMIT, patience: float = PATIENCE, room: int = 1) -> None:
        """`start` makes a member that is ready, or raises; one runs `room` calls at a time."""
        self.limit = limit
        self._start = start
        self._patience = patience
        self._room = room
        self._changed = Condition()
        self._calls: dict[M, int] = {}
        """How many each of them runs; the one that was used last stands last."""
        self._starting = 0
        self._is_stopped = False

    @property
    def idle(self) -> Sequence[M]:
        """Those that run nothing."""
        with self._changed:
            return [member for member, calls in self._calls.items() if not calls]

    @contextmanager
    def lent(self) -> Iterator[M | None]:
        """`take` and `release`."""
        taken = self.take()
        try:
            yield taken
        finally:
            if taken is not None:
                self.release(taken)

    def take(self) -> M | None:
        """One with room for a call, or a new one; give it back with `release`.

        None where all stay busy at the limit: the call is throttled. Raises what `start` does.
        """
        with self._changed:
            found = self._wait_for_room()
            if found is not None or self._is_full() or self._is_stopped:
                return found
            self._starting += 1
        return self._another()

    def release(self, member: M) -> None:
        """One that has ended meanwhile is sorted out by the next `take`."""
        with self._changed:
            if member in self._calls:
                self._calls[member] = self._calls.pop(member) - 1
            self._changed.notify()

    def stop(self) -> None:
        """End every member, busy ones too. Safe to repeat."""
        with self._changed:
            self._is_stopped = True
            ending = list(self._calls)
            self._calls.clear()
            self._changed.notify_all()
        for member in ending:
            member.stop()

    def _wait_for_room(self) -> M | None:
        began = time.monotonic()
        while not self._is_stopped:
            found = self._with_room()
            left = began + self._worth_waiting() - time.monotonic()
            if found is not None or left <= 0:
                return found
            self._changed.wait(left)
        return None

    def _with_room(self) -> M | None:
        """The busiest that has room, so that others may rest; of those alike the one that was used last."""
        for ended in [member for member, calls in self._calls.items() if not calls and not member.is_alive()]:
            del self._calls[ended]
            ended.stop()
        open_ones = [member for member, calls in self._calls.items() if calls < self._room and member.is_alive()]
        if not open_ones:
            return None
        found = max(reversed(open_ones), key=self._calls.__getitem__)
        self._calls[found] += 1
        return found

    def _worth_waiting(self) -> float:
        if self._is_full():
            return self._patience
        return EAGER if self._calls else 0.0

    def _is_full(self) -> bool:
        return len(self._calls) + self._starting >= self.limit

    def _another(self) -> M | None:
        made = None
        try:
            made = self._start()
        finally:
            with self._changed:
                self._starting -= 1
                is_late = self._is_stopped
                if made is not None and not is_late:
                    self._calls[made] = 1
                self._changed.notify()
        if is_late:
            made.stop()
            return None
        return made
