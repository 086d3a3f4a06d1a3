"""Calls to OpenWhisk and to IBM's Code Engine. Never opens a socket.

By OpenWhisk's API (door ""), by a raw web action's URL (door "web"), by the URL of a Code Engine function (door "url").
"""

from __future__ import annotations

from os import environ

from hyfn.call import json_door
from hyfn.call.http import HttpCaller, refusal
from hyfn.errors import EXECUTED, UNKNOWN, OutcomeUnknown, TooLarge
from hyfn.wire.carrier import Request
from hyfn.wire.frame import CONTENT_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hyfn.wire.carrier import Endpoint, Response

MAX_REQUEST = 1_048_576
"""Bytes of an activation's parameters (docs/reference.md of apache/openwhisk), which hold a web action's body as
base64."""
WEB_CONTEXT = 4096
"""What a web action's parameters take beside the body, at most: its headers."""
RESULT_TOO_LARGE = b"The action produced a response that exceeded the allowed length"
"""How OpenWhisk says that the action ran and its result was too large (truncatedResponse in ErrorResponse.scala)."""


def _unsigned(request: Request) -> Request:
    return request


class OpenWhiskCaller:
    """The endpoint's url is https://<host>/api/v1/namespaces/<ns>/actions/[<package>/]<name>?blocking=true&result=true,
    https://<host>/api/v1/web/<ns>/<package or default>/<name>, or a Code Engine function's own."""

    def __init__(self, sign: Callable[[Request], Request] = _unsigned) -> None:
        """`sign` adds the basic authentication of a namespace's key. It is a pure function of the request."""
        self._sign = sign
        self._http = HttpCaller()

    def request(self, endpoint: Endpoint, frame: bytes) -> Request:
        """Raises TooLarge for a frame that OpenWhisk would refuse."""
        if endpoint.door == "web":
            _check_size(endpoint, WEB_CONTEXT + (len(frame) + 2) // 3 * 4)
            return self._http.request(endpoint, frame)
        event = json_door.event(frame)
        request = Request("POST", endpoint.url, {"Content-Type": "application/json"}, event)
        if endpoint.door == "url":
            return request
        _check_size(endpoint, len(event))
        return self._sign(request)

    def reply(self, response: Response) -> bytes:
        """The reply's frame. Raises a CallError for an answer without one."""
        status, body = response.status, response.body
        if response.headers.get("content-type", "").startswith(CONTENT_TYPE):
            return body
        if status == 200:
            return json_door.reply(body)
        if status == 202:
            raise OutcomeUnknown(f"OpenWhisk waits no longer, and the call goes on: {_excerpt(body)}", executed=UNKNOWN)
        if status == 416 or (status == 502 and RESULT_TOO_LARGE in body):
            raise TooLarge(f"the function ran, and its result was refused: {_excerpt(body)}", executed=EXECUTED)
        raise refusal(status, body)


def _by_key(request: Request) -> Request:
    """With the namespace's key, where this process has what ships there: artifacts have neither."""
    if "HYFN_WIRING" in environ:
        return request
    from importlib import import_module

    try:
        access = import_module("hyfn.clouds.openwhisk.access")
    except ModuleNotFoundError:
        return request
    return Request(request.method, request.url, {**request.headers, **access.headers(request.url)}, request.body)


caller = OpenWhiskCaller(_by_key)


def _check_size(endpoint: Endpoint, size: int) -> None:
    if size > MAX_REQUEST:
        raise TooLarge(f"the call of {endpoint.function} is {size} bytes, and OpenWhisk takes {MAX_REQUEST}")


def _excerpt(body: bytes) -> str:
    return " ".join(body[:500].decode("utf-8", "replace").split())
