"""Ways to answer HTTP, each in its shortest form, around the same parser: python -m tests.bench.rivals.hosts WAY."""

from __future__ import annotations

import sys

from hyfn.wire import http1
from hyfn.wire.carrier import Answer
from hyfn.wire.frame import CONTENT_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Generator


def answer(body: bytes) -> Answer:
    return Answer(200, body)


def response(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + answer(body).frame


def requests(buffer: bytearray) -> Generator[bytes | None, bytes]:
    """Bodies, and None where it must be sent more bytes."""
    while True:
        head = http1.RequestHead((yield from _waiting(http1.head(buffer, 8192))))
        yield (yield from _waiting(http1.body(buffer, head.length, 1 << 20)))


def _waiting(reading: http1.Reading[bytes]) -> Generator[None, bytes, bytes]:
    try:
        next(reading)
        while True:
            reading.send((yield None))
    except StopIteration as end:
        read: bytes = end.value
        return read


def bodies(reader: Generator[bytes | None, bytes], data: bytes) -> list[bytes]:
    found = []
    body = reader.send(data)
    while body is not None:
        found.append(body)
        body = next(reader)
    return found


def listen() -> _socket.socket:
    import _socket

    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    tell(listener.getsockname()[1])
    return listener


def tell(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def accept(listener: _socket.socket) -> tuple[_socket.socket, Generator[bytes | None, bytes]]:
    import _socket

    descriptor, _ = listener._accept()  # type: ignore[attr-defined]
    reader = requests(bytearray())
    next(reader)
    return _socket.socket(fileno=descriptor), reader


def inline() -> None:
    """One thread and epoll: the floor. Calls do not overlap."""
    from select import EPOLLIN, epoll

    listener, poll = listen(), epoll()
    connections = {}
    poll.register(listener.fileno(), EPOLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                sock, reader = accept(listener)
                connections[sock.fileno()] = sock, reader
                poll.register(sock.fileno(), EPOLLIN)
                continue
            sock, reader = connections[descriptor]
            data = sock.recv(65536)
            for body in bodies(reader, data) if data else ():
                sock.send(response(body))
            if not data:
                connections.pop(descriptor)[0].close()


def workers() -> None:
    """One thread reads by epoll, sixteen run calls and write."""
    from _thread import start_new_thread
    from queue import SimpleQueue
    from select import EPOLLIN, EPOLLONESHOT, epoll

    listener, poll = listen(), epoll()
    work: SimpleQueue[tuple[_socket.socket, bytes]] = SimpleQueue()
    connections = {}

    def run() -> None:
        while True:
            sock, body = work.get()
            sock.send(response(body))
            poll.modify(sock.fileno(), EPOLLIN | EPOLLONESHOT)

    for _ in range(16):
        start_new_thread(run, ())
    poll.register(listener.fileno(), EPOLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                sock, reader = accept(listener)
                connections[sock.fileno()] = sock, reader
                poll.register(sock.fileno(), EPOLLIN | EPOLLONESHOT)
                continue
            sock, reader = connections[descriptor]
            data = sock.recv(65536)
            for body in bodies(reader, data) if data else ():
                work.put((sock, body))
            if not data:
                connections.pop(descriptor)[0].close()


def protocol() -> None:
    """asyncio, and a pool of threads for the calls."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(32)

    class Http(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport
            self.reader = requests(bytearray())
            next(self.reader)

        def data_received(self, data: bytes) -> None:
            for body in bodies(self.reader, data):
                running = asyncio.get_running_loop().run_in_executor(pool, response, body)
                running.add_done_callback(lambda ended: self.transport.write(ended.result()))

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Http, "127.0.0.1", 0)
        tell(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def hyfn() -> None:
    """hyfn/host/serve.py: a thread for each connection, and every limit and check that the others lack."""
    from hyfn.host.serve import serve

    serve(answer, "127.0.0.1", 0, ready=tell)


WAYS = {"inline": inline, "workers": workers, "protocol": protocol, "hyfn": hyfn}

if __name__ == "__main__":
    WAYS[sys.argv[1]]()
