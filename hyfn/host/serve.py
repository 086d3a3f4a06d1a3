"""hyfn's own HTTP/1.1 host for containers: a thread for each connection, and imports next to nothing.

Chosen by `python -m tests.bench hosts`: of what lets calls overlap, blocking threads answered fastest, and 500 of
them that wait hold 9 MB.
"""

from __future__ import annotations

import _socket  # `socket` costs a cold start 6 ms
from _thread import allocate_lock, start_new_thread
from time import monotonic, sleep

from hyfn.host.connection import Connection, bound
from hyfn.host.door import Frames
from hyfn.wire.frame import MAX_FRAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hyfn.host.door import Door, Doors
    from hyfn.wire.carrier import Answer

BACKLOG = 1024
SPARE = 32
"""Connections beyond the limit that are still heard, for health checks and to be refused in good order."""


class Limits:
    """What a server grants to those who connect. Times are in seconds.

    `head_time` and `body_time` are for all of it, so that a client gains nothing by dripping bytes; `idle_time` is how
    long it may send nothing between requests, or not read its response.
    """

    __slots__ = ("body", "body_time", "connections", "head_time", "idle_time", "in_flight")

    def __init__(
        self,
        *,
        connections: int = 512,
        in_flight: int = 256,
        body: int = MAX_FRAME,
        head_time: float = 10,
        body_time: float = 60,
        idle_time: float = 75,
    ) -> None:
        self.connections = connections
        self.in_flight = in_flight
        self.body = body
        self.head_time = head_time
        self.body_time = body_time
        self.idle_time = idle_time


class Server:
    """Listens as soon as it is made; answers while `run` runs. `answer` is called in many threads at once."""

    def __init__(
        self,
        answer: Callable[[bytes], Answer],
        host: str,
        port: int,
        limits: Limits | None = None,
        doors: Doors | None = None,
        public: Door | None = None,
    ) -> None:
        """Port 0 takes a free one: see `port`. Raises OSError where the address cannot be had.

        `doors` are further ones by their path; one for "/" takes the place of that for frames. `public` takes every
        path that has none, and at "/" what the door there refuses.
        """
        self.limits = limits or Limits()
        self.doors: Doors = {"/": Frames(answer), **(doors or {})}
        self.public = public
        self.is_stopping = False
        self._connections: set[Connection] = set()
        self._running = 0
        self._lock = allocate_lock()
        self._listener = _listen(host, port, self.limits.idle_time)
        self.port: int = self._listener.getsockname()[1]

    def run(self, grace: float = 10) -> bool:
        """Answer until `stop`, then finish what was received, for `grace` seconds at most. Whether all was finished."""
        while not self.is_stopping:
            try:
                descriptor, _ = self._listener._accept()  # type: ignore[attr-defined]
            except OSError:
                # Nobody came, one left at once, or no descriptor is left: the next one may fare better.
                if not self.is_stopping:
                    sleep(0.01)
                continue
            self._welcome(_socket.socket(fileno=descriptor))
        self._listener.close()
        return self._drained(monotonic() + grace)

    def stop(self) -> None:
        """Make `run` return. Safe to repeat, from any thread and in a signal handler."""
        if self.is_stopping:
            return
        self.is_stopping = True
        try:
            # Wakes `accept`; closing would not.
            self._listener.shutdown(_socket.SHUT_RDWR)
        except OSError:
            return

    @property
    def is_full(self) -> bool:
        return self._running >= self.limits.in_flight

    def admit(self) -> bool:
        """Whether one more call may run. One that was admitted must be released."""
        with self._lock:
            if self._running >= self.limits.in_flight:
                return False
            self._running += 1
            return True

    def release(self) -> None:
        with self._lock:
            self._running -= 1

    def _welcome(self, sock: _socket.socket) -> None:
        others = len(self._connections)
        connection = Connection(self, sock, others >= self.limits.connections)
        if others >= self.limits.connections + SPARE:
            connection.turn_away()
            return
        self._connections.add(connection)
        try:
            start_new_thread(self._attend, (connection,))
        except RuntimeError:
            self._connections.discard(connection)
            connection.turn_away()

    def _attend(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            self._connections.discard(connection)

    def _drained(self, deadline: float) -> bool:
        while self._connections:
            if monotonic() > deadline:
                return False
            for connection in self._connections.copy():
                connection.close_if_idle()
            sleep(0.005)
        return True


def _listen(host: str, port: int, idle_time: float) -> _socket.socket:
    listener = _socket.socket(_socket.AF_INET6 if ":" in host else _socket.AF_INET, _socket.SOCK_STREAM)
    try:
        listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        # Inherited by what is accepted.
        listener.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        bound(listener, _socket.SO_RCVTIMEO, idle_time)
        bound(listener, _socket.SO_SNDTIMEO, idle_time)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def serve(
    answer: Callable[[bytes], Answer],
    host: str,
    port: int,
    *,
    limits: Limits | None = None,
    doors: Doors | None = None,
    public: Door | None = None,
    grace: float = 10,
    ready: Callable[[int], None] | None = None,
) -> bool:
    """Serve on the main thread until SIGTERM or SIGINT; what runs then has `grace` seconds. Whether all was finished.

    `ready` is told the port. A process that is PID 1 gets no SIGTERM but for the handler that this sets.
    """
    from _signal import SIGINT, SIGTERM, signal  # type: ignore[import-not-found]  # `signal` costs 4 ms

    server = Server(answer, host, port, limits, doors, public)
    for number in (SIGTERM, SIGINT):
        signal(number, lambda *_: server.stop())
    if ready is not None:
        ready(server.port)
    return server.run(grace)
