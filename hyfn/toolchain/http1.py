"""HTTP/1.1 on loopback for what stands in for a platform: its public side, or an interface that a runtime asks."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import TypeVar

from hyfn.wire import http1

T = TypeVar("T")

CHUNK = 256 * 1024
MAX_BODY = 64 * 1024 * 1024
"""Far beyond what any platform takes: its own limit is for its doors to say."""
MAX_HEAD = 2 * 1024 * 1024
"""awslambdaric puts up to 1 MB of fault description into one header."""


@dataclass(frozen=True, slots=True)
class Message:
    """One request. Header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """One kept-alive connection, on the server's side. TimeoutError, OSError and BadMessage come through."""

    def __init__(self, accepted: socket.socket) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = accepted
        self._buffer = bytearray()

    def receive(self, seconds: float | None = None) -> Message | None:
        """The next request, or None where the peer is gone. TimeoutError if nothing comes for `seconds`."""
        self._socket.settimeout(seconds)
        try:
            head = http1.RequestHead(self._read(http1.head(self._buffer, MAX_HEAD)))
            if "expect" in head.fields:
                self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = self._read(http1.body(self._buffer, head.length, MAX_BODY))
        except http1.Cut:
            return None
        return Message(head.method, head.target, head.fields, body)

    def send(self, data: bytes) -> None:
        """All of `data` in one write: small writes cost up to 90 ms each on loopback."""
        self._socket.sendall(data)

    def close(self) -> None:
        """Safe to repeat, and from another thread: a waiting `receive` ends."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self, reading: http1.Reading[T]) -> T:
        try:
            wanted = next(reading)
            while True:
                wanted = reading.send(self._socket.recv(min(wanted, CHUNK)))
        except StopIteration as end:
            read: T = end.value
            return read


def response(status: str, headers: Mapping[str, str], body: bytes = b"", cookies: Sequence[str] = ()) -> bytes:
    """A whole response: `status` is "200 OK", `cookies` are values of Set-Cookie."""
    fields = [*headers.items(), *(("Set-Cookie", cookie) for cookie in cookies)]
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


def listen(port: int = 0) -> tuple[socket.socket, int]:
    """A listening socket on loopback and its port."""
    listener = socket.create_server(("127.0.0.1", port), backlog=256)
    return listener, listener.getsockname()[1]


class Server:
    """Listens on loopback from the moment it is made. One thread for each connection, which carries its calls through.

    `answer` sends the response itself: it may have something to do after that.
    """

    def __init__(self, answer: Callable[[Connection, Message], None], port: int = 0) -> None:
        """Port 0 takes a free one: see `port`."""
        self._answer = answer
        self._listener, self.port = listen(port)
        self._connections: set[Connection] = set()
        Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Close every socket. Safe to repeat."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._connections):
            connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                connection = Connection(accepted)
                self._connections.add(connection)
                Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        try:
            with contextlib.suppress(OSError):
                self._answer_all(connection)
        finally:
            self._connections.discard(connection)
            connection.close()

    def _answer_all(self, connection: Connection) -> None:
        try:
            while (message := connection.receive()) is not None:
                self._answer(connection, message)
        except http1.BadMessage as error:
            refusal = response(f"{error.status} ", {"Content-Type": "text/plain"}, str(error).encode())
            connection.send(refusal)
