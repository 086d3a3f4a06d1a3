"""Plain HTTP requests of anybody, for the functions under @on.http: what each host answers that gets no frame.

A host translates its platform's request to a hyfn.Request, and the hyfn.Response back: header names are lower case on
both sides, the response's body is bytes, and no Response says how long its body is. That of HEAD is what GET would
give: the host leaves its body out. What is refused is application/problem+json (RFC 9457).
"""

from __future__ import annotations

from _thread import allocate_lock
from time import monotonic

from hyfn.current import Current, current
from hyfn.errors import CallError, DeadlineExceeded, HyfnError, Malformed
from hyfn.host import binding, load
from hyfn.host.routes import Found, Route, Routes, methods
from hyfn.request import Request, Response
from hyfn.wire import json_text, plain
from hyfn.wire.message import new_id
from hyfn.wire.packing import unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from hyfn.host.asgi import Asgi
    from hyfn.host.pages import Pages
    from hyfn.host.run import Hosted, Runner
    from hyfn.host.wsgi import Wsgi

PROBLEM = "application/problem+json"
TITLES: Mapping[int, str] = {
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
FRAMING = frozenset(
    ("connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)
"""Fields of a response that are for whoever sends it (RFC 9110, 7.6.1)."""
MAX_DETAIL = 500
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
_CONTROLS = frozenset(map(chr, (*range(32), 127)))


class Web:
    """Answers plain HTTP for one artifact. Safe in many threads."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._routes = Routes(runner.triggers)
        self._mounted: dict[str, Asgi | Wsgi] = {}
        self._lock = allocate_lock()

    def start(self) -> None:
        """Make the applications that are mounted, and start them; the first request does it otherwise.

        Safe to repeat. Raises what the making of one raises.
        """
        for route in self._routes.mounts:
            self._application(route).start()

    async def astart(self) -> None:
        """The same on the running event loop: for hosts that use `aanswer`."""
        for route in self._routes.mounts:
            await self._application(route).astart()

    async def astop(self) -> None:
        """End the applications that `astart` or `aanswer` started."""
        for mounted in self._mounted.values():
            await mounted.astop()

    def answer(self, request: Request, remaining: float | None = None, root: str = "") -> Response:
        """The response to `request`, which may take `remaining` seconds. Never raises.

        `root` is what the platform has taken off the path's beginning: applications are told.
        """
        visit = self._visit(request, monotonic() + (remaining or self._runner.timeout), root)
        if isinstance(visit, Response):
            return visit
        if isinstance(visit, Call):
            return _answered(visit, *self._runner.attempt(visit))
        token = current.set(visit.current)
        try:
            application = self._application(visit.route)
            return checked(application.answer(visit.request, visit.root, visit.current.deadline))
        except Exception as error:  # noqa: BLE001  (whatever the application raises)
            return _failed(error)
        finally:
            current.reset(token)

    async def aanswer(self, request: Request, remaining: float | None = None, root: str = "") -> Response:
        """The same on the running event loop; bodies that are not async run in a thread."""
        visit = self._visit(request, monotonic() + (remaining or self._runner.timeout), root)
        if isinstance(visit, Response):
            return visit
        if isinstance(visit, Call):
            return _answered(visit, *await self._runner.aattempt(visit))
        token = current.set(visit.current)
        try:
            application = self._application(visit.route)
            return checked(await application.aanswer(visit.request, visit.root, visit.current.deadline))
        except Exception as error:  # noqa: BLE001
            return _failed(error)
        finally:
            current.reset(token)

    def _visit(self, request: Request, deadline: float, root: str) -> Call | Passage | Response:
        """What is to answer, or what there is to say at once."""
        try:
            if not _CONTROLS.isdisjoint(request.path):
                raise Malformed("a control character in the path")
            found = self._routes.find(request.path)
            chosen = _chosen(found, request.method)
            if chosen is None:
                return _unchosen(found, request.method)
            if chosen.route.mount:
                return Passage(chosen.route, request, deadline, root)
            return Call(self._runner.functions[chosen.route.function], request, chosen.parameters, deadline)
        except CallError as error:
            return refusal(error)

    def _application(self, route: Route) -> Asgi | Wsgi:
        with self._lock:
            if route.function not in self._mounted:
                self._mounted[route.function] = self._made(route)
            return self._mounted[route.function]

    def _made(self, route: Route) -> Asgi | Wsgi:
        app = load.function(route.function).__wrapped__()
        if not callable(app):
            raise HyfnError(f"{route.function} returned {app!r}, which is no application")
        if route.mount == "wsgi":
            from hyfn.host.wsgi import Wsgi

            return Wsgi(app, self._runner)
        from hyfn.host.asgi import Asgi

        return Asgi(app, self._runner)


class Call:
    """A request as a call of a function, for the runner."""

    __slots__ = ("args", "deadline", "function", "header", "kwargs")

    def __init__(self, function: Hosted, request: Request, parameters: Mapping[str, str], deadline: float) -> None:
        """Raises a CallError for a request that the function cannot take."""
        self.function = function
        self.deadline = deadline
        self.header: Mapping[str, Any] = {"hop": 0, "root": new_id(), "tp": _traceparent(request)}
        whole = Request(request.method, request.path, request.query, request.headers, request.body, parameters)
        self.args, self.kwargs = binding.arguments(function, whole)


class Passage:
    """A request on its way into an application. `root` is where that is mounted, and `request` has the whole path."""

    __slots__ = ("current", "request", "root", "route")

    def __init__(self, route: Route, request: Request, deadline: float, root: str) -> None:
        self.route = route
        self.root = root + route.path
        self.request = Request(request.method, root + request.path, request.query, request.headers, request.body)
        self.current = Current(route.function, deadline, 0, new_id(), _traceparent(request))


def door(runner: Runner) -> Pages:
    """What takes plain HTTP in a container, its applications made and started."""
    from hyfn.host.pages import Pages

    made = Web(runner)
    made.start()
    return Pages(made)


def _chosen(found: Sequence[Found], method: str) -> Found | None:
    """The route that takes the method: HEAD where GET is, unless it is declared."""
    for wanted in (method, "GET") if method == "HEAD" else (method,):
        for each in found:
            if wanted in each.route.methods or each.route.mount:
                return each
    return None


def _unchosen(found: Sequence[Found], method: str) -> Response:
    if not found:
        return problem(404, "nothing is at this path")
    allowed = ", ".join(methods(found))
    if method == "OPTIONS":
        return Response(b"", 204, {"allow": allowed})
    return problem(405, f"the methods here are {allowed}", {"allow": allowed})


def _answered(call: Call, value: Any, error: Exception | None) -> Response:
    if error is not None:
        return _failed(error)
    try:
        return checked(value) if isinstance(value, Response) else _written(call.function, value)
    except Exception as failure:  # noqa: BLE001  (a value of another type than the function says)
        return _failed(failure)


def _written(function: Hosted, value: Any) -> Response:
    """A value as JSON by the type that the function says it is; None is no content."""
    if value is None:
        return Response(b"", 204)
    wire: Any = unpack(function.result.pack(value))
    text = json_text.write(plain.as_json(wire[0]))
    return Response(text.encode(), 200, {"content-type": "application/json"})


def checked(response: Response) -> Response:
    """The response as it may be sent. Raises ValueError for what no client could read as one message."""
    if type(response.status) is not int or not 200 <= response.status <= 599:
        raise ValueError(f"{response.status!r} is no status of a response: 200 to 599")
    headers = {name.lower(): str(value) for name, value in response.headers.items()}
    for name, value in (*headers.items(), *(("set-cookie", cookie) for cookie in response.cookies)):
        if not name or not _TOKEN.issuperset(name) or not _CONTROLS.isdisjoint(value.replace("\t", "")):
            raise ValueError(f"{name[:40]!r} with {value[:40]!r} is no field of a response")
        value.encode("latin-1")
    headers = {name: value for name, value in headers.items() if name not in FRAMING}
    if response.status in (204, 304):
        return Response(b"", response.status, headers, response.cookies)
    body, kind = response.body, "application/octet-stream"
    if isinstance(body, str):
        body, kind = body.encode(), "text/plain; charset=utf-8"
    return Response(body, response.status, {"content-type": kind, **headers}, response.cookies)


def refusal(error: CallError) -> Response:
    """Of a request that started nothing. Says what the error says, but where the user's own code raised it."""
    cause = error.__cause__
    is_ours = cause is None or isinstance(cause, (TypeError, ValueError))
    return problem(error.http_status, error.message if is_ours else "the arguments do not fit")


def problem(status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """RFC 9457. `detail` is for whoever asked."""
    title = TITLES.get(status, "")
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail[:MAX_DETAIL] or title}
    return Response(json_text.write(document).encode(), status, {"content-type": PROBLEM, **(headers or {})})


def _failed(error: Exception) -> Response:
    """What went wrong is for the function's log alone."""
    import sys
    import traceback

    traceback.print_exception(error, file=sys.stderr)
    return problem(504 if isinstance(error, DeadlineExceeded) else 500)


def _traceparent(request: Request) -> str:
    text = request.headers.get("traceparent", "")
    return text if len(text) == _TRACEPARENT else ""


_TRACEPARENT = 55
"""Characters of version 00 (https://www.w3.org/TR/trace-context/)."""
