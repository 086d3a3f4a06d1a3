"""The functions of an artifact that no HTTP request wakes, and two doors at which they are woken on this machine.

    GET  /admin/functions        Azure's own: the functions, each with its bindings as Microsoft's library made them.
    POST /admin/functions/NAME   Azure's own (https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http):
                                 {"input": TEXT} or {}. Answered 202 at once, whatever becomes of it. Here it is for
                                 timers, queues, topics and Event Grid; of the others Azure's host would ask a store.
    POST /hyfn/invoke/NAME       This host's: an InvocationRequest of Azure's FunctionRpc in protobuf's JSON form, of
                                 which `inputData` and `triggerMetadata` count: what Azure's host tells a worker once
                                 an extension has heard of something. Answered when the function has ended: 200
                                 {"status": "Success"}, or 500 with "Failure" and the exception's "type" and "message".

Both only on the loopback; on Azure the first wants the app's master key.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from hyfn.clouds.azure.runtime import front
else:
    import front

ADMIN = "/admin/functions/"
INVOKE = "/hyfn/invoke/"
HTTP = "httptrigger"
TAKEN = frozenset(("inputData", "triggerMetadata", "input_data", "trigger_metadata"))


class Waiting:
    """One function with another trigger than HTTP, as its metadata describes it."""

    __slots__ = ("bindings", "id", "kind", "name", "parameter")

    def __init__(self, metadata: Any, trigger: dict[str, Any]) -> None:
        self.id: str = metadata.function_id
        self.name: str = metadata.name
        self.parameter: str = trigger["name"]
        self.kind: str = trigger["type"].lower()
        self.bindings: list[dict[str, Any]] = [json.loads(binding) for binding in metadata.raw_bindings]


class Unreadable(Exception):
    """What came is no invocation."""


class Doors:
    """Invokes them by the worker's stream; a function has `timeout` seconds."""

    def __init__(self, stream: Any, protos: Any, timeout: float) -> None:
        self._stream = stream
        self._protos = protos
        self._timeout = timeout
        self._under_way: set[asyncio.Task[Any]] = set()
        self.functions: dict[str, Waiting] = {}

    def add(self, metadata: Any, binding: dict[str, Any]) -> None:
        if binding["type"].lower().endswith("trigger"):
            self.functions[metadata.name] = Waiting(metadata, binding)

    def takes(self, path: str) -> bool:
        return f"{path}/".startswith((ADMIN, INVOKE))

    async def answer(self, request: front.Request) -> front.Response:
        """For what `takes` takes."""
        path = request.target.partition("?")[0]
        if f"{path.rstrip('/')}/" == ADMIN and request.method == "GET":
            return _said(200, [_described(function) for function in self.functions.values()])
        door = ADMIN if path.startswith(ADMIN) else INVOKE
        function = self.functions.get(unquote(path.removeprefix(door)))
        if function is None or request.method != "POST":
            return front.Response(404, {}, b"")
        try:
            document = json.loads(request.body or b"{}")
            if door == INVOKE:
                return _said(*await self._invoke(function, self._told(document)))
            told = self._typed(function, document)
        except (ValueError, Unreadable) as error:
            return _said(400, {"status": "Failure", "exception": {"type": "BadRequest", "message": str(error)}})
        task = asyncio.get_running_loop().create_task(self._invoke(function, told))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return front.Response(202, {}, b"")

    async def _invoke(self, function: Waiting, invocation: Any) -> tuple[int, dict[str, Any]]:
        invocation.invocation_id = secrets.token_hex(16)
        invocation.function_id = function.id
        try:
            response = await self._stream.invoke(invocation, self._timeout)
        except TimeoutError:
            print(f"[ERROR] {function.name}: timed out", flush=True)  # noqa: T201
            return _failure("FunctionTimeoutException", f"{function.name} did not end in time")
        if response.result.status == self._protos.StatusResult.Success:
            return 200, {"status": "Success"}
        raised = response.result.exception
        print(f"[ERROR] {function.name}: {raised.stack_trace or raised.message}", flush=True)  # noqa: T201
        return _failure(raised.type, raised.message)

    def _told(self, document: Any) -> Any:
        """Raises Unreadable."""
        from google.protobuf import json_format  # type: ignore[import-untyped,unused-ignore]

        if not isinstance(document, dict) or not document.keys() <= TAKEN:
            raise Unreadable(f"an invocation has {' and '.join(sorted(TAKEN)[::2])}")
        try:
            return json_format.ParseDict(document, self._protos.InvocationRequest())
        except json_format.ParseError as error:
            raise Unreadable(str(error)) from error

    def _typed(self, function: Waiting, document: Any) -> Any:
        """The invocation that Azure's host would make of an input. Raises Unreadable."""
        given = document.get("input") if isinstance(document, dict) else None
        text = given if isinstance(given, str) else json.dumps(given) if given is not None else ""
        if function.kind not in _INPUTS:
            raise Unreadable(f"a {function.kind} takes no input here; {INVOKE}{function.name} does")
        data, metadata = _INPUTS[function.kind](text)
        told = {"inputData": [{"name": function.parameter, "data": data}], "triggerMetadata": metadata}
        return self._told(told)


def _timer(_: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"json": json.dumps({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False})}, {}


def _queue(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"string": text}, {"Id": {"string": secrets.token_hex(16)}, "DequeueCount": {"json": "1"}}


def _topic(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"string": text}, {"MessageId": {"string": secrets.token_hex(16)}, "UserProperties": {"json": "{}"}}


def _event_grid(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    json.loads(text)
    return {"json": text}, {}


_INPUTS = {
    "timertrigger": _timer,
    "queuetrigger": _queue,
    "servicebustrigger": _topic,
    "eventgridtrigger": _event_grid,
}


def _described(function: Waiting) -> dict[str, Any]:
    return {"name": function.name, "config": {"bindings": function.bindings}, "language": "python"}


def _failure(kind: str, message: str) -> tuple[int, dict[str, Any]]:
    return 500, {"status": "Failure", "exception": {"type": kind, "message": message}}


def _said(status: int, document: Any) -> front.Response:
    return front.Response(status, {"Content-Type": "application/json"}, json.dumps(document).encode())
