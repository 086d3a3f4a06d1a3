"""The HTTP carrier in a caller: the inverse of hyfn/host/http.py."""

from __future__ import annotations

from hyfn.errors import (
    BY_CODE,
    NOT_EXECUTED,
    CallError,
    Forbidden,
    NoSuchFunction,
    OutcomeUnknown,
    RateLimited,
    TooLarge,
    Unauthenticated,
)
from hyfn.wire.carrier import Request
from hyfn.wire.frame import CONTENT_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hyfn.wire.carrier import Endpoint, Response

NEVER_RAN: Mapping[int, type[CallError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NoSuchFunction,
    413: TooLarge,
    429: RateLimited,
}
"""Answers of a platform itself (no frame in them) that prove that the function did not run."""


class HttpCaller:
    """POST <endpoint> with a frame. Never opens a socket."""

    def request(self, endpoint: Endpoint, frame: bytes) -> Request:
        return Request("POST", endpoint.url, {"Content-Type": CONTENT_TYPE, "Accept": CONTENT_TYPE}, frame)

    def reply(self, response: Response) -> bytes:
        """The reply's frame. Raises a CallError for an answer without one."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == CONTENT_TYPE:
            return response.body
        raise refusal(response.status, response.body)


def refusal(status: int, body: bytes) -> CallError:
    """The error that an answer without a frame stands for: a host's bare code, or the platform's own words."""
    code = body[:64].decode("ascii", "replace").strip()
    known = BY_CODE.get(code)
    if known is not None and (known.http_status == status or known.executed == NOT_EXECUTED):
        return known(f"the callee refused the call ({code})")
    excerpt = " ".join(body[:200].decode("utf-8", "replace").split())
    if status in NEVER_RAN:
        return NEVER_RAN[status](f"the platform answered {status}: {excerpt}", executed=NOT_EXECUTED)
    if 300 <= status < 400:
        return OutcomeUnknown(f"the endpoint answered with a redirect ({status}), which is never followed")
    return OutcomeUnknown(f"the platform answered {status} without a reply: {excerpt}")
