"""Process start to first answer, taken without a pause that would blur it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hyfn.toolchain.http1 import Connection, listen
from hyfn.toolchain.http1 import response as answer
from hyfn.wire.carrier import Request, Response

SECONDS = 60.0
NEXT = {
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": "00000000-0000-4000-8000-000000000000",
    "Lambda-Runtime-Deadline-Ms": "4000000000000",
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:shout",
    "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
}


@dataclass(frozen=True)
class Command:
    """A runtime's process. `port` is where it listens, or 0 where it polls a Runtime API."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    port: int = 0


def first_answer(command: Command, request: Request, log: Path) -> tuple[float, Response]:
    """Seconds until the answer was here, and the answer. The process has ended when this returns."""
    return _over_http(command, request, log) if command.port else _over_runtime_api(command, request, log)


def _over_http(command: Command, request: Request, log: Path) -> tuple[float, Response]:
    began = time.perf_counter()
    with _running(command, command.env, log), _connected(command.port, began) as sock:
        body = request.body
        fields = {**request.headers, "Host": "127.0.0.1", "Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        sock.sendall(f"POST {urlsplit(request.url).path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        response = http.client.HTTPResponse(sock)
        response.begin()
        content = response.read()
        took = time.perf_counter() - began
    return took, Response(response.status, {name.lower(): value for name, value in response.getheaders()}, content)


@contextmanager
def _connected(port: int, began: float) -> Iterator[socket.socket]:
    while True:
        sock = socket.socket()
        if sock.connect_ex(("127.0.0.1", port)) == 0:
            break
        sock.close()
        if time.perf_counter() - began > SECONDS:
            raise TimeoutError(f"nobody listened on port {port}")
        time.sleep(0.0005)
    with sock:
        sock.settimeout(SECONDS)
        yield sock


def _over_runtime_api(command: Command, request: Request, log: Path) -> tuple[float, Response]:
    """A Runtime API that has the one event ready and waits for the one response."""
    listener, port = listen()
    listener.settimeout(SECONDS)
    event = answer("200 OK", NEXT, request.body)
    began = time.perf_counter()
    with listener, _running(command, {**command.env, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}"}, log):
        connection = Connection(listener.accept()[0])
        connection.receive(SECONDS)
        connection.send(event)
        message = connection.receive(SECONDS)
        took = time.perf_counter() - began
        connection.close()
    if message is None or not message.target.endswith("/response"):
        raise RuntimeError(f"no response but {message}: {log.read_text()}")
    return took, Response(200, {}, message.body)


@contextmanager
def _running(command: Command, env: Mapping[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command.argv,
            env=dict(env),
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
