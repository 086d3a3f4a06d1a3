"""The transport against a server that follows a script: each failure is the right error and tells what ran."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import pytest

from hyfn.call import transport as seam
from hyfn.call.httpx_transport import HttpxTransport
from hyfn.call.transport import KeptAlive, Transport
from hyfn.errors import (
    NOT_EXECUTED,
    UNKNOWN,
    CallError,
    ConfigError,
    DeadlineExceeded,
    OutcomeUnknown,
    TooLarge,
    Unavailable,
)
from hyfn.wire.carrier import Request, Response

Script: TypeAlias = Callable[["Peer"], None]
Send: TypeAlias = Callable[..., Response]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """One connection as a scripted server sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.closing = threading.Event()
        self._received = b""

    def request(self) -> tuple[str, bytes]:
        """The head and the body of the next request."""
        while b"\r\n\r\n" not in self._received:
            self._more()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(self._received) < length:
            self._more()
        body, self._received = self._received[:length], self._received[length:]
        return head.decode(), body

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reset(self) -> None:
        """Close with a reset instead of an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def hang(self) -> None:
        """Do nothing until the test is over."""
        self.closing.wait(10)

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self._received += data


class Scripted:
    """A server on loopback: its n-th connection follows the n-th script, further ones the last."""

    def __init__(self, *scripts: Script, context: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._peers: list[Peer] = []
        self._threads: list[threading.Thread] = []
        self.connections = 0
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}/"
        self._start(self._accept)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._peers:
            peer.closing.set()
            with suppress(OSError):
                peer.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def _start(self, run: Callable[..., None], *args: object) -> None:
        self._threads.append(threading.Thread(target=run, args=args))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                script = self._scripts[min(self.connections, len(self._scripts) - 1)]
                self.connections += 1
                self._start(self._follow, sock, script)

    def _follow(self, sock: socket.socket, script: Script) -> None:
        with suppress(OSError, EOFError), sock:
            peer = Peer(self._context.wrap_socket(sock, server_side=True) if self._context else sock)
            self._peers.append(peer)
            with peer.socket:
                script(peer)


@contextmanager
def scripted(*scripts: Script, context: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    server = Scripted(*scripts, context=context)
    try:
        yield server
    finally:
        server.close()


def answering(*answers: bytes) -> Script:
    """One of `answers` to each request, the last to all others."""

    def follow(peer: Peer) -> None:
        number = 0
        while True:
            peer.request()
            peer.send(answers[min(number, len(answers) - 1)])
            number += 1

    return follow


@pytest.fixture(params=["blocking", "awaited"])
def send(request: pytest.FixtureRequest) -> Iterator[Send]:
    """Both ways through one KeptAlive."""
    transport = KeptAlive(max_body=20_000_000)

    def blocking(url: str, body: bytes = b"frame", timeout: float = 5) -> Response:
        return transport.send(post(url, body), timeout)

    def awaited(url: str, body: bytes = b"frame", timeout: float = 5) -> Response:
        return asyncio.run(transport.asend(post(url, body), timeout))

    yield blocking if request.param == "blocking" else awaited
    transport.close()


def post(url: str, body: bytes = b"frame") -> Request:
    return Request("POST", url, {"Content-Type": "application/vnd.hyfn.v1"}, body)


def failed(call: Callable[[], object]) -> tuple[type[CallError], int]:
    with pytest.raises(CallError) as raised:
        call()
    return type(raised.value), raised.value.executed


def test_a_request_is_what_was_given_with_host_and_length(send: Send) -> None:
    seen: list[tuple[str, bytes]] = []

    def follow(peer: Peer) -> None:
        seen.append(peer.request())
        peer.send(b"HTTP/1.1 201 Made\r\nX-Id: 7\r\nContent-Length: 4\r\n\r\nbody")

    with scripted(follow) as server:
        response = send(f"{server.url}a/b?c=%20d")
    assert (response.status, response.headers, response.body) == (201, {"x-id": "7", "content-length": "4"}, b"body")
    head, body = seen[0]
    assert head.split("\r\n") == [
        "POST /a/b?c=%20d HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        "Content-Type: application/vnd.hyfn.v1",
        "Content-Length: 5",
    ]
    assert body == b"frame"


def test_one_connection_carries_many_requests(send: Send) -> None:
    with scripted(answering(OK)) as server:
        assert [send(server.url).body for _ in range(5)] == [b"ok"] * 5
        assert server.connections == 1


def test_threads_and_event_loops_share_connections() -> None:
    transport = KeptAlive()
    with scripted(answering(OK)) as server:
        transport.send(post(server.url), 5)
        asyncio.run(transport.asend(post(server.url), 5))
        thread = threading.Thread(target=transport.send, args=(post(server.url), 5))
        thread.start()
        thread.join(5)
        assert server.connections == 1
        transport.close()


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
            b"abc0123456789",
        ),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n0\r\nTrailer: 1\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", b""),
    ],
    ids=["chunks", "no chunks", "no content", "interim", "no reason", "redirect"],
)
def test_a_framed_answer_is_read_and_the_connection_used_again(send: Send, answer: bytes, body: bytes) -> None:
    with scripted(answering(answer, OK)) as server:
        assert send(server.url).body == body
        assert send(server.url).body == b"ok"
        assert server.connections == 1


def test_an_answer_that_comes_byte_by_byte_is_read(send: Send) -> None:
    def follow(peer: Peer) -> None:
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.request()
        for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
            peer.send(bytes([byte]))
        peer.hang()

    with scripted(follow) as server:
        assert send(server.url).body == b"abc"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + OK,
    ],
    ids=["close", "http/1.0", "more than asked for"],
)
def test_a_connection_is_not_used_again_where_the_server_says_or_shows_so(send: Send, answer: bytes) -> None:
    with scripted(answering(answer)) as server:
        assert [send(server.url).body, send(server.url).body] == [b"ok", b"ok"]
        assert server.connections == 2


def test_an_answer_without_length_ends_with_its_connection(send: Send) -> None:
    def follow(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nto the end")

    with scripted(follow) as server:
        assert send(server.url).body == b"to the end"


def test_large_bodies_go_both_ways(send: Send) -> None:
    large = os.urandom(6_000_000)

    def follow(peer: Peer) -> None:
        _, body = peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with scripted(follow) as server:
        assert send(server.url, large).body == large


def test_a_connection_that_the_server_closed_is_not_used_again(send: Send) -> None:
    closed = threading.Event()

    def once(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        peer.socket.close()
        closed.set()

    with scripted(once, answering(OK)) as server:
        send(server.url)
        assert closed.wait(5)
        assert send(server.url).body == b"ok"
        assert server.connections == 2


def test_bytes_that_nobody_asked_for_end_a_connection(send: Send) -> None:
    sent = threading.Event()

    def chatty(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        sent.set()
        peer.hang()

    with scripted(chatty, answering(OK)) as server:
        send(server.url)
        assert sent.wait(5)
        assert send(server.url).body == b"ok"


def test_where_nobody_listens_nothing_ran(send: Send) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        assert failed(lambda: send(url)) == (Unavailable, NOT_EXECUTED)


def test_a_name_that_does_not_exist_is_unavailable(send: Send) -> None:
    assert failed(lambda: send("http://does-not-exist.invalid/")) == (Unavailable, NOT_EXECUTED)


def test_a_name_is_tried_at_all_its_addresses(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(answering(OK)) as server:
        there = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))
        refused = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))
        for module in ("_socket", "socket"):
            monkeypatch.setattr(f"{module}.getaddrinfo", lambda *_, **__: [refused, there])
        assert send(f"http://some.example:{server.port}/").body == b"ok"


def test_a_resolver_that_hangs_does_not_outlast_the_deadline(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        over.wait(1)
        return []

    for module in ("_socket", "socket"):
        monkeypatch.setattr(f"{module}.getaddrinfo", hang)
    started = time.monotonic()
    try:
        assert failed(lambda: send("http://slow.example/", timeout=0.1)) == (DeadlineExceeded, NOT_EXECUTED)
    finally:
        over.set()
    assert time.monotonic() - started < 3


def test_a_server_that_does_not_accept_is_late_and_nothing_ran(send: Send) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(address)
        assert failed(lambda: send(f"http://127.0.0.1:{address[1]}/", timeout=0.2)) == (DeadlineExceeded, NOT_EXECUTED)
        for sock in waiting:
            sock.close()


def test_a_deadline_that_has_passed_sends_nothing(send: Send) -> None:
    with scripted(answering(OK)) as server:
        send(server.url)
        assert failed(lambda: send(server.url, timeout=0)) == (DeadlineExceeded, NOT_EXECUTED)


def silent(peer: Peer) -> None:
    peer.request()
    peer.hang()


def half_a_head(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-")
    peer.hang()


def half_a_body(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    peer.hang()


def dripping(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not peer.closing.wait(0.02):
        peer.send(b"x")


@pytest.mark.parametrize("script", [silent, half_a_head, half_a_body, dripping])
def test_an_answer_that_is_late_may_have_run(send: Send, script: Script) -> None:
    with scripted(script) as server:
        started = time.monotonic()
        assert failed(lambda: send(server.url, timeout=0.3)) == (DeadlineExceeded, UNKNOWN)
        assert 0.25 < time.monotonic() - started < 2


def test_a_server_that_does_not_read_may_have_run_it(send: Send) -> None:
    def deaf(peer: Peer) -> None:
        peer.hang()

    with scripted(deaf) as server:
        assert failed(lambda: send(server.url, bytes(20_000_000), timeout=0.3)) == (DeadlineExceeded, UNKNOWN)


def cut(data: bytes) -> Script:
    def follow(peer: Peer) -> None:
        peer.request()
        peer.send(data)

    return follow


def reset(peer: Peer) -> None:
    peer.request()
    peer.reset()


BROKEN = {
    "closed without a word": cut(b""),
    "reset": reset,
    "half a head": cut(b"HTTP/1.1 200 OK\r\nContent-"),
    "half a body": cut(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
    "half the chunks": cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    "only interim": cut(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "not http": answering(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "an odd status": answering(b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
    "no status": answering(b"HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
    "both lengths": answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "two lengths": answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!"),
    "a bad chunk": answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "switched": answering(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    "a head without end": answering(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000),
    "a null": answering(b"HTTP/1.1 200 OK\r\nX: a\0\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_exchange_that_breaks_has_an_unknown_outcome(send: Send, name: str) -> None:
    with scripted(BROKEN[name], answering(OK)) as server:
        assert failed(lambda: send(server.url)) == (OutcomeUnknown, UNKNOWN)
        assert send(server.url).body == b"ok"
        assert server.connections == 2


def test_nothing_is_sent_twice(send: Send) -> None:
    seen: list[bytes] = []

    def once_then_cut(peer: Peer) -> None:
        for _ in range(2):
            seen.append(peer.request()[1])
            if len(seen) == 1:
                peer.send(OK)

    with scripted(once_then_cut) as server:
        send(server.url, b"first")
        assert failed(lambda: send(server.url, b"second")) == (OutcomeUnknown, UNKNOWN)
    assert seen == [b"first", b"second"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2000000\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + bytes(21_000_000),
    ],
    ids=["length", "chunks", "until close"],
)
def test_an_answer_over_the_limit_is_too_large(send: Send, answer: bytes) -> None:
    with scripted(answering(answer)) as server:
        assert failed(lambda: send(server.url)) == (TooLarge, UNKNOWN)


def test_a_refusal_is_read_though_the_body_was_not(send: Send) -> None:
    def refuse(peer: Peer) -> None:
        peer.socket.recv(100)
        peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\nTOO_LARGE")
        peer.hang()

    with scripted(refuse) as server:
        assert send(server.url, bytes(20_000_000)).status == 413


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/",
        "h/",
        "http://",
        "http://h:x/",
        "http://u:p@h/",
        "http://h:99999/",
        "http://h/a b",
        "http://h/\r\nX: y",
    ],
)
def test_what_is_no_url_of_an_endpoint_is_said(send: Send, url: str) -> None:
    with pytest.raises(ConfigError):
        send(url)


def test_a_header_cannot_smuggle_another() -> None:
    with pytest.raises(ConfigError):
        KeptAlive().send(Request("POST", "http://127.0.0.1:1/", {"X": "a\r\nY: b"}, b""), 1)


def test_an_address_of_version_6_is_called(send: Send) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with listener:
        hosts: list[str] = []

        def follow() -> None:
            with listener.accept()[0] as sock:
                peer = Peer(sock)
                hosts.append(peer.request()[0].split("\r\n")[1])
                peer.send(OK)

        thread = threading.Thread(target=follow)
        thread.start()
        port = listener.getsockname()[1]
        assert send(f"http://[::1]:{port}/").body == b"ok"
        thread.join(5)
        assert hosts == [f"Host: [::1]:{port}"]


def test_many_threads_share_the_pool() -> None:
    transport = KeptAlive()

    def echo(peer: Peer) -> None:
        while True:
            body = peer.request()[1]
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    wrong: list[bytes] = []

    def caller(number: int) -> None:
        for turn in range(50):
            body = b"%d/%d" % (number, turn)
            if transport.send(post(server.url, body), 10).body != body:
                wrong.append(body)

    with scripted(echo) as server:
        threads = [threading.Thread(target=caller, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert wrong == []
        assert server.connections <= 16
        transport.close()


def test_a_forked_child_does_not_use_its_parents_connections() -> None:
    transport = KeptAlive()
    with scripted(answering(OK)) as server:
        transport.send(post(server.url), 5)
        child = os.fork()
        if child == 0:
            os._exit(0 if transport.send(post(server.url), 5).body == b"ok" else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert server.connections == 2
        transport.send(post(server.url), 5)
        assert server.connections == 2
        transport.close()


def test_an_idle_connection_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam, "IDLE_SECONDS", 0.0)
    transport = KeptAlive()
    with scripted(answering(OK)) as server:
        transport.send(post(server.url), 5)
        transport.send(post(server.url), 5)
        assert server.connections == 2
        transport.close()


def test_a_cancelled_call_closes_its_connection() -> None:
    ended = threading.Event()

    def wait_for_the_end(peer: Peer) -> None:
        peer.request()
        if peer.socket.recv(1) == b"":
            ended.set()

    async def cancel(transport: KeptAlive, url: str) -> None:
        task = asyncio.create_task(transport.asend(post(url), 10))
        await asyncio.sleep(0.1)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()

    with scripted(wait_for_the_end) as server:
        asyncio.run(cancel(KeptAlive(), server.url))
        assert ended.wait(5)


def test_awaited_calls_overlap() -> None:
    together = threading.Barrier(20, timeout=5)

    def meet(peer: Peer) -> None:
        peer.request()
        together.wait()
        peer.send(OK)

    async def call_all(transport: KeptAlive, url: str) -> list[Response]:
        return list(await asyncio.gather(*[transport.asend(post(url), 10) for _ in range(20)]))

    with scripted(meet) as server:
        assert len(asyncio.run(call_all(KeptAlive(), server.url))) == 20


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that signs itself, with its key."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def sender(transport: KeptAlive, is_awaited: bool) -> Send:
    def blocking(url: str, body: bytes = b"frame", timeout: float = 5) -> Response:
        return transport.send(post(url, body), timeout)

    def awaited(url: str, body: bytes = b"frame", timeout: float = 5) -> Response:
        return asyncio.run(transport.asend(post(url, body), timeout))

    return awaited if is_awaited else blocking


@pytest.mark.parametrize("is_awaited", [False, True])
def test_tls_carries_many_requests_on_one_connection(
    certificate: Path, server_tls: ssl.SSLContext, is_awaited: bool
) -> None:
    def echo(peer: Peer) -> None:
        while True:
            body = peer.request()[1]
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    large = os.urandom(3_000_000)
    with scripted(echo, context=server_tls) as server:
        transport = KeptAlive(tls=ssl.create_default_context(cafile=str(certificate)))
        send = sender(transport, is_awaited)
        assert [send(server.url, body).body == body for body in (b"one", large, b"three")] == [True] * 3
        assert server.connections == 1
        transport.close()


@pytest.mark.parametrize("is_awaited", [False, True])
def test_a_certificate_that_nobody_vouches_for_is_refused(server_tls: ssl.SSLContext, is_awaited: bool) -> None:
    with scripted(answering(OK), context=server_tls) as server:
        assert failed(lambda: sender(KeptAlive(), is_awaited)(server.url)) == (Unavailable, NOT_EXECUTED)


@pytest.mark.parametrize("is_awaited", [False, True])
def test_a_certificate_of_another_host_is_refused(
    certificate: Path, server_tls: ssl.SSLContext, is_awaited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(answering(OK), context=server_tls) as server:
        row = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))
        for module in ("_socket", "socket"):
            monkeypatch.setattr(f"{module}.getaddrinfo", lambda *_, **__: [row])
        transport = KeptAlive(tls=ssl.create_default_context(cafile=str(certificate)))
        url = server.url.replace("127.0.0.1", "other.example")
        assert failed(lambda: sender(transport, is_awaited)(url)) == (Unavailable, NOT_EXECUTED)


@pytest.mark.parametrize("is_awaited", [False, True])
def test_a_tls_handshake_that_hangs_is_late_and_nothing_ran(is_awaited: bool) -> None:
    def deaf(peer: Peer) -> None:
        peer.hang()

    with scripted(deaf) as server:
        url = server.url.replace("http:", "https:")
        assert failed(lambda: sender(KeptAlive(), is_awaited)(url, timeout=0.3)) == (DeadlineExceeded, NOT_EXECUTED)


@pytest.mark.parametrize("is_awaited", [False, True])
def test_a_tls_answer_that_is_cut_or_late_may_have_run(
    certificate: Path, server_tls: ssl.SSLContext, is_awaited: bool
) -> None:
    transport = KeptAlive(tls=ssl.create_default_context(cafile=str(certificate)))
    send = sender(transport, is_awaited)
    with scripted(cut(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), silent, context=server_tls) as server:
        assert failed(lambda: send(server.url)) == (OutcomeUnknown, UNKNOWN)
        assert failed(lambda: send(server.url, timeout=0.3)) == (DeadlineExceeded, UNKNOWN)


@pytest.mark.parametrize("is_awaited", [False, True])
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (answering(OK), None),
        (silent, (DeadlineExceeded, UNKNOWN)),
        (cut(b""), (OutcomeUnknown, UNKNOWN)),
        (BROKEN["not http"], (OutcomeUnknown, UNKNOWN)),
    ],
    ids=["ok", "late", "cut", "not http"],
)
def test_httpx_behind_the_same_seam_tells_the_same(
    script: Script, expected: tuple[type[CallError], int] | None, is_awaited: bool
) -> None:
    import httpx

    client = httpx.Client(trust_env=False)

    async def awaited(url: str) -> Response:
        async with httpx.AsyncClient(trust_env=False) as one:
            return await HttpxTransport(client, lambda: one).asend(post(url), 0.5)

    def send(url: str) -> Response:
        return asyncio.run(awaited(url)) if is_awaited else HttpxTransport(client).send(post(url), 0.5)

    with client, scripted(script) as server:
        if expected is None:
            assert send(server.url).body == b"ok"
        else:
            assert failed(lambda: send(server.url)) == expected


def test_httpx_refused_is_unavailable() -> None:
    import httpx

    with httpx.Client(trust_env=False) as client, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        assert failed(lambda: HttpxTransport(client).send(post(url), 1)) == (Unavailable, NOT_EXECUTED)


def test_a_transport_that_is_plugged_in_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam, "_plugged", [])
    assert isinstance(seam.default(), KeptAlive)
    mine: Transport = KeptAlive()
    seam.use(mine)
    assert seam.default() is mine
