"""One instance of a function on this machine: a process, and what is sent to it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from hyfn.toolchain.processes import Process


@dataclass(frozen=True, slots=True)
class Response:
    """What the artifact's own server answered. Header names as it sent them; `cookies` are values of Set-Cookie."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: Sequence[str] = ()


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

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Its response. Raises Exited or Late."""
        connection = self._connection()
        try:
            connection.request(method, target, body, dict(headers))
            got = connection.getresponse()
            cookies = got.headers.get_all("set-cookie", [])
            response = Response(got.status, dict(got.headers.items()), got.read(), cookies)
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
