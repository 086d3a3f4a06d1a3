"""What the Azure Functions worker indexes and calls: a function for calls, and one for each trigger."""

from __future__ import annotations

from hyfn.errors import CallError
from hyfn.host import http, load
from hyfn.host.run import runner
from hyfn.wire.carrier import Answer

REMAINING = 60.0
"""Seconds that a function has where its app does not tell."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


def receive(event: Any) -> bytes:
    """The frame in an azure.functions.HttpRequest. Raises Malformed or UnsupportedEncoding."""
    return http.receive(event.method, event.headers.get("content-type", ""), event.get_body())


def answer(answer: Answer) -> dict[str, Any]:
    """The arguments of the azure.functions.HttpResponse."""
    status, kind, body = http.answer(answer)
    return {"body": body, "status_code": status, "mimetype": kind}


async def handle(event: Any) -> dict[str, Any]:
    """Run the call in `event`. Anything that carries no call is refused, and nothing runs."""
    try:
        frame = receive(event)
    except CallError as error:
        return answer(Answer(error.http_status, b"", error.code))
    return answer(await _runner.aanswer(frame))  # type: ignore[union-attr]


def function_app(
    name: str, auth_level: str, bindings: Sequence[Mapping[str, Any]] = (), timeout: float = REMAINING
) -> Any:
    """The app that function_app.py hands to the worker: the function `name` at /api/<name>, and one for each of the
    `bindings` (see hyfn.clouds.azure.bindings), which has `timeout` seconds. None where there is no worker: a build
    loads the artifact in a bare interpreter."""
    try:
        from azure.functions import AuthLevel, FunctionApp, HttpResponse  # type: ignore[import-not-found,unused-ignore]
    except ModuleNotFoundError as error:
        if error.name not in ("azure", "azure.functions"):
            raise
        return None

    async def call(req: Any) -> Any:
        return HttpResponse(**await handle(req))

    call.__annotations__.clear()  # the worker evaluates them, and Any is not imported here
    app = FunctionApp(http_auth_level=AuthLevel(auth_level))
    has_pages = any(binding["kind"] == "http" for binding in bindings)
    app.function_name(name)(app.route(f"api/{name}" if has_pages else name, methods=["POST"])(call))
    for binding in bindings:
        (_show if binding["kind"] == "http" else _listen)(app, binding, timeout)
    return app


def _show(app: Any, binding: Mapping[str, Any], timeout: float) -> None:
    """Take plain HTTP."""
    from azure.functions import HttpResponse

    web = _web.Web(_runner)  # type: ignore[union-attr]

    async def page(req: Any) -> Any:
        try:
            response = await web.aanswer(request(req), timeout)
        except CallError as error:
            response = _web.refusal(error)  # type: ignore[union-attr]
        made = HttpResponse(response.body, status_code=response.status, headers=response.headers)
        for cookie in response.cookies:
            made.headers.add("Set-Cookie", cookie)
        return made

    page.__annotations__.clear()
    app.function_name(binding["name"])(app.route(**binding["settings"])(page))


def request(event: Any) -> Any:
    """The hyfn.Request in an azure.functions.HttpRequest. Raises Malformed."""
    from importlib import import_module

    from hyfn.request import Request

    # By its name, so that it travels only with what takes plain HTTP.
    urls = import_module("hyfn.host.urls")
    path, _, query = event.url.partition("://")[2].partition("/")[2].partition("?")
    return Request(event.method, urls.unquoted(f"/{path}"), query, dict(event.headers), event.get_body())


def _listen(app: Any, binding: Mapping[str, Any], timeout: float) -> None:
    async def take(event: Any, context: Any) -> None:
        await _on.take(_runner, binding, event, context.invocation_id, timeout)  # type: ignore[union-attr]

    take.__annotations__.clear()
    trigger = getattr(app, binding["trigger"])
    made = app.function_name(binding["name"])(trigger(arg_name="event", **binding["settings"])(take))
    if "retry" in binding:
        app.retry(**binding["retry"])(made)


def is_ready() -> bool:
    """Whether this process runs an artifact, with all of its functions loaded."""
    return _runner is not None


# Made while the worker indexes the app; there is none where this is no artifact (tests read the two translations).
_document = load.manifest()
_runner = None if _document is None else runner()
_on = None if _document is None else load.on(_document)
"""What takes events, None where no function waits for any."""
_web = None if _document is None else load.web(_document)
"""What takes plain HTTP, None where no function does."""
