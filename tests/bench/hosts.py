"""The host of containers against other ways to build one: cold start, one call at a time, 50 connections."""

from __future__ import annotations

import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from hyfn.wire.frame import CONTENT_TYPE
from tests.bench.measure import in_turn, table, verdict
from tests.bench.rivals.hosts import WAYS

COLD_RUNS, CALLS, CONNECTIONS, SECONDS, ROUNDS = 9, 1000, 50, 1.0, 3
COLD_MS, WARM_US, PER_SECOND = 60, 250, 8000
BODY = bytes(300)
REQUEST = (
    f"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY
)


def run() -> Iterable[str]:
    cold = dict(zip(WAYS, in_turn(COLD_RUNS, *[lambda way=way: _cold(way) for way in WAYS]), strict=True))
    rows = []
    warm: dict[str, list[float]] = {way: [] for way in WAYS}
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way in WAYS:
            with _up(way) as port:
                warm[way].append(_latency(port))
                rates[way].append(_rate(port))
    for way, describe in WAYS.items():
        assert describe.__doc__ is not None
        cold_ms, warm_us, rate = cold[way].median * 1e3, statistics.median(warm[way]) * 1e6, max(rates[way])
        reached = verdict(max(cold_ms / COLD_MS, warm_us / WARM_US, PER_SECOND / rate), 1) if way == "hyfn" else ""
        rows.append([way, f"{cold_ms:.0f}", f"{warm_us:.0f}", f"{rate:,.0f}", reached, describe.__doc__])
    rows.append(["goal", f"{COLD_MS}", f"{WARM_US}", f"{PER_SECOND:,}", "", ""])
    return table(["host", "cold ms", "warm us, median", "per s, best", "reached", "what"], rows)


@contextmanager
def _up(way: str) -> Iterator[int]:
    argv = [sys.executable, "-m", "tests.bench.rivals.hosts", way]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _cold(way: str) -> None:
    """Process start to first answer, and its end."""
    with _up(way) as port, _connected(port) as sock:
        sock.sendall(REQUEST)
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")


def _latency(port: int) -> float:
    with _connected(port) as sock:

        def one() -> None:
            sock.sendall(REQUEST)
            sock.recv(65536)

        return in_turn(CALLS, one)[0].median


def _rate(port: int) -> float:
    """Answers a second, with a request under way on each connection."""
    poll = select.epoll()
    connections = [_connected(port) for _ in range(CONNECTIONS)]
    by_descriptor = {sock.fileno(): sock for sock in connections}
    for sock in connections:
        poll.register(sock.fileno(), select.EPOLLIN)
        sock.sendall(REQUEST)
    answered, began = 0, time.perf_counter()
    while (now := time.perf_counter()) < began + SECONDS:
        for descriptor, _ in poll.poll(1):
            by_descriptor[descriptor].recv(65536)
            by_descriptor[descriptor].send(REQUEST)
            answered += 1
    for sock in connections:
        sock.close()
    poll.close()
    return answered / (now - began)


def _connected(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
