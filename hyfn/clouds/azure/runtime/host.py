"""The functions host process: HTTP in front, Microsoft's Python worker behind, by the stream between them.

Azure's own host is on no registry; this does what it does for functions with an HTTP trigger, and, once it is told of
something (see triggers), for the others. Runs in the runtime's own environment, without hyfn. Its argument is a JSON
object: root (the artifact), roots (its import roots), libraries (further folders for the worker), port, and ready, the
file that it writes once: {"port", "functions", "waiting", "python"}, or {"error", "trace", "root"} where the artifact
cannot be served, or {"machine"} where this machine refuses.
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
from urllib.parse import parse_qsl, unquote

HERE = Path(__file__).resolve().parent
if TYPE_CHECKING:
    from hyfn.clouds.azure.runtime import front, triggers
else:
    import front
    import triggers

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "NONE")


class Failed(Exception):
    """The artifact cannot be served. `trace` is the worker's traceback."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


class Function:
    """One function with an HTTP trigger, as its metadata describes it."""

    __slots__ = ("id", "methods", "name", "parameter", "route")

    def __init__(self, metadata: Any, trigger: dict[str, Any]) -> None:
        self.id: str = metadata.function_id
        self.name: str = metadata.name
        self.parameter: str = trigger["name"]
        self.route: str = (trigger.get("route") or metadata.name).strip("/")
        self.methods = {method.upper() for method in trigger.get("methods") or ()}


class Settings:
    """host.json, as far as this host knows it."""

    def __init__(self, root: Path) -> None:
        document = json.loads((root / "host.json").read_text())
        http = document.get("extensions", {}).get("http", {})
        prefix = http.get("routePrefix", "api").strip("/")
        self.prefix = f"/{prefix}/" if prefix else "/"
        hours, minutes, seconds = map(int, document.get("functionTimeout", "0:30:0").split(":"))
        self.timeout = hours * 3600 + minutes * 60 + seconds


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


class App:
    """The artifact's functions behind HTTP."""

    def __init__(self, stream: Stream, protos: Any, settings: Settings) -> None:
        self._stream = stream
        self._protos = protos
        self._settings = settings
        self.functions: dict[str, Function] = {}
        self.doors = triggers.Doors(stream, protos, settings.timeout)

    async def load(self, root: str) -> None:
        """Index the artifact as Azure does at a cold start. Raises Failed."""
        protos = self._protos
        capabilities = {"RpcHttpTriggerMetadataRemoved": "true", "RpcHttpBodyOnly": "true"}
        asked = protos.WorkerInitRequest(host_version="4.0.0", capabilities=capabilities, function_app_directory=root)
        _must_succeed(await self._stream.ask(worker_init_request=asked))
        asked = protos.FunctionsMetadataRequest(function_app_directory=root)
        listed = _must_succeed(await self._stream.ask(functions_metadata_request=asked))
        for metadata in listed.function_metadata_results:
            asked = protos.FunctionLoadRequest(function_id=metadata.function_id, metadata=metadata)
            _must_succeed(await self._stream.ask(function_load_request=asked))
            self._add(metadata)
        if not self.functions:
            raise Failed("the runtime found no function with an HTTP trigger in function_app.py")

    def _add(self, metadata: Any) -> None:
        for binding in map(json.loads, metadata.raw_bindings):
            if binding["type"].lower() != triggers.HTTP:
                self.doors.add(metadata, binding)
                continue
            function = Function(metadata, binding)
            self.functions[function.route] = function

    async def answer(self, request: front.Request) -> front.Response:
        path, _, query = request.target.partition("?")
        if self.doors.takes(path):
            return await self.doors.answer(request)
        route = path.removeprefix(self._settings.prefix)
        function = self.functions.get(unquote(route)) if route is not path else None
        if function is None or (function.methods and request.method not in function.methods):
            return front.Response(404, {}, b"")
        invocation = self._invocation(function, request, query)
        try:
            response = await self._stream.invoke(invocation, self._settings.timeout)
        except TimeoutError:
            print(f"[ERROR] {function.name}: timed out", flush=True)  # noqa: T201
            return front.Response(500, {}, b"")
        return self._response(function, response)

    def _invocation(self, function: Function, request: front.Request, query: str) -> Any:
        protos = self._protos
        http = protos.RpcHttp(
            method=request.method,
            url=f"http://{request.headers.get('host', 'localhost')}{request.target}",
            headers=request.headers,
            body=protos.TypedData(bytes=request.body),
            query=dict(parse_qsl(query, keep_blank_values=True)) if query else None,
        )
        data = protos.ParameterBinding(name=function.parameter, data=protos.TypedData(http=http))
        return protos.InvocationRequest(
            invocation_id=secrets.token_hex(16),
            function_id=function.id,
            input_data=[data],
            trace_context=protos.RpcTraceContext(
                trace_parent=request.headers.get("traceparent", ""),
                trace_state=request.headers.get("tracestate", ""),
            ),
        )

    def _response(self, function: Function, response: Any) -> front.Response:
        if response.result.status != self._protos.StatusResult.Success:
            trace = response.result.exception.stack_trace
            print(f"[ERROR] {function.name}: {trace}", flush=True)  # noqa: T201
            return front.Response(500, {}, b"")
        kind = response.return_value.WhichOneof("data")
        if kind != "http":
            body = _body(response.return_value)
            return front.Response(200 if body else 204, {}, body)
        http = response.return_value.http
        return front.Response(int(http.status_code or 200), dict(http.headers), _body(http.body))


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
    app = App(stream, protos, Settings(Path(options["root"])))
    await _unless_ended(stream.is_open, ended)
    await _unless_ended(asyncio.ensure_future(app.load(options["root"])), ended)
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: front.Connection(app.answer), sock=listener, backlog=1024)
    port = listener.getsockname()[1]
    news = {"port": port, "functions": list(app.functions), "waiting": list(app.doors.functions)}
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
        raise Failed(f"the worker ended with status {ended.result()} while it loaded the artifact")
    awaited.result()


def _must_succeed(response: Any) -> Any:
    if response.result.status == 1:
        return response
    raised = response.result.exception
    raise Failed(raised.message or response.result.result, raised.stack_trace)


def _body(data: Any) -> bytes:
    kind = data.WhichOneof("data")
    value = getattr(data, kind) if kind else b""
    return value if isinstance(value, bytes) else str(value).encode()


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
    except Failed as error:
        print(error.trace, flush=True)  # noqa: T201
        _tell(arguments, {"error": str(error), "trace": error.trace, "root": arguments["root"]})
    except OSError as error:
        _tell(arguments, {"machine": f"cannot listen on port {arguments['port']}: {error.strerror}"})
    os._exit(1)
