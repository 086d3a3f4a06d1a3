"""The HTTP carrier inside a platform: a request's body is a frame, a response's body is a frame."""

from __future__ import annotations

from hyfn.errors import Malformed, UnsupportedEncoding
from hyfn.wire.frame import CONTENT_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hyfn.wire.carrier import Answer


def receive(method: str, content_type: str, body: bytes) -> bytes:
    """The frame in a request. Raises Malformed or UnsupportedEncoding."""
    if method != "POST":
        raise Malformed("only POST carries a call")
    if content_type.partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise UnsupportedEncoding(f"the content type must be {CONTENT_TYPE}")
    return body


def answer(answer: Answer) -> tuple[int, str, bytes]:
    """Status, content type and body. A refusal is its code and nothing else."""
    if answer.frame:
        return answer.status, CONTENT_TYPE, answer.frame
    return answer.status, "text/plain", answer.code.encode()
