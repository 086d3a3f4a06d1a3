"""What Fn's fdk calls in a container: `handler`, by the HTTP carrier."""

from __future__ import annotations

from hyfn.errors import CallError
from hyfn.host import http, load
from hyfn.host.run import runner
from hyfn.wire.carrier import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def receive(event: Any, body: bytes) -> bytes:
    """The frame in a call: `event` is fdk's context of it. Raises Malformed or UnsupportedEncoding.

    Through a gateway (Fn-Intent: httprequest) method and headers are those of the request that the gateway got.
    """
    # A gateway may send its own content type too: then fdk's Headers() has a list of both.
    content_type = event.HTTPHeaders().get("content-type") or event.Headers().get("content-type", "")
    return http.receive(event.Method() or "POST", content_type, body)


def answer(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer. The status reaches callers through a gateway only."""
    status, kind, body = http.answer(answer)
    return status, {"Content-Type": kind}, body


def handler(ctx: Any, data: Any = None) -> Any:
    """Run the call in `data`. Anything that carries no call is refused, and nothing runs.

    Not a coroutine: fdk cuts those off after 60 seconds, whatever the function's timeout (response_timeout in its
    async_http/server.py). Fn has one call at a time for a container, so nobody waits meanwhile.
    """
    try:
        frame = receive(ctx, data.getvalue() if data is not None else b"")
    except CallError as error:
        return _response(ctx, Answer(error.http_status, b"", error.code))
    return _response(ctx, _beside(frame))


def _response(ctx: Any, answered: Answer) -> Any:
    from fdk.response import Response  # type: ignore[import-not-found,unused-ignore]

    status, headers, body = answer(answered)
    response = Response(ctx, response_data=body, headers=headers, status_code=status)
    # Fn-Http-Status has the status now, for a gateway. To Fn itself 502 and 504 mean that there is no answer.
    response.status_code = 200
    return response


def _beside(frame: bytes) -> Answer:
    """Run it beside fdk's event loop: bodies may have loops of their own, which a thread with a running one refuses."""
    from contextvars import copy_context

    # With the context fdk writes the call's id before each line that the function logs.
    answered: Answer = _thread().submit(copy_context().run, _runner.answer, frame).result()  # type: ignore[union-attr]
    return answered


def _thread() -> Any:
    if not _threads:
        from concurrent.futures import ThreadPoolExecutor

        _threads.append(ThreadPoolExecutor(1, "hyfn"))
    return _threads[0]


_threads: list[Any] = []
# Made when fdk loads func.py, at the first call; there is none where this is no artifact (tests read the translations).
_runner = None if load.manifest() is None else runner(is_threaded=False)
