"""The container host against raw sockets, friendly and hostile."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hyfn.host.serve import SPARE, Limits, Server
from hyfn.wire.carrier import Answer
from hyfn.wire.frame import CONTENT_TYPE

if TYPE_CHECKING:
    from hyfn.host.door import Doors

ROOT = Path(__file__).parents[2]


def echo(body: bytes) -> Answer:
    return Answer(200, b"echo " + body)


@contextmanager
def serving(answer: Callable[[bytes], Answer] = echo, doors: Doors | None = None, **limits: float) -> Iterator[Server]:
    server = Server(answer, "127.0.0.1", 0, Limits(**limits), doors)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, kwargs={"grace": 2})
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(5)
        assert not thread.is_alive()


class Client:
    """A raw socket with as little between it and the server as possible."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def response(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self.file.readline().split()[1])
        fields = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(":")
            fields[name.lower()] = value.strip()
        return status, fields, self.file.read(int(fields.get("content-length", "0")))

    def is_closed(self) -> bool:
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True


def post(body: bytes = b"hello", *fields: str, target: str = "/", length: bool = True) -> bytes:
    lines = [f"POST {target} HTTP/1.1", "Host: h", f"Content-Type: {CONTENT_TYPE}", *fields]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_a_call_is_answered_and_the_connection_stays_open() -> None:
    with serving() as server, Client(server) as client:
        for text in (b"one", b"two"):
            client.send(post(text))
            status, fields, body = client.response()
            assert (status, fields["content-type"], body) == (200, CONTENT_TYPE, b"echo " + text)
            assert "connection" not in fields


def test_pipelined_requests_are_answered_in_order() -> None:
    with serving() as server, Client(server) as client:
        client.send(b"".join(post(b"%d" % number) for number in range(20)))
        assert [client.response()[2] for _ in range(20)] == [b"echo %d" % number for number in range(20)]


def test_a_request_that_comes_byte_by_byte_is_answered() -> None:
    with serving() as server, Client(server) as client:
        for byte in post(b"slow"):
            client.send(bytes([byte]))
        assert client.response()[2] == b"echo slow"


def test_a_large_body_goes_both_ways() -> None:
    large = os.urandom(5_000_000)
    with serving() as server, Client(server) as client:
        sender = threading.Thread(target=client.send, args=(post(large),))
        sender.start()
        assert client.response()[2] == b"echo " + large
        sender.join()


def test_a_chunked_body_is_joined_and_its_trailers_are_dropped() -> None:
    chunks = b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"
    with serving() as server, Client(server) as client:
        client.send(post(chunks, "Transfer-Encoding: chunked", length=False))
        assert client.response()[2] == b"echo hello world"
        client.send(post(b"next"))
        assert client.response()[2] == b"echo next"


def test_a_client_that_asks_is_told_to_continue() -> None:
    with serving() as server, Client(server) as client:
        request = post(b"body", "Expect: 100-continue")
        client.send(request[:-4])
        assert client.response()[0] == 100
        client.send(b"body")
        assert client.response()[2] == b"echo body"


def test_connection_close_is_honoured() -> None:
    with serving() as server, Client(server) as client:
        client.send(post(b"x", "Connection: close"))
        status, fields, _ = client.response()
        assert (status, fields["connection"]) == (200, "close")
        assert client.is_closed()


def test_a_client_of_http_1_0_is_answered_and_closed() -> None:
    with serving() as server, Client(server) as client:
        client.send(post(b"x").replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert client.response()[0] == 200
        assert client.is_closed()


def test_a_refusal_is_its_code_and_nothing_else() -> None:
    with serving(lambda _: Answer(401, b"", "UNAUTHENTICATED")) as server, Client(server) as client:
        client.send(post())
        status, fields, body = client.response()
        assert (status, fields["content-type"], body) == (401, "text/plain", b"UNAUTHENTICATED")


@pytest.mark.parametrize("path", ["/health/liveness", "/health/readiness"])
def test_health_is_answered(path: str) -> None:
    with serving() as server, Client(server) as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert client.response()[0] == 200
        client.send(post())
        assert client.response()[0] == 200


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", 405, b"MALFORMED"),
        (post(target="/elsewhere"), 404, b"NO_SUCH_FUNCTION"),
        (post().replace(CONTENT_TYPE.encode(), b"application/json"), 415, b"UNSUPPORTED_ENCODING"),
        (post().replace(b"Content-Type", b"X-Type"), 415, b"UNSUPPORTED_ENCODING"),
    ],
    ids=["method", "path", "other type", "no type"],
)
def test_what_is_no_call_is_refused_and_the_connection_lasts(request_bytes: bytes, status: int, code: bytes) -> None:
    with serving() as server, Client(server) as client:
        client.send(request_bytes)
        answered, _, body = client.response()
        assert (answered, body) == (status, code)
        client.send(post())
        assert client.response()[0] == 200


