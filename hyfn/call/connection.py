"""One kept-alive connection, and an exchange on it: what to do on a socket, without deciding how to wait for it.

Each procedure here is a generator that yields (descriptor, events, deadline) when it must wait, and is sent the events
that came, 0 where the deadline did. A driver that polls makes blocking calls of them, an event loop asynchronous ones.
"""

from __future__ import annotations

import _socket  # `socket` costs a cold start 6 ms
from errno import EINPROGRESS
from os import strerror
from select import POLLIN, POLLOUT
from time import monotonic

from hyfn.errors import NOT_EXECUTED, UNKNOWN, CallError, DeadlineExceeded, OutcomeUnknown, TooLarge, Unavailable
from hyfn.wire import http1
from hyfn.wire.carrier import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from ssl import SSLContext
    from typing import Any, TypeAlias, TypeVar

    from hyfn.call.origin import Address, Origin

    T = TypeVar("T")
    Steps: TypeAlias = Generator[tuple[int, int, float], int, T]

MOST_AT_ONCE = 256 * 1024
JOINED = 65_536
"""Bytes of a body up to which copying it behind its head is quicker than a second buffer."""
ONE_OF_MANY = 5.0
"""Seconds for a connection to one address of a host that has others."""


def dial(origin: Origin, addresses: Sequence[Address], tls: SSLContext | None, deadline: float) -> Steps[Connection]:
    """A connection to the first address that takes one. Raises Unavailable or DeadlineExceeded; nothing was sent."""
    failure: CallError = Unavailable(f"{origin} has no address", executed=NOT_EXECUTED)
    for place, address in enumerate(addresses, 1):
        until = deadline if place == len(addresses) else min(deadline, monotonic() + ONE_OF_MANY)
        connection = Connection(origin, address[0])
        try:
            yield from connection.open(address, tls, until)
        except (Unavailable, DeadlineExceeded) as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure


class Connection:
    """`is_reusable`: the last exchange left it ready for another one."""

    __slots__ = ("_again", "_buffer", "_is_plain", "_origin", "_socket", "idle_since", "is_reusable")

    def __init__(self, origin: Origin, family: int) -> None:
        self._origin = origin
        self._socket: Any = _socket.socket(family, _socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._is_plain = True
        self._again: tuple[type[Exception], ...] = (BlockingIOError,)
        self._buffer = bytearray()
        self.idle_since = 0.0
        self.is_reusable = False

    def close(self) -> None:
        self._socket.close()

    def is_open(self) -> bool:
        """Whether an idle connection is still one: nothing arrived, not even its end."""
        try:
            self._socket.recv(1)
        except self._again:
            return True
        except OSError:
            pass
        return False

    def open(self, address: Address, tls: SSLContext | None, deadline: float) -> Steps[None]:
        sock = self._socket
        sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        error = sock.connect_ex(address[1])
        if error == EINPROGRESS:
            if not (yield sock.fileno(), POLLOUT, deadline):
                raise DeadlineExceeded(f"no connection to {self._origin} in time", executed=NOT_EXECUTED)
            error = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if error:
            raise Unavailable(f"no connection to {self._origin}: {strerror(error)}", executed=NOT_EXECUTED)
        if tls is not None:
            yield from self._shake_hands(tls, deadline)

    def exchange(self, head: bytes, body: bytes, limit: int, deadline: float) -> Steps[Response]:
        """Send one request and read its response. Where it raises, the connection is closed."""
        self.is_reusable = False
        try:
            is_sent = yield from self._send(head, body, deadline)
            return (yield from self._receive(is_sent, limit, deadline))
        except http1.BadMessage as error:
            self.close()
            if error.status == 413:
                raise TooLarge(f"the response of {self._origin}: {error}", executed=UNKNOWN) from None
            raise OutcomeUnknown(f"{self._origin} answered something that is not HTTP: {error}") from error
        except DeadlineExceeded:
            # A TimeoutError and therefore an OSError.
            self.close()
            raise
        except (http1.Cut, OSError) as error:
            self.close()
            raise OutcomeUnknown(f"the connection to {self._origin} broke: {error}") from error
        except BaseException:
            self.close()
            raise

    def _send(self, head: bytes, body: bytes, deadline: float) -> Steps[bool]:
        """Whether all of it was taken: a server may answer before the end, and close."""
        if monotonic() >= deadline:
            raise self._late(NOT_EXECUTED)
        is_joined = len(body) <= JOINED or not self._is_plain
        ahead = memoryview(head + body if is_joined else head)
        behind = memoryview(b"" if is_joined else body)
        is_begun = False
        while ahead or behind:
            try:
                sent = self._socket.sendmsg((ahead, behind)) if behind else self._socket.send(ahead)
            except self._again:
                # Under TLS bytes may arrive that are no answer.
                ready = yield self._socket.fileno(), POLLOUT | POLLIN * self._is_plain, deadline
                if not ready:
                    raise self._late(UNKNOWN if is_begun else NOT_EXECUTED) from None
                if ready == POLLIN:
                    return False
                continue
            except OSError as error:
                if not is_begun:
                    raise self._unsent(error) from error
                return False
            is_begun = True
            behind = behind[max(sent - len(ahead), 0) :]
            ahead = ahead[sent:]
        return True

    def _receive(self, is_sent: bool, limit: int, deadline: float) -> Steps[Response]:
        reading = http1.response(self._buffer, limit)
        wanted = next(reading)
        # TLS may hold bytes that no poll would tell of.
        must_wait = self._is_plain
        try:
            while True:
                if must_wait and not (yield self._socket.fileno(), POLLIN, deadline):
                    raise self._late(UNKNOWN)
                asked = min(wanted, MOST_AT_ONCE)
                try:
                    data = self._socket.recv(asked)
                except self._again:
                    must_wait = True
                    continue
                must_wait = self._is_plain and len(data) < asked
                wanted = reading.send(data)
        except StopIteration as end:
            head, body = end.value
        self.is_reusable = is_sent and not head.is_last and not self._buffer
        return Response(head.status, head.fields, body)

    def _shake_hands(self, tls: SSLContext, deadline: float) -> Steps[None]:
        import ssl
        from socket import socket

        plain = socket(fileno=self._socket.detach())
        try:
            plain.setblocking(False)
            self._socket = tls.wrap_socket(plain, server_hostname=self._origin.host, do_handshake_on_connect=False)
            self._is_plain = False
            self._again = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
            while True:
                try:
                    self._socket.do_handshake()
                    return
                except ssl.SSLWantReadError:
                    events = POLLIN
                except ssl.SSLWantWriteError:
                    events = POLLOUT
                if not (yield self._socket.fileno(), events, deadline):
                    raise DeadlineExceeded(f"no TLS with {self._origin} in time", executed=NOT_EXECUTED)
        except DeadlineExceeded:
            raise
        except OSError as error:
            raise Unavailable(f"no TLS with {self._origin}: {error}", executed=NOT_EXECUTED) from error

    def _late(self, executed: int) -> DeadlineExceeded:
        return DeadlineExceeded(f"{self._origin} did not answer in time", executed=executed)

    def _unsent(self, error: OSError) -> Unavailable:
        return Unavailable(f"{self._origin} took nothing of the request: {error}", executed=NOT_EXECUTED)
