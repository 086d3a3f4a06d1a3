"""The instances of one function on this machine: as many processes as its calls need, up to a limit."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from threading import Condition

from hyfn.toolchain.processes import Process

LIMIT = 10
"""Instances of one function on this machine. An account's own limit is 100 in a region
(https://www.alibabacloud.com/help/en/functioncompute/fc/error-handling-1-2)."""
EAGER = 0.02
"""Seconds that a call waits for a busy instance before another one is started."""
PATIENCE = 10.0
"""Seconds that a call waits at the limit before it is throttled: ten stand for a hundred here."""


@dataclass(frozen=True, slots=True)
class Response:
    """What the artifact's own server answered. Header names as it sent them."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Exited(Exception):
    """The process ended before it had answered."""


class Late(Exception):
    """It had not answered when the function's time was over, and is ended."""


class Instance:
    """One process and the kept-alive connections to it. `send` may be called by many threads at once."""

    def __init__(self, process: Process, port: int, timeout: float) -> None:
        """`timeout` is the function's, in seconds."""
        self._process = process
        self._port = port
        self._timeout = timeout
        self._idle: list[HTTPConnection] = []
        self.under_way = 0

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Its response. Raises Exited or Late."""
        connection = self._connection()
        try:
            connection.request(method, target, body, dict(headers))
            got = connection.getresponse()
            response = Response(got.status, dict(got.headers.items()), got.read())
        except TimeoutError:
            connection.close()
            self.stop(grace=0)
            raise Late from None
        except (OSError, HTTPException):
            connection.close()
            self.stop(grace=0)
            raise Exited from None
        self._idle.append(connection)
        return response

    def stop(self, grace: float = 0.5) -> None:
        """End the process. Safe to repeat."""
        self._process.stop(grace)
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _connection(self) -> HTTPConnection:
        try:
            return self._idle.pop()
        except IndexError:
            return HTTPConnection("127.0.0.1", self._port, timeout=self._timeout)


class Instances:
    """Safe in many threads."""

    def __init__(self, start: Callable[[], Instance], concurrency: int, limit: int, patience: float) -> None:
        """`start` makes an instance that is ready, or raises; one runs `concurrency` calls at a time."""
        self._start = start
        self._concurrency = concurrency
        self._limit = limit
        self._patience = patience
        self._changed = Condition()
        self._all: set[Instance] = set()
        self._starting = 0
        self._is_stopped = False

    def take(self) -> Instance | None:
        """One with room for a call, or a new one; give it back with `release`.

        None where all stay busy at the limit: the call is throttled. Raises what `start` does.
        """
        with self._changed:
            instance = self._wait_for_room()
            if instance is not None or self._is_full() or self._is_stopped:
                return instance
            self._starting += 1
        return self._another()

    def release(self, instance: Instance) -> None:
        with self._changed:
            instance.under_way -= 1
            self._changed.notify()

    def stop(self) -> None:
        """End every instance, busy ones too. Safe to repeat."""
        with self._changed:
            self._is_stopped = True
            ending = list(self._all)
            self._all.clear()
            self._changed.notify_all()
        for instance in ending:
            instance.stop()

    def _wait_for_room(self) -> Instance | None:
        began = time.monotonic()
        while not self._is_stopped:
            instance = self._with_room()
            left = began + self._worth_waiting() - time.monotonic()
            if instance is not None or left <= 0:
                return instance
            self._changed.wait(left)
        return None

    def _with_room(self) -> Instance | None:
        """The busiest that has room, so that others may rest."""
        for ended in [instance for instance in self._all if not instance.is_alive()]:
            self._all.remove(ended)
            ended.stop()
        open_ones = [instance for instance in self._all if instance.under_way < self._concurrency]
        if not open_ones:
            return None
        chosen = max(open_ones, key=lambda instance: instance.under_way)
        chosen.under_way += 1
        return chosen

    def _worth_waiting(self) -> float:
        if self._is_full():
            return self._patience
        return EAGER if self._all else 0.0

    def _is_full(self) -> bool:
        return len(self._all) + self._starting >= self._limit

    def _another(self) -> Instance | None:
        instance = None
        try:
            instance = self._start()
            instance.under_way = 1
        finally:
            with self._changed:
                self._starting -= 1
                is_late = self._is_stopped
                if instance is not None and not is_late:
                    self._all.add(instance)
                self._changed.notify()
        if is_late:
            instance.stop()
            return None
        return instance
