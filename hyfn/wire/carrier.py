"""What carries frames: an endpoint, and the request and response of one exchange.

Plain classes, not dataclasses: importing `dataclasses` costs 8 ms of every cold start.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Endpoint:
    """Where one placement of a function answers. `door` names the carrier where a cloud has several."""

    __slots__ = ("cloud", "door", "function", "url")

    def __init__(self, cloud: str, function: str, url: str, door: str = "") -> None:
        self.cloud = cloud
        self.function = function
        self.url = url
        self.door = door


class Request:
    """One HTTP request. Header names as they are sent; the transport adds Host and Content-Length."""

    __slots__ = ("body", "headers", "method", "url")

    def __init__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body


class Response:
    """One HTTP response. Header names are lower case."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Answer:
    """What a host gives back: a sealed reply, or, before authentication, a bare refusal.

    `frame` is b"" for a refusal; then only `code` and `status` leave the host.
    """

    __slots__ = ("code", "frame", "status")

    def __init__(self, status: int, frame: bytes, code: str = "OK") -> None:
        self.status = status
        self.frame = frame
        self.code = code
