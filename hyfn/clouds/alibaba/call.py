"""Calls to Function Compute: by the InvokeFunction API (door ""), or by an HTTP trigger (door "http").

Opens no socket. The errors' names are those of https://www.alibabacloud.com/help/en/functioncompute/error-codes and
https://www.alibabacloud.com/help/doc-detail/85445.htm; both pages are of the API before this one (2016-08-15). That
2023-03-30 has kept them could not be verified, so what is not known for certain is OutcomeUnknown.
"""

from __future__ import annotations

from hyfn.call.http import HttpCaller, refusal
from hyfn.errors import (
    BY_CODE,
    NOT_EXECUTED,
    UNKNOWN,
    DeadlineExceeded,
    Forbidden,
    OutcomeUnknown,
    Overloaded,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from hyfn.wire import json_text
from hyfn.wire.carrier import Request
from hyfn.wire.frame import MAGIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hyfn.errors import CallError
    from hyfn.wire.carrier import Endpoint, Response

MAX_REQUEST = 32 * 1024 * 1024
"""Bytes of a synchronous invocation's body (https://www.alibabacloud.com/help/doc-detail/2527064.html)."""
NEVER_RAN: Mapping[str, type[CallError]] = {
    "AccessDenied": Forbidden,
    "EntityTooLarge": TooLarge,
    "FunctionNotStarted": Unavailable,
    "InvalidAccessKeyID": Unauthenticated,
    "InvalidAccessKeyId": Unauthenticated,
    "InvalidAccessKeyId.NotFound": Unauthenticated,
    "ResourceExhausted": Overloaded,
    "ResourceThrottled": RateLimited,
    "SignatureDoesNotMatch": Unauthenticated,
    "SignatureNotMatch": Unauthenticated,
}
"""Error codes by which Function Compute says that it passed nothing on. The spellings without a page above are those of
the gateway that all of Alibaba's APIs share."""
CODE_KEYS, MESSAGE_KEYS = ("Code", "ErrorCode", "errorCode"), ("Message", "ErrorMessage", "errorMessage")
"""How the API's versions spell them."""
TIMED_OUT = ("Function time", "FunctionTimeoutError")
"""How the message of a function that was ended begins, and its type in the platform's logs."""


def _unsigned(request: Request) -> Request:
    return request


class AlibabaCaller:
    """The endpoint's url is the whole invocation path, or the HTTP trigger's own."""

    def __init__(self, sign: Callable[[Request], Request] = _unsigned) -> None:
        """`sign` adds the headers of ACS3-HMAC-SHA256. It is a pure function of the request."""
        self._sign = sign
        self._http = HttpCaller()

    def request(self, endpoint: Endpoint, frame: bytes) -> Request:
        """Raises TooLarge for a frame that Function Compute would refuse."""
        if len(frame) > MAX_REQUEST:
            said = f"the call of {endpoint.function} is {len(frame)} bytes, and Function Compute takes {MAX_REQUEST}"
            raise TooLarge(said)
        if endpoint.door == "http":
            return self._sign(self._http.request(endpoint, frame))
        headers = {"Content-Type": "application/octet-stream", "X-Fc-Invocation-Type": "Sync"}
        return self._sign(Request("POST", endpoint.url, headers, frame))

    def reply(self, response: Response) -> bytes:
        """The reply's frame. Raises a CallError for an answer without one.

        An answer to InvokeFunction has neither the host's status nor its content type: only its body tells.
        """
        body = response.body
        if body.startswith(MAGIC):
            return body
        kind = response.headers.get("x-fc-error-type", "")
        if not kind and response.status == 200:
            raise _refused(body)
        raise _platforms(response.status, kind, body)


caller = AlibabaCaller()


def _refused(body: bytes) -> CallError:
    """The host's bare code: at this door it comes with 200."""
    code = body[:64].decode("ascii", "replace")
    if code in BY_CODE:
        return BY_CODE[code](f"the callee refused the call ({code})")
    return OutcomeUnknown(f"the function's answer is no reply: {_excerpt(body)}")


def _platforms(status: int, kind: str, body: bytes) -> CallError:
    code, message = _read(body)
    said = f"Function Compute answered {status} {kind or code}: {message or _excerpt(body)}"
    if code in NEVER_RAN:
        return NEVER_RAN[code](said, executed=NOT_EXECUTED)
    if kind == "InitializationError":
        # An instance takes no call before its initializer has succeeded.
        return Unavailable(said, executed=NOT_EXECUTED)
    if message.startswith(TIMED_OUT) or kind in TIMED_OUT:
        return DeadlineExceeded(said, executed=UNKNOWN)
    if kind.endswith("InvocationError"):
        return OutcomeUnknown(said)
    return refusal(status, body)


def _read(body: bytes) -> tuple[str, str]:
    """The error's code and its message, "" where it has none."""
    try:
        document = json_text.read(body.decode())
    except ValueError:
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    return _first(document, CODE_KEYS), _first(document, MESSAGE_KEYS)


def _first(document: Mapping[str, object], keys: tuple[str, ...]) -> str:
    return next((str(document[key]) for key in keys if key in document), "")


def _excerpt(body: bytes) -> str:
    return " ".join(body[:500].decode("utf-8", "replace").split())
