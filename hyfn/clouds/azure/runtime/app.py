"""The artifact in front of the worker: which function answers a request, and what the worker is told of it."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from hyfn.clouds.azure.runtime import cookies, front, triggers
else:
    import cookies
    import front
    import triggers

ALL = "{*path}"
"""The route that takes whatever no other does; of the patterns that Azure knows it is the only one here."""


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


class App:
    """The artifact's functions behind HTTP."""

    def __init__(self, stream: Any, protos: Any, settings: Settings) -> None:
        self._stream = stream
        self._protos = protos
        self._settings = settings
        self.functions: dict[str, Function] = {}
        self.doors = triggers.Doors(stream, protos, settings.timeout)

    @property
    def paths(self) -> list[str]:
        """Of its functions with an HTTP trigger, as they were declared."""
        return [self._settings.prefix + route for route in self.functions]

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
        function = self._chosen(unquote(route), request.method) if route is not path else None
        if function is None:
            return front.Response(404, {}, b"")
        invocation = self._invocation(function, request, query)
        try:
            response = await self._stream.invoke(invocation, self._settings.timeout)
        except TimeoutError:
            print(f"[ERROR] {function.name}: timed out", flush=True)  # noqa: T201
            return front.Response(500, {}, b"")
        return self._response(function, response)

    def _chosen(self, route: str, method: str) -> Function | None:
        """By the route as it is written, else by one that takes all."""
        for function in (self.functions.get(route), self.functions.get(ALL)):
            if function is not None and (not function.methods or method in function.methods):
                return function
        return None

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
        made = [cookies.written(cookie) for cookie in http.cookies]
        return front.Response(int(http.status_code or 200), dict(http.headers), _body(http.body), made)


def _must_succeed(response: Any) -> Any:
    if response.result.status == 1:
        return response
    raised = response.result.exception
    raise Failed(raised.message or response.result.result, raised.stack_trace)


def _body(data: Any) -> bytes:
    kind = data.WhichOneof("data")
    value = getattr(data, kind) if kind else b""
    return value if isinstance(value, bytes) else str(value).encode()
