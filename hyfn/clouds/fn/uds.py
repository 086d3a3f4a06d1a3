"""One HTTP/1.1 exchange over a unix socket, as Fn's agent has it with a container."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from hyfn.wire import http1
from hyfn.wire.carrier import Response

T = TypeVar("T")

CHUNK = 256 * 1024
MAX_BODY = 256 * 1024 * 1024
"""Fn has no limit unless its operator sets one."""


def post(path: Path, target: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
    """The response to POST `target`, on a connection of its own. `headers` say nothing of the length.

    Raises TimeoutError where all of it takes longer than `seconds`; OSError, BadMessage and Cut come through.
    """
    until = time.monotonic() + seconds
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {target} HTTP/1.1\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode("latin-1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_left(until))
        connection.connect(str(path))
        connection.sendall(head + body)
        found, content = _read(connection, http1.response(bytearray(), MAX_BODY), until)
    return Response(found.status, found.fields, content)


def _read(connection: socket.socket, reading: http1.Reading[T], until: float) -> T:
    try:
        wanted = next(reading)
        while True:
            connection.settimeout(_left(until))
            wanted = reading.send(connection.recv(min(wanted, CHUNK)))
    except StopIteration as end:
        read: T = end.value
        return read


def _left(until: float) -> float:
    # A timeout of 0 would be one of non-blocking sockets.
    return max(until - time.monotonic(), 0.001)
