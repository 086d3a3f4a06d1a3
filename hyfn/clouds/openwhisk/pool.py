"""The containers of one action: as many as there are activations at a time, up to a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Condition

from hyfn.clouds.openwhisk.container import Container

LIMIT = 10
"""Containers of one action on this machine. A namespace has 100 activations at a time (docs/reference.md)."""
EAGER = 0.02
"""Seconds that an activation waits for a busy container before another one is started."""
PATIENCE = 10.0
"""Seconds that an activation waits at the limit before it is refused: ten stand for a hundred here."""


class Pool:
    """Safe in many threads. Calls that come back to an action in a chain find a container while there is room."""

    def __init__(self, start: Callable[[], Container], limit: int = LIMIT, patience: float = PATIENCE) -> None:
        """`start` makes a container that is initialised, or raises InitFailed."""
        self.limit = limit
        self._start = start
        self._patience = patience
        self._changed = Condition()
        self._all: set[Container] = set()
        self._idle: list[Container] = []
        self._starting = 0
        self._is_stopped = False

    def take(self) -> Container | None:
        """A warm container, or a new one; give it back with `release`. None where all stay busy. Raises InitFailed."""
        with self._changed:
            began = time.monotonic()
            while not self._is_stopped:
                if container := self._warm():
                    return container
                left = began + self._worth_waiting() - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            if self._is_stopped or self._is_full():
                return None
            self._starting += 1
        return self._another()

    def release(self, container: Container) -> None:
        """It is idle again, or has ended: the next `take` sees to that."""
        with self._changed:
            self._idle.append(container)
            self._changed.notify()

    def stop(self) -> None:
        """End every container, busy ones too. Safe to repeat."""
        with self._changed:
            self._is_stopped = True
            ending = list(self._all)
            self._all.clear()
            self._idle.clear()
            self._changed.notify_all()
        for container in ending:
            container.stop()

    def _warm(self) -> Container | None:
        while self._idle:
            container = self._idle.pop()
            if container.is_alive():
                return container
            self._all.discard(container)
            container.stop()
        return None

    def _worth_waiting(self) -> float:
        if self._is_full():
            return self._patience
        return EAGER if self._all else 0.0

    def _is_full(self) -> bool:
        return len(self._all) + self._starting >= self.limit

    def _another(self) -> Container | None:
        container = None
        try:
            container = self._start()
        finally:
            with self._changed:
                self._starting -= 1
                is_late = self._is_stopped
                if container is not None and not is_late:
                    self._all.add(container)
                self._changed.notify()
        if is_late:
            container.stop()
            return None
        return container
