"""HTTP/1.1 in front of the functions host: keep-alive, one write for each response."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

MAX_HEAD = 65_536
MAX_BODY = 210_000_000
"""What Azure accepts in one request: 210 MB."""


class Refused(Exception):
    """The request cannot be read further. `status` is its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Request:
    """Header names are lower case. `target` is the path with its query."""

    __slots__ = ("body", "headers", "is_last", "length", "method", "target")

    def __init__(self, head: bytes) -> None:
        """Raises Refused."""
        try:
            line, *fields = head.decode("latin-1").split("\r\n")
            self.method, self.target, version = line.split(" ")
            pairs = [field.split(":", 1) for field in fields]
            self.headers = {name.lower(): value.strip() for name, value in pairs}
            self.length = int(self.headers.get("content-length", "0"))
        except ValueError:
            raise Refused(400) from None
        if "transfer-encoding" in self.headers:
            raise Refused(411)
        if self.length < 0:
            raise Refused(400)
        if self.length > MAX_BODY:
            raise Refused(413)
        connection = self.headers.get("connection", "").lower()
        self.is_last = connection == "close" or version == "HTTP/1.0"
        self.body = b""


class Response:
    """`cookies` are values of Set-Cookie, the one field that cannot be joined."""

    __slots__ = ("body", "cookies", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes, cookies: Sequence[str] = ()) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.cookies = cookies


Answer = Callable[[Request], Awaitable[Response]]


class Connection(asyncio.Protocol):
    """One client. Requests are answered in the order of their coming."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._received = bytearray()
        self._request: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._advance()

    def connection_lost(self, _error: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()

    def _advance(self) -> None:
        if self._task is not None:
            return
        try:
            request = self._request = self._request or self._head()
        except Refused as refused:
            self._write(Response(refused.status, {}, b""), is_last=True)
            return
        if request is None or len(self._received) < request.length:
            return
        request.body = bytes(memoryview(self._received)[: request.length])
        del self._received[: request.length]
        self._request = None
        self._task = asyncio.get_running_loop().create_task(self._serve(request))

    def _head(self) -> Request | None:
        end = self._received.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self._received) > MAX_HEAD:
                raise Refused(431)
            return None
        request = Request(bytes(self._received[:end]))
        del self._received[: end + 4]
        if request.headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return request

    async def _serve(self, request: Request) -> None:
        try:
            response = await self._answer(request)
        except Exception:  # noqa: BLE001  (whatever it is, the client must not wait for ever)
            traceback.print_exc()
            response = Response(500, {}, b"")
        self._task = None
        self._write(response, request.is_last, request.method != "HEAD")
        if self._received:
            self._advance()

    def _write(self, response: Response, is_last: bool, with_body: bool = True) -> None:
        lines = [f"HTTP/1.1 {response.status} {_phrase(response.status)}"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        lines += [f"Set-Cookie: {cookie}" for cookie in response.cookies]
        lines.append(f"Content-Length: {len(response.body)}")
        if is_last:
            lines.append("Connection: close")
        self._transport.write(
            "\r\n".join([*lines, "\r\n"]).encode("latin-1", "replace") + (response.body if with_body else b"")
        )
        if is_last:
            self._transport.close()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
