"""A WSGI application behind plain HTTP: https://peps.python.org/pep-3333/. Its response is gathered until it ends."""

from __future__ import annotations

import sys
from io import BytesIO

from hyfn.errors import HyfnError
from hyfn.host.asgi import gathered, scheme_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hyfn.host.run import Runner
    from hyfn.request import Request, Response


class Wsgi:
    """One application, called in many threads at once."""

    def __init__(self, app: Callable[..., Any], runner: Runner) -> None:
        self._app = app
        self._runner = runner

    def start(self) -> None:
        """Nothing: its calls are all that it has."""

    async def astart(self) -> None: ...

    async def astop(self) -> None: ...

    def answer(self, request: Request, root: str, deadline: float) -> Response:  # noqa: ARG002
        """The application's response. `root` is where it is mounted, with which the request's path begins."""
        answered = _Answered()
        parts = self._app(_environ(request, root), answered.start)
        try:
            answered.parts += parts
        finally:
            if hasattr(parts, "close"):
                parts.close()
        return answered.response()

    async def aanswer(self, request: Request, root: str, deadline: float) -> Response:
        """The same in one of the runner's threads."""
        from contextvars import copy_context

        run = copy_context().run
        response: Response = await self._runner.in_thread(run, self.answer, request, root, deadline)
        return response


class _Answered:
    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._status = ""
        self._fields: list[tuple[str, str]] = []

    def start(self, status: str, fields: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """start_response: nothing has been sent, so that with `exc_info` one may follow another."""
        if self._status and exc_info is None:
            raise HyfnError("the application began its response twice")
        self._status, self._fields = status, fields
        return self.parts.append

    def response(self) -> Response:
        if not self._status:
            raise HyfnError("the application ended before its response began")
        fields = [(name.lower(), value) for name, value in self._fields]
        return gathered(int(self._status[:3]), fields, b"".join(self.parts))


def _environ(request: Request, root: str) -> dict[str, Any]:
    headers, scheme = request.headers, scheme_of(request)
    host, _, port = headers.get("host", "").partition(":")
    return {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": _native(root),
        "PATH_INFO": _native(request.path.removeprefix(root)),
        "QUERY_STRING": request.query,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "SERVER_NAME": host or "localhost",
        "SERVER_PORT": port or ("443" if scheme == "https" else "80"),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **{
            f"HTTP_{name.upper().replace('-', '_')}": value
            for name, value in headers.items()
            # A name with "_" would pass for another one: X_User for X-User.
            if name not in ("content-type", "content-length") and "_" not in name
        },
    }


def _native(text: str) -> str:
    """PEP 3333's "native string": the bytes of UTF-8, each as one character."""
    return text.encode().decode("latin-1")
