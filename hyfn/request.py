"""An HTTP request of anybody, and the response to it: what a function under `@on.http` may take and return."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Request:
    """One request, as the platform passed it on. Never changes.

    `path` is decoded and begins with "/"; `query` is the raw text behind "?", without it; `headers` have lower-case
    names, those that came several times joined by ", "; `path_parameters` are those of the trigger's own path.
    """

    __slots__ = ("body", "headers", "method", "path", "path_parameters", "query")

    def __init__(
        self,
        method: str,
        path: str,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        path_parameters: Mapping[str, str] | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers: Mapping[str, str] = headers or {}
        self.body = body
        self.path_parameters: Mapping[str, str] = path_parameters or {}


class Response:
    """What is sent back as it is. `body` that is text is sent as UTF-8; without a content type text is text/plain,
    bytes are application/octet-stream. `status` is 200 to 599; `cookies` are values of Set-Cookie, the one field that
    cannot be joined. Fields that say where a body ends are left out: they are for whoever sends it."""

    __slots__ = ("body", "cookies", "headers", "status")

    def __init__(
        self,
        body: bytes | str = b"",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        cookies: Sequence[str] = (),
    ) -> None:
        self.body = body
        self.status = status
        self.headers: Mapping[str, str] = headers or {}
        self.cookies = cookies
