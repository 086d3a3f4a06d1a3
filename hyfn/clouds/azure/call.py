"""Calls to Azure Functions: the HTTP carrier. Never opens a socket."""

from __future__ import annotations

from hyfn.call.http import HttpCaller
from hyfn.errors import TooLarge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hyfn.wire.carrier import Endpoint, Request, Response

MAX_REQUEST = 210_000_000
"""Bytes of one request to Azure Functions, Microsoft's limit."""


def _anonymous(request: Request) -> Request:
    return request


class AzureCaller:
    """The endpoint's url is https://<app>.azurewebsites.net/api/<function>."""

    def __init__(self, authorise: Callable[[Request], Request] = _anonymous) -> None:
        """`authorise` adds the function key (x-functions-key) or the token for the endpoint. It is a pure function of
        the request."""
        self._authorise = authorise
        self._http = HttpCaller()

    def request(self, endpoint: Endpoint, frame: bytes) -> Request:
        """Raises TooLarge for a frame that Azure would refuse."""
        if len(frame) > MAX_REQUEST:
            raise TooLarge(f"the call of {endpoint.function} is {len(frame)} bytes, and Azure takes {MAX_REQUEST}")
        return self._authorise(self._http.request(endpoint, frame))

    def reply(self, response: Response) -> bytes:
        """The reply's frame. Raises a CallError for an answer without one."""
        return self._http.reply(response)


caller = AzureCaller()
