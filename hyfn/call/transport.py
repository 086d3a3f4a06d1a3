"""What sends a request and brings its response: a seam of two methods, and the leanest thing that fills it.

Plain sockets that are kept alive: http.client costs a cold start 40 ms, and httpx costs each call 1 ms.
"""

from __future__ import annotations

from os import getpid
from select import poll
from time import monotonic

from hyfn.call.connection import dial
from hyfn.call.origin import Origins, literal, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import SSLContext
    from typing import Protocol

    from hyfn.call.connection import Connection, Steps, T
    from hyfn.call.origin import Origin
    from hyfn.wire.carrier import Request, Response
else:
    Protocol = object

MAX_BODY = 256 * 1024 * 1024
"""Bytes of a response's body."""
IDLE_SECONDS = 30.0
"""A connection that waited longer is not used again. Less than servers grant, so that it is the caller who closes."""
LONGEST = 1_000_000.0
"""Seconds: poll counts milliseconds in 32 bits."""
IDLE_CONNECTIONS = 128
"""Of one origin."""


class Transport(Protocol):
    """Sends one request and brings its response, whatever its status. Safe in many threads and event loops.

    `timeout` is for the whole exchange, in seconds. Redirects are not followed and nothing is sent twice. Errors tell
    whether the function may have run: Unavailable where nothing of the request was taken, DeadlineExceeded with
    `executed` 0 before and 2 after that, OutcomeUnknown where the exchange broke, TooLarge where the response is.
    """

    def send(self, request: Request, timeout: float) -> Response: ...

    async def asend(self, request: Request, timeout: float) -> Response: ...

    def close(self) -> None:
        """Close what is idle. The transport can still be used."""


class KeptAlive:
    """The default Transport. Threads and event loops share its connections; a forked child starts without any."""

    def __init__(self, *, tls: SSLContext | None = None, max_body: int = MAX_BODY) -> None:
        """`tls` None: certificates are verified against the system's authorities."""
        self._tls = tls
        self._max_body = max_body
        self._origins = Origins()
        self._process = getpid()

    def send(self, request: Request, timeout: float) -> Response:
        deadline = monotonic() + min(timeout, LONGEST)
        origin, head = self._origins.find(request)
        connection = self._idle(origin)
        if connection is None:
            addresses = literal(origin) or resolve(origin, deadline - monotonic())
            connection = _drive(dial(origin, addresses, self._context(origin), deadline))
        response = _drive(connection.exchange(head, request.body, self._max_body, deadline))
        self._keep(origin, connection)
        return response

    async def asend(self, request: Request, timeout: float) -> Response:
        from hyfn.call.awaiting import drive, resolve

        deadline = monotonic() + min(timeout, LONGEST)
        origin, head = self._origins.find(request)
        connection = self._idle(origin)
        if connection is None:
            addresses = await resolve(origin, deadline - monotonic())
            connection = await drive(dial(origin, addresses, self._context(origin), deadline))
        response = await drive(connection.exchange(head, request.body, self._max_body, deadline))
        self._keep(origin, connection)
        return response

    def close(self) -> None:
        for origin in self._origins:
            while connection := origin.pop():
                connection.close()

    __del__ = close

    def _idle(self, origin: Origin) -> Connection | None:
        """A connection that waits and that the other side has not closed, the last used first."""
        if self._process != getpid():
            # The parent's: two processes must not read from one connection.
            self.close()
            self._process = getpid()
        while connection := origin.pop():
            if connection.idle_since > monotonic() - IDLE_SECONDS and connection.is_open():
                return connection
            connection.close()
        return None

    def _keep(self, origin: Origin, connection: Connection) -> None:
        if not connection.is_reusable or len(origin.idle) >= IDLE_CONNECTIONS:
            connection.close()
            return
        connection.idle_since = now = monotonic()
        idle = origin.idle
        idle.append(connection)
        while idle and idle[0].idle_since < now - IDLE_SECONDS:
            idle.popleft().close()

    def _context(self, origin: Origin) -> SSLContext | None:
        if not origin.is_tls:
            return None
        if self._tls is None:
            from ssl import create_default_context

            self._tls = create_default_context()
        return self._tls


def _drive(steps: Steps[T]) -> T:
    """What `steps` returns, waiting where they wait."""
    try:
        descriptor, events, deadline = next(steps)
        while True:
            waiting = poll()
            waiting.register(descriptor, events)
            ready = waiting.poll(max(deadline - monotonic(), 0) * 1000)
            descriptor, events, deadline = steps.send(ready[0][1] if ready else 0)
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        steps.close()


_plugged: list[Transport] = []


def use(transport: Transport) -> None:
    """From now on calls of this process go through `transport`. To be called before the first call."""
    _plugged[:] = [transport]


def default() -> Transport:
    """What was given to `use`, else a KeptAlive."""
    return _plugged[0] if _plugged else KeptAlive()
