"""What runs in a Knative container: hyfn's own host, or `new` for Knative's func-python."""

from __future__ import annotations

from os import environ

from hyfn.errors import CallError
from hyfn.host import container, http, load
from hyfn.wire.carrier import Answer
from hyfn.wire.frame import MAX_FRAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hyfn.host.door import Said
    from hyfn.host.run import Runner


class Function:
    """An instance as func-python wants it: an ASGI application with an end and a state of health."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._events = container.event_door(runner)
        pages = None if self._events else load.pages({"cloud": "knative", "triggers": runner.triggers})
        self._pages = pages and pages.Pages(runner)

    def start(self, _config: object) -> None:
        """func-python's, on its event loop before the first request."""
        if self._pages:
            self._pages.start()

    def stop(self) -> None:
        """func-python's, on its event loop after the last one."""
        if self._pages:
            self._pages.stop()

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the call in a request, what an event wakes, or what plain HTTP asks for. Anything else is refused, and
        nothing runs."""
        if self._pages and not _is_frame(scope):
            await self._pages.handle(scope, receive, send)
            return
        try:
            status, content_type, body, *_ = await self._said(scope, await body_of(receive))
        except CallError as error:
            status, content_type, body = http.answer(Answer(error.http_status, b"", error.code))
        fields = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    async def _said(self, scope: Any, body: bytes) -> Said:
        if self._events is None:
            return http.answer(await self._runner.aanswer(_frame(scope, body)))
        if scope["method"] != "POST":
            return http.answer(Answer(405, b"", "MALFORMED"))
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        said: Said = await self._events.aanswer(headers, body)
        return said


def new() -> Function:
    """The artifact that this process runs. Imports the user's module."""
    from hyfn.host.run import runner

    return Function(runner())


def main() -> None:
    """Serve the artifact. Listens on every address where the platform says that this is its container."""
    container.main("0.0.0.0" if "K_SERVICE" in environ else "127.0.0.1")  # noqa: S104


def _is_frame(scope: Any) -> bool:
    try:
        _frame(scope, b"")
    except CallError:
        return False
    return True


def _frame(scope: Any, body: bytes) -> bytes:
    content_type = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
    return http.receive(scope["method"], content_type, body)


async def body_of(receive: Any) -> bytes:
    """A request's whole body. Raises TooLarge, or CallError where its sender is gone."""
    from hyfn.errors import TooLarge

    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallError("the caller went away")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_FRAME:
            raise TooLarge
        if not message.get("more_body"):
            return b"".join(parts)


if __name__ == "__main__":
    main()
