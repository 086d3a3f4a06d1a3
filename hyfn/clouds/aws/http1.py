"""HTTP/1.1 messages on a blocking socket, as lean as the Runtime API and the public doors need."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from hyfn.wire import http1

T = TypeVar("T")

CHUNK = 256 * 1024
MAX_BODY = 64 * 1024 * 1024
"""Far beyond what Lambda takes: its own limit is for its doors to say."""
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


def response(status: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A whole response: `status` is "200 OK"."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


def listen(port: int = 0) -> tuple[socket.socket, int]:
    """A listening socket on loopback and its port."""
    listener = socket.create_server(("127.0.0.1", port), backlog=256)
    return listener, listener.getsockname()[1]
