"""One HTTP connection to the host of a container, and its requests, one after another, on one thread."""

from __future__ import annotations

from _socket import SHUT_RD, SHUT_WR, SO_RCVTIMEO, SOL_SOCKET
from struct import Struct
from time import monotonic

from hyfn.errors import Malformed, NoSuchFunction, Overloaded, TooLarge
from hyfn.host import http
from hyfn.wire import http1
from hyfn.wire.carrier import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from typing import TypeVar

    from hyfn.errors import CallError
    from hyfn.host.door import Door, Refusal, Said
    from hyfn.host.serve import Server

    T = TypeVar("T")

MAX_HEAD = 8192
MOST_AT_ONCE = 256 * 1024
LINGER = 1.0
HEALTH = ("/health/liveness", "/health/readiness")
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    421: "Misdirected Request",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}


class Connection:
    """See the module."""

    def __init__(self, server: Server, sock: socket, is_surplus: bool) -> None:
        """`is_surplus`: there is no room for its calls, only for health checks."""
        self._server = server
        self._is_surplus = is_surplus
        self._limits = server.limits
        self._socket = sock
        self._buffer = bytearray()
        self._is_idle = False
        self._is_head = False
        self._door: Door | None = None
        self._deadline = 0.0
        # What the listener was given, and its connections with it.
        self._timeout = server.limits.idle_time

    def serve(self) -> None:
        """Answer until one side has enough. Closes the connection."""
        try:
            while self._one():
                pass
        except http1.BadMessage as error:
            self._give_up(self._refusal(error.status, TooLarge if error.status == 413 else Malformed))
        except BlockingIOError:
            # The time is over. Between requests nobody waits for an answer.
            if not self._is_idle:
                self._give_up(self._refusal(408, Malformed))
        except (http1.Cut, OSError):
            pass
        finally:
            self._socket.close()

    def close_if_idle(self) -> None:
        """Wake the thread that waits for a next request; what has begun to arrive is still answered."""
        if self._is_idle:
            try:
                self._socket.shutdown(SHUT_RD)
            except OSError:
                return

    def turn_away(self) -> None:
        """Tell a client, without waiting for it, that there is no room. Closes the connection."""
        try:
            self._socket.setblocking(False)
            self._socket.send(_head(503, "text/plain", len(Overloaded.code), True) + Overloaded.code.encode())
            self._socket.shutdown(SHUT_WR)
            self._socket.recv(http1.READ)
        except OSError:
            pass
        finally:
            self._socket.close()

    def _one(self) -> bool:
        """One request and its response. False: there will be no other."""
        head = self._head()
        path = head.target.partition("?")[0]
        if path in HEALTH and head.method == "GET":
            self._body(head)
            return self._respond(head.is_last, 503 if self._server.is_stopping else 200, "text/plain", b"")
        door = self._server.doors.get(path)
        if self._server.public is not None and (door is None or (path == "/" and door.refused(head))):
            door = self._server.public
        self._door = door
        if door is None:
            return self._refuse(self._refusal(404, NoSuchFunction), head)
        refused = self._refused(door, head)
        if refused is not None:
            status, error = refused
            return self._refuse(door.say(Answer(status, b"", error.code)), head)
        body = self._body(head)
        if not self._server.admit():
            return self._refuse(door.say(Answer(503, b"", Overloaded.code)), head)
        try:
            said = door.answer(head, body)
        finally:
            self._server.release()
        return self._respond(head.is_last, *said)

    def _refusal(self, status: int, error: type[CallError]) -> Said:
        """In the words of the door that was asked for, if any was."""
        answer = Answer(status, b"", error.code)
        return http.answer(answer) if self._door is None else self._door.say(answer)

    def _refused(self, door: Door, head: http1.RequestHead) -> Refusal | None:
        """What can be said before the body is read."""
        refused = door.refused(head)
        if refused is not None:
            return refused
        if self._is_surplus or self._server.is_full:
            return 503, Overloaded
        if head.length > self._limits.body:
            return 413, TooLarge
        return None

    def _head(self) -> http1.RequestHead:
        if not self._buffer:
            self._is_idle = True
            if self._server.is_stopping:
                raise http1.Cut
            self._wait_at_most(self._limits.head_time if self._is_surplus else self._limits.idle_time)
            data = self._socket.recv(http1.READ)
            if not data:
                raise http1.Cut
            self._is_idle = False
            self._buffer += data
        self._deadline = monotonic() + self._limits.head_time
        self._door, self._is_head = None, False
        head = http1.RequestHead(self._read(http1.head(self._buffer, MAX_HEAD)))
        self._is_head = head.method == "HEAD"
        return head

    def _body(self, head: http1.RequestHead) -> bytes:
        if "expect" in head.fields and head.length and not self._buffer:
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._deadline = monotonic() + self._limits.body_time
        body = self._read(http1.body(self._buffer, head.length, self._limits.body))
        head.length = 0
        return body

    def _read(self, reading: http1.Reading[T]) -> T:
        try:
            wanted = next(reading)
            while True:
                left = self._deadline - monotonic()
                if left <= 0:
                    raise BlockingIOError
                self._wait_at_most(left)
                wanted = reading.send(self._socket.recv(min(wanted, MOST_AT_ONCE)))
        except StopIteration as end:
            read: T = end.value
            return read

    def _refuse(self, said: Said, head: http1.RequestHead) -> bool:
        """The connection lasts where the whole body is here."""
        if not 0 <= head.length <= len(self._buffer):
            self._give_up(said)
            return False
        del self._buffer[: head.length]
        return self._respond(head.is_last or self._is_surplus, *said)

    def _give_up(self, said: Said) -> None:
        """Answer and close, so that the client still reads it."""
        try:
            self._respond(True, *said)
            self._socket.shutdown(SHUT_WR)
            # Closing with unread bytes would send a reset, which may overtake the answer.
            deadline = monotonic() + LINGER
            while (left := deadline - monotonic()) > 0:
                self._wait_at_most(left)
                if not self._socket.recv(http1.READ):
                    return
        except OSError:
            return

    def _respond(self, is_last: bool, status: int, content_type: str, body: bytes, fields: str = "") -> bool:
        is_last = is_last or self._server.is_stopping
        head = _head(status, content_type, len(body), is_last, fields)
        self._send(head, b"" if self._is_head else body)
        return not is_last

    def _send(self, head: bytes, body: bytes = b"") -> None:
        """In one piece: two small writes would wait for each other's acknowledgement."""
        if len(body) <= http1.READ:
            self._socket.sendall(head + body)
            return
        sent = self._socket.sendmsg([head, body])
        if sent < len(head):
            self._socket.sendall(head[sent:])
        self._socket.sendall(memoryview(body)[max(sent - len(head), 0) :])

    def _wait_at_most(self, seconds: float) -> None:
        if seconds != self._timeout:
            bound(self._socket, SO_RCVTIMEO, seconds)
            self._timeout = seconds


def bound(sock: socket, direction: int, seconds: float) -> None:
    """Let the kernel end a wait of a blocking socket, with BlockingIOError.

    With `settimeout` each read and write is two system calls, and 50 connections get a third fewer answers.
    """
    whole = int(seconds)
    sock.setsockopt(SOL_SOCKET, direction, _TIMEVAL.pack(whole, int((seconds - whole) * 1_000_000) or 1))


_TIMEVAL = Struct("ll")


def _head(status: int, content_type: str, length: int, is_last: bool, fields: str = "") -> bytes:
    """`fields` are lines of a door's own."""
    allow = "Allow: POST\r\n" if status == 405 and not fields else ""
    close = "Connection: close\r\n" if is_last else ""
    # RFC 9110, 8.6: a 204 has no length.
    size = "" if status == 204 else f"Content-Length: {length}\r\n"
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    return f"HTTP/1.1 {status} {REASONS.get(status, '')}\r\n{kind}{size}{fields}{allow}{close}\r\n".encode("latin-1")
