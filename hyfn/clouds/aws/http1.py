"""HTTP/1.1 messages on a blocking socket, as lean as the Runtime API and the public doors need."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass

CHUNK = 65_536
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
    """One kept-alive connection, on the server's side. `socket.timeout` and OSError come through."""

    def __init__(self, accepted: socket.socket) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = accepted
        self._rest = b""

    def receive(self, seconds: float | None = None) -> Message | None:
        """The next request, or None where the peer is gone. TimeoutError if nothing comes for `seconds`."""
        self._socket.settimeout(seconds)
        head = self._head()
        if head is None:
            return None
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        pairs = (line.partition(":") for line in lines[1:])
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if "100-continue" in headers.get("expect", "").lower():
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._body(int(headers.get("content-length", "0")))
        return None if body is None else Message(method, target, headers, body)

    def send(self, data: bytes) -> None:
        """All of `data` in one write: small writes cost up to 90 ms each on loopback."""
        self._socket.sendall(data)

    def close(self) -> None:
        """Safe to repeat, and from another thread: a waiting `receive` ends."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _head(self) -> bytes | None:
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            if len(data) > MAX_HEAD or not (more := self._socket.recv(CHUNK)):
                return None
            data += more
        self._rest = data[end + 4 :]
        return data[:end]

    def _body(self, length: int) -> bytes | None:
        held = self._rest
        if len(held) >= length:
            self._rest = held[length:]
            return held[:length]
        body = bytearray(length)
        body[: len(held)] = held
        self._rest = b""
        view, filled = memoryview(body), len(held)
        while filled < length:
            got = self._socket.recv_into(view[filled:])
            if not got:
                return None
            filled += got
        return bytes(body)


def response(status: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A whole response: `status` is "200 OK"."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


def listen(port: int = 0) -> tuple[socket.socket, int]:
    """A listening socket on loopback and its port."""
    listener = socket.create_server(("127.0.0.1", port), backlog=256)
    return listener, listener.getsockname()[1]
