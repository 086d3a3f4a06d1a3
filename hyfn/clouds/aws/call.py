"""Calls to AWS Lambda: by the Invoke API (door ""), or by a function URL (door "url"). Never opens a socket."""

from __future__ import annotations

from hyfn.call import json_door
from hyfn.call.http import HttpCaller, refusal
from hyfn.clouds.aws import signing
from hyfn.errors import EXECUTED, NOT_EXECUTED, OutcomeUnknown, TooLarge, Unauthenticated
from hyfn.wire.carrier import Request
from hyfn.wire.frame import CONTENT_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hyfn.errors import CallError
    from hyfn.wire.carrier import Endpoint, Response

MAX_REQUEST = 6_291_456
"""Bytes of a synchronous invocation's event, AWS Lambda's quota; a function URL's event holds the body as base64."""
URL_EVENT = 4096
"""What a function URL's event takes beside the body, at most: its headers and context."""
UNSIGNED = frozenset(
    {
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
"""Lambda's reasons for a 403 that mean the caller's credentials, not its rights."""


def _unsigned(request: Request) -> Request:
    return request


class AwsCaller:
    """The endpoint's url is the whole invocation path, or the function URL."""

    def __init__(self, sign: Callable[[Request], Request] = _unsigned) -> None:
        """`sign` adds the headers of Signature Version 4. It is a pure function of the request."""
        self._sign = sign
        self._http = HttpCaller()

    def request(self, endpoint: Endpoint, frame: bytes) -> Request:
        """Raises TooLarge for a frame that Lambda would refuse."""
        if endpoint.door == "url":
            _check_size(endpoint, URL_EVENT + (len(frame) + 2) // 3 * 4)
            return self._sign(self._http.request(endpoint, frame))
        event = json_door.event(frame)
        _check_size(endpoint, len(event))
        headers = {"Content-Type": "application/json", "X-Amz-Invocation-Type": "RequestResponse"}
        return self._sign(Request("POST", endpoint.url, headers, event))

    def reply(self, response: Response) -> bytes:
        """The reply's frame. Raises a CallError for an answer without one."""
        headers = response.headers
        if "x-amz-function-error" in headers:
            raise _function_error(response.body)
        if headers.get("content-type", "").startswith(CONTENT_TYPE):
            return response.body
        if response.status == 200:
            return json_door.reply(response.body)
        if headers.get("x-amzn-errortype", "").partition(":")[0] in UNSIGNED:
            raise Unauthenticated(
                f"AWS refused the caller's signature: {_excerpt(response.body)}", executed=NOT_EXECUTED
            )
        raise refusal(response.status, response.body)


caller = AwsCaller(signing.sign)


def _check_size(endpoint: Endpoint, size: int) -> None:
    if size > MAX_REQUEST:
        raise TooLarge(f"the call of {endpoint.function} is {size} bytes, and AWS Lambda takes {MAX_REQUEST}")


def _function_error(body: bytes) -> CallError:
    """The runtime failed, not the function: its own exceptions come in a reply."""
    if b"Function.ResponseSizeTooLarge" in body:
        return TooLarge(f"the function ran, and its result was refused: {_excerpt(body)}", executed=EXECUTED)
    return OutcomeUnknown(f"AWS Lambda reported a function error: {_excerpt(body)}")


def _excerpt(body: bytes) -> str:
    return " ".join(body[:500].decode("utf-8", "replace").split())
