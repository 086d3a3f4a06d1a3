"""The JSON-only carrier in a caller: the inverse of hyfn/host/json_door.py."""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

from hyfn.errors import BY_CODE, OutcomeUnknown
from hyfn.wire import json_text

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")
_OPEN, _CLOSE = b'{"hyfn":"', b'"}'


def event(frame: bytes) -> bytes:
    """The event that carries `frame`, as JSON."""
    return _OPEN + b2a_base64(frame, newline=False).translate(_TO_URL) + _CLOSE


def reply(body: bytes) -> bytes:
    """The frame in the JSON that a function returned. Raises a CallError where there is none."""
    try:
        document = json_text.read(body.decode())
    except ValueError:
        document = None
    if isinstance(document, dict) and isinstance(document.get("hyfn"), str):
        try:
            return a2b_base64(document["hyfn"].encode("ascii").translate(_FROM_URL), strict_mode=True)
        except (UnicodeEncodeError, Error):
            raise OutcomeUnknown("the reply's frame is not base64url") from None
    code = str(document.get("hyfn_refused")) if isinstance(document, dict) else ""
    if code in BY_CODE:
        raise BY_CODE[code](f"the callee refused the call ({code})")
    raise OutcomeUnknown(f"the function's answer is no reply: {body[:200].decode('utf-8', 'replace')}")
