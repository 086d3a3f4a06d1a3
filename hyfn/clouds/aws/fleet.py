"""The execution environments of one function: as many as there are calls at a time, up to a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Condition

from hyfn.clouds.aws.runtime_api import Environment

LIMIT = 10
"""Environments of one function on this machine. An account's own limit is 1,000."""
EAGER = 0.02
"""Seconds that a call waits for a busy environment before another one is started."""
PATIENCE = 10.0
"""Seconds that a call waits at the limit before it is throttled: ten stand for a thousand here."""


class Fleet:
    """Safe in many threads."""

    def __init__(self, start: Callable[[], Environment], limit: int = LIMIT, patience: float = PATIENCE) -> None:
        """`start` makes an environment that is ready, or raises InitFailed."""
        self._start = start
        self._limit = limit
        self._patience = patience
        self._changed = Condition()
        self._all: set[Environment] = set()
        self._idle: list[Environment] = []
        self._starting = 0
        self._is_stopped = False

    def take(self) -> Environment | None:
        """An idle environment, or a new one; give it back with `release`.

        None where all stay busy at the limit: the call is throttled. Raises InitFailed.
        """
        with self._changed:
            environment = self._wait_for_idle()
            if environment is not None or self._is_full() or self._is_stopped:
                return environment
            self._starting += 1
        return self._another()

    def release(self, environment: Environment) -> None:
        """It is idle again, or has ended: the next `take` sees to that."""
        with self._changed:
            self._idle.append(environment)
            self._changed.notify()

    def stop(self) -> None:
        """End every environment, busy ones too. Safe to repeat."""
        with self._changed:
            self._is_stopped = True
            ending = list(self._all)
            self._all.clear()
            self._idle.clear()
            self._changed.notify_all()
        for environment in ending:
            environment.stop()

    def _wait_for_idle(self) -> Environment | None:
        began = time.monotonic()
        while not self._is_stopped:
            while self._idle:
                environment = self._idle.pop()
                if environment.is_alive():
                    return environment
                self._all.discard(environment)
                environment.stop()
            left = began + self._worth_waiting() - time.monotonic()
            if left <= 0:
                return None
            self._changed.wait(left)
        return None

    def _worth_waiting(self) -> float:
        if self._is_full():
            return self._patience
        return EAGER if self._all else 0.0

    def _is_full(self) -> bool:
        return len(self._all) + self._starting >= self._limit

    def _another(self) -> Environment | None:
        environment = None
        try:
            environment = self._start()
        finally:
            with self._changed:
                self._starting -= 1
                is_late = self._is_stopped
                if environment is not None and not is_late:
                    self._all.add(environment)
                self._changed.notify()
        if is_late:
            environment.stop()
            return None
        return environment
