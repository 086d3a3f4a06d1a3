"""An ASGI application behind plain HTTP: https://asgi.readthedocs.io/en/latest/specs/www.html, version 3.

It gets the request's whole body at once, and what it sends is gathered until it is complete: no platform here passes on
a part. Its lifespan begins before the first request and ends with the process, on the event loop of its requests.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from hyfn.errors import DeadlineExceeded, HyfnError, Unavailable
from hyfn.host import urls
from hyfn.request import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hyfn.host.run import Runner
    from hyfn.request import Request

END_SECONDS = 5.0
"""How long an application may take to end."""
VERSIONS = {"version": "3.0", "spec_version": "2.3"}


class Asgi:
    """One application. All of its requests come on one event loop."""

    def __init__(self, app: Callable[..., Any], runner: Runner) -> None:
        self._app = app
        self._runner = runner
        self._lifespan = Lifespan(app)
        self._is_started = False

    def start(self) -> None:
        """Begin its lifespan on the runner's loop, which ends as the process does. Safe to repeat."""
        if self._is_started:
            return
        import atexit

        self._runner.run_async(self.astart())
        atexit.register(self._stop)
        self._is_started = True

    async def astart(self) -> None:
        """The same on the running loop, where `astop` ends it. Raises Unavailable where the application cannot."""
        await self._lifespan.begin()

    async def astop(self) -> None:
        await self._lifespan.end()

    def answer(self, request: Request, root: str, deadline: float) -> Response:
        """The application's response. `root` is where it is mounted, with which the request's path begins; the deadline
        is on time.monotonic()."""
        self.start()
        response: Response = self._runner.run_async(self.aanswer(request, root, deadline))
        return response

    async def aanswer(self, request: Request, root: str, deadline: float) -> Response:
        """The same on the running loop. Raises what the application raises before its response is complete."""
        await self.astart()
        exchange = Exchange(request)
        try:
            async with asyncio.timeout(deadline - monotonic()) as limit:
                await self._app(_scope(request, root, self._lifespan.state), exchange.receive, exchange.send)
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineExceeded("the application did not answer in time") from None
        except Exception:
            if not exchange.is_complete:
                raise
            # What went wrong behind the response (a background task) does not take it back.
            _report()
        return exchange.response()

    def _stop(self) -> None:
        self._runner.run_async(self.astop())


class Exchange:
    """The events of one request and its response."""

    def __init__(self, request: Request) -> None:
        self._request: Request | None = request
        self._answered = asyncio.Event()
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []

    @property
    def is_complete(self) -> bool:
        return self._answered.is_set()

    async def receive(self) -> dict[str, Any]:
        request, self._request = self._request, None
        if request is not None:
            return {"type": "http.request", "body": request.body, "more_body": False}
        await self._answered.wait()
        return {"type": "http.disconnect"}

    async def send(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "http.response.start" and not self._status:
            self._status = event["status"]
            self._headers = list(event.get("headers", ()))
        elif kind == "http.response.body" and self._status and not self.is_complete:
            self._body.append(event.get("body", b""))
            if not event.get("more_body"):
                self._answered.set()
        else:
            raise HyfnError(f"the application sent {kind!r} where none is due")

    def response(self) -> Response:
        if not self.is_complete:
            raise HyfnError("the application ended before its response did")
        pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in self._headers]
        return gathered(self._status, pairs, b"".join(self._body))


class Lifespan:
    """From `begin` to `end` the application runs once more, beside its requests. `state` is for each of those."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._task: asyncio.Task[None] | None = None
        self._inbox: asyncio.Queue[dict[str, Any]]
        self._started: asyncio.Future[str]
        self._ended: asyncio.Future[str]

    async def begin(self) -> None:
        """Safe to repeat, and for many at once. Raises Unavailable where the application says that it cannot."""
        if self._task is None:
            loop = asyncio.get_running_loop()
            self._inbox, self._started, self._ended = asyncio.Queue(), loop.create_future(), loop.create_future()
            self._inbox.put_nowait({"type": "lifespan.startup"})
            self._task = loop.create_task(self._run())
        failed = await asyncio.shield(self._started)
        if failed:
            raise Unavailable(f"the application cannot start: {failed}")

    async def end(self) -> None:
        """Safe to repeat, and without a beginning."""
        if self._task is None or self._task.done():
            return
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        either: set[asyncio.Future[Any]] = {self._task, self._ended}
        await asyncio.wait(either, timeout=END_SECONDS, return_when=asyncio.FIRST_COMPLETED)

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": VERSIONS, "state": self.state}
        try:
            await self._app(scope, self._inbox.get, self._heard)
        except Exception:  # noqa: BLE001  (one without a lifespan may raise whatever it likes)
            if self._started.done():
                _report()
        finally:
            for future in (self._started, self._ended):
                if not future.done():
                    future.set_result("")

    async def _heard(self, event: dict[str, Any]) -> None:
        what, _, how = event["type"].removeprefix("lifespan.").partition(".")
        future = self._started if what == "startup" else self._ended
        if not future.done():
            future.set_result(event.get("message") or "it does not say why" if how == "failed" else "")


def gathered(status: int, fields: list[tuple[str, str]], body: bytes) -> Response:
    """A response of fields that may come several times, by their lower-case names."""
    headers: dict[str, str] = {}
    for name, value in fields:
        if name != "set-cookie":
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Response(body, status, headers, [value for name, value in fields if name == "set-cookie"])


def _scope(request: Request, root: str, state: dict[str, Any]) -> dict[str, Any]:
    host, _, port = request.headers.get("host", "").rpartition(":")
    scheme = scheme_of(request)
    is_numbered = bool(host) and port.isdigit()
    server = (host, int(port)) if is_numbered else (f"{host}:{port}".strip(":"), 443 if scheme == "https" else 80)
    return {
        "type": "http",
        "asgi": VERSIONS,
        "http_version": "1.1",
        "method": request.method,
        "scheme": scheme,
        "path": request.path,
        "raw_path": urls.quoted(request.path).encode("ascii"),
        "query_string": request.query.encode("latin-1", "replace"),
        "root_path": root,
        "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in request.headers.items()],
        "client": None,
        "server": server,
        "state": dict(state),
    }


def scheme_of(request: Request) -> str:
    """What the platform's front was asked by: it ends TLS, and says so."""
    return "https" if request.headers.get("x-forwarded-proto", "").partition(",")[0].strip() == "https" else "http"


def _report() -> None:
    import sys
    import traceback

    traceback.print_exc(file=sys.stderr)
