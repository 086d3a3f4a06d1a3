"""Plain HTTP behind Knative's func-python, which hands requests over as an ASGI server does."""

from __future__ import annotations

from hyfn.clouds.knative.host import body_of
from hyfn.errors import CallError
from hyfn.host import urls, web
from hyfn.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hyfn.host.run import Runner
    from hyfn.request import Response


class Pages:
    """Answers on the server's event loop."""

    def __init__(self, runner: Runner) -> None:
        self._web = web.Web(runner)
        self._task: Any = None

    def start(self) -> None:
        """Begin to start the applications that are mounted; nothing is awaited here, but their first request does."""
        from asyncio import ensure_future

        self._task = ensure_future(self._web.astart())

    def stop(self) -> None:
        """Begin to end them. func-python's loop ends soon after, and cuts off what takes longer."""
        from asyncio import ensure_future

        self._task = ensure_future(self._web.astop())

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """An ASGI application. Never raises."""
        try:
            response = await self._web.aanswer(_request(scope, await body_of(receive)))
        except CallError as error:
            response = web.refusal(error)
        await send({"type": "http.response.start", "status": response.status, "headers": _fields(response)})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})


def _request(scope: Any, body: bytes) -> Request:
    """Raises Malformed."""
    raw = scope.get("raw_path")
    path = urls.unquoted(raw.decode("ascii", "surrogateescape").partition("?")[0]) if raw else scope["path"]
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Request(scope["method"], path, scope["query_string"].decode("latin-1"), headers, body)


def _fields(response: Response) -> list[tuple[bytes, bytes]]:
    given = [*response.headers.items(), *(("set-cookie", cookie) for cookie in response.cookies)]
    length = [] if response.status == 204 else [(b"content-length", b"%d" % len(response.body))]
    return [(name.encode(), value.encode("latin-1")) for name, value in given] + length
