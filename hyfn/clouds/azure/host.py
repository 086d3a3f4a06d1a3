"""What the Azure Functions worker indexes and calls: one function with an HTTP trigger, by the HTTP carrier."""

from __future__ import annotations

from hyfn.errors import CallError
from hyfn.host import http, load
from hyfn.host.run import runner
from hyfn.wire.carrier import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
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


def function_app(name: str, auth_level: str) -> Any:
    """The app that function_app.py hands to the worker: the function `name` at /api/<name>. None where there is no
    worker: a build loads the artifact in a bare interpreter."""
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
    app.function_name(name)(app.route(name, methods=["POST"])(call))
    return app


def is_ready() -> bool:
    """Whether this process runs an artifact, with all of its functions loaded."""
    return _runner is not None


# Made while the worker indexes the app; there is none where this is no artifact (tests read the two translations).
_runner = None if load.manifest() is None else runner()
