"""The HTTP carrier through proxies: some of their answers prove that they passed nothing on."""

from __future__ import annotations

from hyfn.call.http import HttpCaller
from hyfn.errors import NOT_EXECUTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from hyfn.errors import CallError
    from hyfn.wire.carrier import Endpoint, Request, Response

    Beginnings: TypeAlias = Mapping[int, Sequence[tuple[bytes, type[CallError]]]]

EXCERPT = 200


class ProxiedCaller:
    """`never_forwarded` has, by status, how a proxy's answer in text begins where it passed nothing on, and the error
    that it stands for. The function's own host never answers so: a refusal of its is a code and nothing else."""

    def __init__(self, platform: str, never_forwarded: Beginnings) -> None:
        self._http = HttpCaller()
        self._platform = platform
        self._never_forwarded = never_forwarded

    def request(self, endpoint: Endpoint, frame: bytes) -> Request:
        return self._http.request(endpoint, frame)

    def reply(self, response: Response) -> bytes:
        """The reply's frame. Raises a CallError for an answer without one."""
        start = beginning(response)
        for words, error in self._never_forwarded.get(response.status, ()) if start else ():
            if start.startswith(words):
                said = " ".join(words.decode().split())
                raise error(f"{self._platform} did not pass the call on: {said}", executed=NOT_EXECUTED)
        return self._http.reply(response)


def beginning(response: Response) -> bytes:
    """What an answer in text begins with; b"" for one that is no text."""
    is_text = response.headers.get("content-type", "").startswith("text/")
    return response.body[:EXCERPT].strip() if is_text else b""
