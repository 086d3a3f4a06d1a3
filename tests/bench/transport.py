"""The transport of calls against other HTTP clients, all calling hyfn's own host in another process."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable, Iterable

from hyfn.call.httpx_transport import HttpxTransport
from hyfn.call.transport import KeptAlive, Transport
from hyfn.wire.carrier import Request
from hyfn.wire.frame import CONTENT_TYPE
from tests.bench.hosts import BODY, _connected, _up
from tests.bench.measure import in_turn, table

CALLS, LARGE_CALLS = 500, 9
LARGE = bytes(10_000_000)


def run() -> Iterable[str]:
    with _up("hyfn") as port:
        ways = _ways(port, BODY)
        small = in_turn(CALLS, *ways.values(), warmup=20)
        large = in_turn(LARGE_CALLS, *_ways(port, LARGE).values())
    return table(
        ["client", "300 bytes: us, min / median", "x raw", "10 MB: ms, median", "x raw"],
        [
            [
                name,
                f"{few.best * 1e6:.0f} / {few.median * 1e6:.0f}",
                f"{few.median / small[0].median:.2f}",
                f"{many.median * 1e3:.1f}",
                f"{many.median / large[0].median:.2f}",
            ]
            for name, few, many in zip(ways, small, large, strict=True)
        ],
    )


def _ways(port: int, body: bytes) -> dict[str, Callable[[], object]]:
    fields = {"Content-Type": CONTENT_TYPE}
    request = Request("POST", f"http://127.0.0.1:{port}/", fields, body)
    plain = http.client.HTTPConnection("127.0.0.1", port)

    def by_http_client() -> None:
        plain.request("POST", "/", body, fields)
        plain.getresponse().read()

    return {
        "raw socket": _by_socket(port, body),
        "KeptAlive.send": _blocking(KeptAlive(), request),
        "KeptAlive.asend, with its loop": _awaited(KeptAlive(), request),
        "http.client": by_http_client,
        "httpx, blocking": _blocking(HttpxTransport(), request),
        "httpx, awaited, with its loop": _awaited(HttpxTransport(), request),
    }


def _by_socket(port: int, body: bytes) -> Callable[[], object]:
    """The least that can be done: the answer's length is known."""
    sock = _connected(port)
    head = f"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    request = head.encode() + body

    def exchange() -> None:
        sock.sendall(request)
        answer = sock.recv(65536)
        missing = len(body) - len(answer.partition(b"\r\n\r\n")[2])
        while missing:
            missing -= len(sock.recv(1 << 20))

    return exchange


def _blocking(transport: Transport, request: Request) -> Callable[[], object]:
    return lambda: transport.send(request, 60)


def _awaited(transport: Transport, request: Request) -> Callable[[], object]:
    loop = asyncio.new_event_loop()
    return lambda: loop.run_until_complete(transport.asend(request, 60))
