"""The JSON-only carrier inside a platform: {"hyfn": "<base64url frame>"} and no other key."""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

from hyfn.errors import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hyfn.wire.carrier import Answer

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def receive(event: Any) -> bytes:
    """The frame in an event. Raises Malformed."""
    if not isinstance(event, dict) or event.keys() != {"hyfn"} or not isinstance(event["hyfn"], str):
        raise Malformed('the event must be {"hyfn": "<base64url frame>"} and nothing else')
    try:
        return a2b_base64(event["hyfn"].encode("ascii").translate(_FROM_URL), strict_mode=True)
    except (UnicodeEncodeError, Error) as error:
        raise Malformed("the frame is not base64url") from error


def answer(answer: Answer) -> dict[str, str]:
    """The reply's event."""
    if answer.frame:
        return {"hyfn": b2a_base64(answer.frame, newline=False).translate(_TO_URL).decode("ascii")}
    return {"hyfn_refused": answer.code}
