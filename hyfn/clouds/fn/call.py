"""Calls to Fn (door "") and to Oracle Functions (door "oracle"): the HTTP carrier. Never opens a socket."""

from __future__ import annotations

from hyfn.call.http import HttpCaller
from hyfn.errors import EXECUTED, NOT_EXECUTED, UNKNOWN, DeadlineExceeded, Overloaded, TooLarge, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hyfn.errors import CallError
    from hyfn.wire.carrier import Endpoint, Request, Response

ORACLE = "oracle"
"""The door of an endpoint of Oracle Functions."""
MAX_REQUEST = 6 * 2**20
"""Bytes of a request to Oracle Functions ("6MB", its reference of InvokeFunction). Fn itself has no limit."""
TOLD: tuple[tuple[int, bytes, type[CallError], int], ...] = (
    (502, b"Container failed to initialize", Unavailable, NOT_EXECUTED),
    (502, b"function response body too large", TooLarge, EXECUTED),
    (502, b"function response header too large", TooLarge, EXECUTED),
    (503, b"server too busy", Overloaded, NOT_EXECUTED),
    (504, b"Image pull timed out", Unavailable, NOT_EXECUTED),
    (504, b"Container initialization timed out", Unavailable, NOT_EXECUTED),
    (504, b"Timed out", DeadlineExceeded, UNKNOWN),
)
"""Status and message of Fn's agent, and what they prove (fn/api/models/error.go and fn/api/agent/agent.go). All other
502s, "function failed" among them, are of calls that had begun. That Oracle Functions keeps the messages is assumed."""


def _unsigned(request: Request) -> Request:
    return request


class FnCaller:
    """The endpoint's url is the whole invocation URL: https://<fn>/invoke/<fn id>, or of Oracle Functions
    https://<invoke endpoint>/20181201/functions/<ocid>/actions/invoke."""

    def __init__(self, sign: Callable[[Request], Request] = _unsigned) -> None:
        """`sign` adds the headers of OCI's request signature, or those of whatever stands before one's own Fn. It is a
        pure function of the request."""
        self._sign = sign
        self._http = HttpCaller()

    def request(self, endpoint: Endpoint, frame: bytes) -> Request:
        """Raises TooLarge for a frame that Oracle Functions would refuse."""
        if endpoint.door == ORACLE and len(frame) > MAX_REQUEST:
            said = f"the call of {endpoint.function} is {len(frame)} bytes, and Oracle Functions takes {MAX_REQUEST}"
            raise TooLarge(said, executed=NOT_EXECUTED)
        return self._sign(self._http.request(endpoint, frame))

    def reply(self, response: Response) -> bytes:
        """The reply's frame. Raises a CallError for an answer without one."""
        if response.headers.get("content-type", "").startswith("application/json"):
            _raise_agents(response.status, response.body[:1000])
        return self._http.reply(response)


caller = FnCaller()


def _raise_agents(status: int, body: bytes) -> None:
    for answered, words, error, executed in TOLD:
        if status == answered and words in body:
            raise error(f"Fn answered {status}: {words.decode()}", executed=executed)
