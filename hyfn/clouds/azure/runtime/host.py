"""The functions host process: HTTP in front, Microsoft's Python worker behind, by the stream between them.

Azure's own host is on no registry; this does what it does for functions with an HTTP trigger (see app) and, once it is
told of something (see triggers), for the others. Runs in the runtime's own environment, without hyfn. Its argument is
a JSON object: root (the artifact), roots (its import roots), libraries (further folders for the worker), port, and
ready, the file that it writes once: {"port", "functions", "waiting", "python"}, or {"error", "trace", "root"} where
the artifact cannot be served, or {"machine"} where this machine refuses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import secrets
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
if TYPE_CHECKING:
    from hyfn.clouds.azure.runtime import app, front
else:
    import app
    import front

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "NONE")


class Stream:
    """The one worker's stream: requests out, responses back by their ids."""

    def __init__(self, protos: Any, worker_id: str) -> None:
        self._protos = protos
        self._worker_id = worker_id
        self._outbox: asyncio.Queue[Any] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._responses: asyncio.Queue[Any] = asyncio.Queue()
        self._under_way: dict[str, asyncio.Future[Any]] = {}
        self.is_open = self._loop.create_future()

    async def serve(self, requests: Any, context: Any) -> None:
        """The service's only method: EventStream."""
        hello = await anext(requests)
        if hello.start_stream.worker_id != self._worker_id or self.is_open.done():
            await context.abort(7, "not the worker that this host started")
        self.is_open.set_result(None)
        writer = asyncio.ensure_future(self._write(context))
        try:
            async for message in requests:
                self._receive(message)
        finally:
            writer.cancel()

    async def ask(self, **content: Any) -> Any:
        """Send a request of the start, and wait for its response. One at a time."""
        self._outbox.put_nowait(self._protos.StreamingMessage(**content))
        return await self._responses.get()

    async def invoke(self, request: Any, timeout: float) -> Any:
        """The InvocationResponse. TimeoutError after `timeout` seconds."""
        future = self._loop.create_future()
        self._under_way[request.invocation_id] = future
        timer = self._loop.call_later(timeout, _expire, future)
        self._outbox.put_nowait(self._protos.StreamingMessage(invocation_request=request))
        try:
            return await future
        finally:
            timer.cancel()
            del self._under_way[request.invocation_id]

    async def _write(self, context: Any) -> None:
        while True:
            await context.write(await self._outbox.get())

    def _receive(self, message: Any) -> None:
        kind = message.WhichOneof("content")
        if kind == "invocation_response":
            future = self._under_way.get(message.invocation_response.invocation_id)
            if future is not None and not future.done():
                future.set_result(message.invocation_response)
        elif kind == "rpc_log":
            log = message.rpc_log
            print(f"[{LEVELS[log.level]}] {log.category}: {log.message}", flush=True)  # noqa: T201
        else:
            self._responses.put_nowait(getattr(message, kind))


async def main(options: dict[str, Any]) -> None:
    """Until the worker ends. Raises Failed or OSError."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options["port"]))
    worker_id, address = secrets.token_hex(16), f"unix-abstract:hyfn-{secrets.token_hex(16)}"
    worker = _start_worker(address, worker_id, options)
    ended = _end_of(worker)

    # Their modules are imported while the worker starts.
    from messages import Messages  # type: ignore[import-not-found]

    protos = Messages()
    stream = Stream(protos, worker_id)
    server = await _listen(stream, protos, address)
    _go(worker)
    served = app.App(stream, protos, app.Settings(Path(options["root"])))
    await _unless_ended(stream.is_open, ended)
    await _unless_ended(asyncio.ensure_future(served.load(options["root"])), ended)
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: front.Connection(served.answer), sock=listener, backlog=1024)
    port = listener.getsockname()[1]
    news = {"port": port, "functions": served.paths, "waiting": list(served.doors.functions)}
    _tell(options, {**news, "python": platform.python_version()})
    status = await ended
    print(f"[ERROR] the worker ended with status {status}", flush=True)  # noqa: T201
    await server.stop(None)


async def _listen(stream: Stream, protos: Any, address: str) -> Any:
    """The gRPC server that the worker connects to."""
    import grpc  # type: ignore[import-not-found,import-untyped,unused-ignore]
    import grpc.aio  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from messages import METHOD

    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.aio.server(options=unlimited)
    kind = protos.StreamingMessage
    method = grpc.stream_stream_rpc_method_handler(stream.serve, kind.FromString, kind.SerializeToString)
    service, name = METHOD.strip("/").split("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: method}),))
    server.add_insecure_port(address)
    await server.start()
    return server


def _start_worker(address: str, worker_id: str, options: dict[str, Any]) -> subprocess.Popen[bytes]:
    paths = [*options["roots"], *options["libraries"]]
    argv = [sys.executable, str(HERE / "worker.py"), address, worker_id, *paths]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, bufsize=0)


def _go(worker: subprocess.Popen[bytes]) -> None:
    assert worker.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has ended: _end_of tells
        worker.stdin.write(b"\n")


def _end_of(worker: subprocess.Popen[bytes]) -> asyncio.Future[int]:
    """Its exit status, once it has one."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def wait() -> None:
        loop.call_soon_threadsafe(ended.set_result, worker.wait())

    threading.Thread(target=wait, name="worker-watch", daemon=True).start()
    return ended


async def _unless_ended(awaited: asyncio.Future[Any], ended: asyncio.Future[int]) -> None:
    await asyncio.wait([awaited, ended], return_when=asyncio.FIRST_COMPLETED)
    if not awaited.done():
        raise app.Failed(f"the worker ended with status {ended.result()} while it loaded the artifact")
    awaited.result()


def _expire(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())


def _tell(options: dict[str, Any], news: dict[str, Any]) -> None:
    """Written whole or not at all: whoever waits for the file may read it at any moment."""
    ready = Path(options["ready"])
    written = ready.with_name(f"{ready.name}.part")
    written.write_text(json.dumps(news))
    os.replace(written, ready)  # noqa: PTH105


if __name__ == "__main__":
    arguments = json.loads(sys.argv[1])
    try:
        asyncio.run(main(arguments))
    except app.Failed as error:
        print(error.trace, flush=True)  # noqa: T201
        _tell(arguments, {"error": str(error), "trace": error.trace, "root": arguments["root"]})
    except OSError as error:
        _tell(arguments, {"machine": f"cannot listen on port {arguments['port']}: {error.strerror}"})
    os._exit(1)
