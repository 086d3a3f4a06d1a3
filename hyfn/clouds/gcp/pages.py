"""Plain HTTP as the Functions Framework hands it over: flask's requests, and what flask takes for a response."""

from __future__ import annotations

from hyfn.errors import CallError
from hyfn.host import urls, web
from hyfn.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hyfn.host.run import Runner
    from hyfn.request import Response


class Pages:
    """Answers flask's requests, each in a thread of the framework's."""

    def __init__(self, runner: Runner) -> None:
        self._web = web.Web(runner)

    def answer(self, request: Any) -> tuple[bytes | str, int, dict[str, Any]]:
        """Body, status and fields. Never raises."""
        try:
            response = self._web.answer(_request(request))
        except CallError as error:
            response = web.refusal(error)
        return _response(response)


def _request(request: Any) -> Request:
    """Raises Malformed. The servers of the framework keep the path as it was sent; flask's own has been decoded."""
    raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI")
    path = urls.unquoted(raw.partition("?")[0]) if raw and raw.startswith("/") else request.path
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(request.method, path, request.environ.get("QUERY_STRING", ""), headers, request.get_data())


def _response(response: Response) -> tuple[bytes | str, int, dict[str, Any]]:
    """flask leaves the body of an answer to HEAD out itself, and takes a list for a field that comes several times."""
    fields: dict[str, Any] = dict(response.headers)
    if response.cookies:
        fields["set-cookie"] = [*response.cookies]
    return response.body, response.status, fields
