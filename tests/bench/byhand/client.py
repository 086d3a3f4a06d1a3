"""Clients by hand, kept alive and without Nagle's delay: http.client, and asyncio's streams where calls are awaited."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from urllib.parse import urlsplit


class Client:
    """Calls the hand-written functions. The kind of client that one writes for a service of one's own."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __call__(self, text: str) -> str:
        body = json.dumps({"text": text}).encode()
        self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {answer[:200]!r}")
        value: str = json.loads(answer)["text"]
        return value

    def close(self) -> None:
        self._connection.close()


class AsyncClient:
    """The same on an event loop. It opens its connection at the first call."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._start = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __call__(self, text: str) -> str:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)  # it sets TCP_NODELAY
        reader, writer = self._streams
        body = json.dumps({"text": text}).encode()
        writer.write(f"{self._start}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        async with asyncio.timeout(30):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, *fields = head.split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
            answer = await reader.readexactly(int(headers["content-length"]))
        if status.split(" ")[1] != "200":
            raise RuntimeError(f"{status}: {answer[:200]!r}")
        value: str = json.loads(answer)["text"]
        return value

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
