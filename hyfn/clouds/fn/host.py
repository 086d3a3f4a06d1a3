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
    """Run the call in `data`, give functions what it tells of, or answer the plain HTTP request that a gateway passes
    on. Anything else is refused, and nothing runs. Raises what is to make Fn say that the function failed.

    Not a coroutine: fdk cuts those off after 60 seconds, whatever the function's timeout (response_timeout in its
    async_http/server.py). Fn has one call at a time for a container, so nobody waits meanwhile.
    """
    body: bytes = data.getvalue() if data is not None else b""
    try:
        frame = receive(ctx, body)
    except CallError as error:
        if _pages is not None and _is_gateways(ctx):
            return _response(ctx, *_beside(_pages.answer, ctx, body))
        if _on is not None and not _is_gateways(ctx):
            return _response(ctx, *answer(_woken(body)))
        return _response(ctx, *answer(Answer(error.http_status, b"", error.code)))
    return _response(ctx, *answer(_beside(_runner.answer, frame)))  # type: ignore[union-attr]


def _is_gateways(ctx: Any) -> bool:
    """Whether a gateway sent it, behind which anybody may be. fdk has HTTP headers, or a URL, of those alone."""
    return bool(ctx.HTTPHeaders() or ctx.RequestURL())


def _woken(body: bytes) -> Answer:
    _beside(_on.handle, _runner, body)  # type: ignore[union-attr]
    return Answer(200, b"")


def _response(ctx: Any, status: int, headers: dict[str, str], body: bytes) -> Any:
    from fdk.response import Response  # type: ignore[import-not-found,unused-ignore]

    response = Response(ctx, response_data=body, headers=headers, status_code=status)
    # Fn-Http-Status has the status now, for a gateway. To Fn itself 502 and 504 mean that there is no answer.
    response.status_code = 200
    return response


def _beside(run: Any, *arguments: Any) -> Any:
    """Run it beside fdk's event loop: bodies may have loops of their own, which a thread with a running one refuses."""
    from contextvars import copy_context

    # With the context fdk writes the call's id before each line that the function logs.
    return _thread().submit(copy_context().run, run, *arguments).result()


def _thread() -> Any:
    if not _threads:
        from concurrent.futures import ThreadPoolExecutor

        _threads.append(ThreadPoolExecutor(1, "hyfn"))
    return _threads[0]


_threads: list[Any] = []
# Made when fdk loads func.py, at the first call; there is none where this is no artifact (tests read the translations).
_document = load.manifest()
_runner = None if _document is None else runner(is_threaded=False)
_on = None if _document is None else load.on(_document)
_takes = None if _document is None else load.pages(_document)
_pages = None if _takes is None else _takes.Pages(_runner)
"""What takes plain HTTP, None where no function does."""
