"""Calls to Knative: the HTTP carrier, and what the proxies in front of a function say themselves. Opens no socket."""

from __future__ import annotations

from hyfn.call.http import HttpCaller
from hyfn.errors import NOT_EXECUTED, UNKNOWN, CallError, DeadlineExceeded, Overloaded, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hyfn.wire.carrier import Endpoint, Request, Response

NEVER_FORWARDED: dict[int, tuple[tuple[bytes, type[CallError]], ...]] = {
    502: ((b"dial tcp", Unavailable),),
    503: (
        (b"pending request queue full", Overloaded),
        (b"activator overload", Overloaded),
        (b"context deadline exceeded", Overloaded),
        (b"no healthy upstream", Unavailable),
    ),
}
"""How Knative's activator and queue-proxy, and Envoy before them, begin where they passed nothing on."""


class KnativeCaller:
    """The endpoint's url is the service's own."""

    def __init__(self) -> None:
        self._http = HttpCaller()

    def request(self, endpoint: Endpoint, frame: bytes) -> Request:
        return self._http.request(endpoint, frame)

    def reply(self, response: Response) -> bytes:
        """The reply's frame. Raises a CallError for an answer without one."""
        if response.headers.get("content-type", "").startswith("text/"):
            _raise_proxys(response.status, response.body[:200].strip())
        return self._http.reply(response)


def _raise_proxys(status: int, start: bytes) -> None:
    for words, error in NEVER_FORWARDED.get(status, ()):
        if start.startswith(words):
            raise error(f"Knative did not pass the call on: {words.decode()}", executed=NOT_EXECUTED)
    if status == 504 and start == b"request timeout":
        # The queue-proxy gives up waiting; the function goes on.
        raise DeadlineExceeded("the function did not answer within the revision's timeout", executed=UNKNOWN)


caller = KnativeCaller()