def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    with serving(body=1000) as server, Client(server) as client:
        client.send(post(b"")[:-4].replace(b"Length: 0", b"Length: 1001") + b"\r\n\r\n")
        status, fields, body = client.response()
        assert (status, body, fields["connection"]) == (413, b"TOO_LARGE", "close")


def test_a_client_that_is_still_sending_reads_its_refusal() -> None:
    with serving(body=1000) as server, Client(server) as client:
        client.send(post(bytes(3_000_000)))
        assert client.response()[0] == 413


def test_chunks_over_the_limit_are_refused() -> None:
    with serving(body=1000) as server, Client(server) as client:
        client.send(post(b"400\r\n" + bytes(1024) + b"\r\n", "Transfer-Encoding: chunked", length=False))
        assert client.response()[::2] == (413, b"TOO_LARGE")


CHUNKED = "Transfer-Encoding: chunked"
SMUGGLING = {
    "both lengths": post(b"0\r\n\r\n", CHUNKED),
    "two lengths": post(b"hello", "Content-Length: 5"),
    "two different lengths": post(b"hello", "Content-Length: 6"),
    "a list of lengths": post(b"hello", "Content-Length: 5, 5", length=False),
    "a signed length": post(b"hello", "Content-Length: +5", length=False),
    "a negative length": post(b"hello", "Content-Length: -5", length=False),
    "a hexadecimal length": post(b"hello", "Content-Length: 0x5", length=False),
    "an underscore in a length": post(b"hello", "Content-Length: 0_5", length=False),
    "a length of other digits": post(b"hello", "Content-Length: \N{ARABIC-INDIC DIGIT FIVE}", length=False),
    "an empty length": post(b"hello", "Content-Length:", length=False),
    "an endless length": post(b"hello", "Content-Length: " + "9" * 30, length=False),
    "a space before the colon": post(b"hello", "Content-Length : 5", length=False),
    "a tab before the colon": post(b"0\r\n\r\n", "Transfer-Encoding\t: chunked", length=False),
    "a folded line": post(b"hello", "X: a", " b"),
    "a folded coding": post(b"0\r\n\r\n", "Transfer-Encoding:", "\tchunked", length=False),
    "a coding unknown": post(b"0\r\n\r\n", "Transfer-Encoding: xchunked", length=False),
    "a coding twice": post(b"0\r\n\r\n", CHUNKED, CHUNKED, length=False),
    "two codings": post(b"0\r\n\r\n", "Transfer-Encoding: gzip, chunked", length=False),
    "identity": post(b"hello", "Transfer-Encoding: identity"),
    "chunks in http/1.0": post(b"0\r\n\r\n", CHUNKED, length=False).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "a bare line feed in a field": post(b"hello", "X: a\nContent-Length: 0"),
    "a bare carriage return in a field": post(b"hello", "X: a\rContent-Length: 0"),
    "a null in a field": post(b"hello", "X: a\0b"),
    "a null in a name": post(b"hello", "X\0: a"),
    "no name": post(b"hello", ": a"),
    "no colon": post(b"hello", "no colon"),
    "two hosts": post(b"hello", "Host: g"),
    "no host": post(b"hello").replace(b"Host: h\r\n", b""),
    "http/2": post(b"hello").replace(b"HTTP/1.1", b"HTTP/2.0"),
    "http/1.2": post(b"hello").replace(b"HTTP/1.1", b"HTTP/1.2"),
    "http/0.9": b"POST /\r\n\r\n",
    "two spaces": post(b"hello").replace(b"POST /", b"POST  /"),
    "a space in the target": post(b"hello", target="/a b"),
    "an absolute target": post(b"hello", target="http://h/"),
    "a control character in the target": post(b"hello", target="/\x01"),
    "a method that is no token": post(b"hello").replace(b"POST", b"PO(ST"),
    "a line before the request": b"\r\n" + post(b"hello"),
    "a chunk with a sign": post(b"+5\r\nhello\r\n0\r\n\r\n", CHUNKED, length=False),
    "a chunk with a prefix": post(b"0x5\r\nhello\r\n0\r\n\r\n", CHUNKED, length=False),
    "a chunk with a space": post(b"5 \r\nhello\r\n0\r\n\r\n", CHUNKED, length=False),
    "a chunk with an underscore": post(b"0_5\r\nhello\r\n0\r\n\r\n", CHUNKED, length=False),
    "a chunk without a size": post(b"\r\nhello\r\n0\r\n\r\n", CHUNKED, length=False),
    "a chunk too short": post(b"4\r\nhello\r\n0\r\n\r\n", CHUNKED, length=False),
    "a chunk without its end": post(b"5\r\nhello0\r\n\r\n0\r\n\r\n", CHUNKED, length=False),
    "a line feed in an extension": post(b"5;a\nb\r\nhello\r\n0\r\n\r\n", CHUNKED, length=False),
    "an endless extension": post(b"5;" + b"a" * 1000 + b"\r\nhello\r\n0\r\n\r\n", CHUNKED, length=False),
    "an overflowing chunk": post(b"f" * 17 + b"\r\nhello\r\n0\r\n\r\n", CHUNKED, length=False),
    "a broken trailer": post(b"0\r\nno colon\r\n\r\n", CHUNKED, length=False),
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_what_two_readers_could_read_differently_is_refused_and_closed(name: str) -> None:
    ran: list[bytes] = []
    with serving(lambda body: ran.append(body) or Answer(200, b"x")) as server, Client(server) as client:  # type: ignore[func-returns-value]
        client.send(SMUGGLING[name] + post(b"smuggled"))
        status, fields, _ = client.response()
        assert status in (400, 505)
        assert fields["connection"] == "close"
        assert client.is_closed()
    assert ran == []


@pytest.mark.parametrize(
    "head",
    [
        b"POST /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + b"".join(b"X%d: a\r\n" % number for number in range(70)) + b"\r\n",
        b"POST / HTTP/1.1\r\nX: " + b"a" * 70_000,
    ],
    ids=["line", "field", "fields", "no end"],
)
def test_a_head_over_the_limits_is_refused(head: bytes) -> None:
    with serving() as server, Client(server) as client:
        client.send(head)
        assert client.response()[0] == 431
        assert client.is_closed()


def test_dripping_a_head_gains_no_time() -> None:
    with serving(head_time=0.3) as server, Client(server) as client:
        started = time.monotonic()
        client.send(b"POST / HTTP/1.1\r\n")
        while time.monotonic() - started < 3:
            try:
                client.send(b"X")
                client.socket.settimeout(0.05)
                if client.socket.recv(64).startswith(b"HTTP/1.1 408"):
                    break
            except TimeoutError:
                continue
        assert 0.25 < time.monotonic() - started < 1.5


def test_a_body_that_does_not_come_is_given_up() -> None:
    with serving(body_time=0.2) as server, Client(server) as client:
        client.send(post(b"hello")[:-1])
        assert client.response()[0] == 408


def test_an_idle_connection_is_closed_without_a_word() -> None:
    with serving(idle_time=0.2) as server, Client(server) as client:
        client.send(post())
        assert client.response()[0] == 200
        assert client.is_closed()


def test_a_client_that_does_not_read_its_response_is_given_up() -> None:
    with serving(lambda _: Answer(200, bytes(50_000_000)), idle_time=0.3) as server, Client(server) as client:
        client.send(post())
        deadline = time.monotonic() + 4
        while server._connections and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not server._connections


def test_a_client_that_vanishes_harms_nobody() -> None:
    with serving() as server:
        for part in (1, 30, len(post()) - 1):
            with Client(server) as client:
                client.send(post()[:part])
        with Client(server) as client:
            client.send(post())
            assert client.response()[0] == 200


def test_calls_overlap() -> None:
    together = threading.Barrier(20, timeout=5)

    def meet(_: bytes) -> Answer:
        together.wait()
        return Answer(200, b"met")

    with serving(meet) as server:
        clients = [Client(server) for _ in range(20)]
        for client in clients:
            client.send(post())
        assert {client.response()[2] for client in clients} == {b"met"}
        for client in clients:
            client.__exit__()


class Gate:
    """An answer that runs until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()

    def __call__(self, body: bytes) -> Answer:
        self.entered.release()
        assert self.open.wait(5)
        return Answer(200, b"done " + body)


def test_over_the_limit_of_calls_under_way_others_are_told_at_once() -> None:
    gate = Gate()
    with serving(gate, in_flight=1) as server, Client(server) as first, Client(server) as second:
        first.send(post(b"first"))
        assert gate.entered.acquire(timeout=5)
        second.send(post(b"second"))
        assert second.response()[::2] == (503, b"OVERLOADED")
        gate.open.set()
        assert first.response()[2] == b"done first"
        second.send(post(b"second"))
        assert second.response()[2] == b"done second"


def test_health_is_answered_where_calls_are_refused() -> None:
    gate = Gate()
    with serving(gate, in_flight=1, connections=1) as server, Client(server) as first, Client(server) as probe:
        first.send(post(b"first"))
        assert gate.entered.acquire(timeout=5)
        probe.send(b"GET /health/liveness HTTP/1.1\r\nHost: h\r\n\r\n")
        assert probe.response()[0] == 200
        gate.open.set()
        assert first.response()[0] == 200


def test_connections_over_the_limit_are_refused_and_the_others_served() -> None:
    with serving(connections=1) as server, Client(server) as first:
        first.send(post(b"mine"))
        assert first.response()[2] == b"echo mine"
        with Client(server) as second:
            second.send(post())
            assert second.response()[::2] == (503, b"OVERLOADED")
            assert second.is_closed()
        first.send(post(b"still mine"))
        assert first.response()[2] == b"echo still mine"


def test_connections_far_over_the_limit_are_turned_away() -> None:
    with serving(connections=1) as server:
        clients = [Client(server) for _ in range(1 + SPARE)]
        with Client(server) as surplus:
            assert surplus.response()[::2] == (503, b"OVERLOADED")
            assert surplus.is_closed()
        clients[0].send(post(b"mine"))
        assert clients[0].response()[2] == b"echo mine"
        for client in clients:
            client.__exit__()


def test_stopping_finishes_what_runs_and_closes_the_rest() -> None:
    gate = Gate()
    server = Server(gate, "127.0.0.1", 0)
    finished: list[bool] = []
    thread = threading.Thread(target=lambda: finished.append(server.run(grace=5)))
    thread.start()
    with Client(server) as idle, Client(server) as busy:
        busy.send(post(b"work"))
        assert gate.entered.acquire(timeout=5)
        server.stop()
        assert idle.is_closed()
        gate.open.set()
        status, fields, body = busy.response()
        assert (status, body, fields["connection"]) == (200, b"done work", "close")
    thread.join(5)
    assert finished == [True]


def test_what_outlasts_the_grace_is_left() -> None:
    gate = Gate()
    server = Server(gate, "127.0.0.1", 0)
    finished: list[bool] = []
    thread = threading.Thread(target=lambda: finished.append(server.run(grace=0.1)))
    thread.start()
    with Client(server) as busy:
        busy.send(post(b"work"))
        assert gate.entered.acquire(timeout=5)
        server.stop()
        thread.join(5)
        assert finished == [False]
        gate.open.set()
        assert busy.response()[0] == 200


PROGRAM = """
from hyfn.host.serve import serve
from hyfn.wire.carrier import Answer
from time import sleep
def answer(body):
    sleep(float(body))
    return Answer(200, b"slept")
serve(answer, "127.0.0.1", 0, ready=lambda port: print(port, flush=True))
"""


@contextmanager
def program() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_host_ends_at_once_with_status_0(number: signal.Signals) -> None:
    with program() as (process, port), socket.create_connection(("127.0.0.1", port)):
        started = time.monotonic()
        process.send_signal(number)
        assert process.wait(5) == 0
        assert time.monotonic() - started < 1


def test_a_host_that_is_told_to_end_answers_first() -> None:
    with program() as (process, port), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(post(b"0.4"))
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert client.recv(4096).endswith(b"slept")
        assert process.wait(5) == 0


def test_the_host_imports_next_to_nothing() -> None:
    heavy = {
        "asyncio",
        "typing",
        "dataclasses",
        "inspect",
        "pathlib",
        "json",
        "re",
        "logging",
        "socket",
        "signal",
        "http",
    }
    code = f"import hyfn.host.serve, sys; print([name for name in {heavy} if name in sys.modules])"
    # -S: a site's .pth files may import what they like.
    site = next(path for path in sys.path if path.endswith("site-packages"))
    code = f"import sys; sys.path += [{str(ROOT)!r}, {site!r}]; {code}"
    found = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
