"""The three messages of one exchange: a call, a value, an error. Each is a header, a body and a seal."""

from __future__ import annotations

from os import urandom
from time import time

from hyfn.errors import Malformed
from hyfn.wire.frame import CALL, ERROR, MAX_BODY, MAX_HOPS, MAX_LIFE, SKEW, VALUE, Frame, seal
from hyfn.wire.mac import sha256
from hyfn.wire.packing import pack, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CALL_TYPES: dict[str, type] = {
    "iss": str,
    "aud": str,
    "id": bytes,
    "att": int,
    "iat": int,
    "exp": int,
    "dl": int,
    "con": bytes,
    "sem": int,
    "root": bytes,
    "hop": int,
    "tp": str,
}
CALL_FIELDS = frozenset(CALL_TYPES)
VALUE_FIELDS = frozenset(("rid", "rh", "iat"))
ERROR_FIELDS = frozenset(("rid", "rh", "iat", "ex", "ra", "nr"))


class Sent:
    """A call as it was sent: what its reply must refer to."""

    __slots__ = ("frame", "hash", "id", "key", "key_id")

    def __init__(self, frame: bytes, id: bytes, key_id: bytes, key: bytes) -> None:
        self.frame = frame
        self.id = id
        self.key_id = key_id
        self.key = key
        self.hash = sha256(frame[-32:])


def new_id() -> bytes:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then randomness."""
    random = bytearray(urandom(16))
    random[:6] = int(time() * 1000).to_bytes(6, "big")
    random[6] = random[6] & 0x0F | 0x70
    random[8] = random[8] & 0x3F | 0x80
    return bytes(random)


def call(
    key_id: bytes,
    key: bytes,
    *,
    issuer: str,
    audience: str,
    contract: bytes,
    remaining: float,
    body: bytes,
    id: bytes,
    root: bytes,
    hop: int,
    traceparent: str = "",
    semantics: int = 0,
    attempt: int = 0,
) -> Sent:
    """Seal a call. `remaining` is seconds until its deadline."""
    now = int(time())
    header = {
        "iss": issuer,
        "aud": audience,
        "id": id,
        "att": attempt,
        "iat": now,
        "exp": now + min(MAX_LIFE, int(remaining) + 1),
        "dl": int(remaining * 1000),
        "con": contract,
        "sem": semantics,
        "root": root,
        "hop": hop,
        "tp": traceparent,
    }
    return Sent(seal(CALL, key_id, key, header, body), id, key_id, key)


def check_call(header: dict[str, Any]) -> None:
    """Raise Malformed unless every field has its type and range. Times are not compared with the clock here."""
    if not (
        {name: type(value) for name, value in header.items()} == CALL_TYPES
        and len(header["id"]) == len(header["root"]) == 16
        and 0 <= header["att"] <= 15
        and 0 <= header["sem"] <= 2
        and 0 <= header["hop"] <= MAX_HOPS
        and 0 <= header["exp"] - header["iat"] <= MAX_LIFE
    ):
        raise Malformed("a header field is out of range")


def is_current(header: dict[str, Any], now: float) -> bool:
    """Whether a call's life covers `now` (seconds since the epoch), give or take the skew of two clocks."""
    return bool(header["iat"] - SKEW <= now <= header["exp"] + SKEW)


def value(frame: Frame, call_id: bytes, key: bytes, body: bytes) -> bytes:
    """Seal a value in reply to `frame`."""
    return seal(VALUE, frame.key_id, key, _reply_header(frame, call_id), body)


def error(
    frame: Frame,
    call_id: bytes,
    key: bytes,
    body: dict[str, Any],
    executed: int,
    retry_after: int = 0,
    no_retry: bool = False,
) -> bytes:
    """Seal an error in reply to `frame`. `retry_after` is milliseconds."""
    header = _reply_header(frame, call_id)
    header.update(ex=executed, ra=retry_after, nr=no_retry)
    return seal(ERROR, frame.key_id, key, header, pack(body))


def _reply_header(frame: Frame, call_id: bytes) -> dict[str, Any]:
    return {"rid": call_id, "rh": sha256(frame.mac), "iat": int(time())}


class Reply:
    """A reply to `sent` whose seal is right. `failure` is the error's body, or None where `body` holds a value."""

    __slots__ = ("body", "executed", "failure")

    def __init__(self, data: bytes, sent: Sent, limit: int = MAX_BODY) -> None:
        """Raises Malformed or Unauthenticated for anything but this call's own reply."""
        frame = Frame(data, limit)
        if frame.key_id != sent.key_id or frame.kind not in (VALUE, ERROR) or frame.flags:
            raise Malformed("not a reply to this call")
        is_error = frame.kind == ERROR
        header = frame.open(sent.key, ERROR_FIELDS if is_error else VALUE_FIELDS)
        if header["rid"] != sent.id or header["rh"] != sent.hash:
            raise Malformed("a reply to another call")
        self.body = frame.body
        self.failure: dict[str, Any] | None = None
        self.executed = 1
        if is_error:
            failure = unpack(frame.body)
            if not isinstance(failure, dict) or header["ex"] not in (0, 1, 2):
                raise Malformed("the error is not one")
            self.failure = failure
            self.executed = header["ex"]
