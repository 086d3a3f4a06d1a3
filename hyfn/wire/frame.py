"""Bytes ↔ one sealed message. Only `struct` reads bytes before the MAC is checked.

A frame is 24 fixed bytes, a header (a msgpack map with an exact set of fields), a body and an HMAC-SHA256 over
all that stands before it. Big endian:

    0  4  magic HYF1          8  8  key id
    4  1  kind               16  4  header length, at most 8,192
    5  1  flags              20  4  body length, at most the limit
    6  2  zero               24  …  header ‖ body ‖ MAC
"""

from __future__ import annotations

from struct import Struct

from hyfn.errors import Malformed, Unauthenticated
from hyfn.wire.mac import compare_digest, hmac_sha256
from hyfn.wire.packing import pack, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAGIC = b"HYF1"
CALL, VALUE, ERROR, ITEM = 1, 2, 3, 4
COMPRESSED, BY_REFERENCE, PICKLED = 1, 2, 4
MAX_HEADER = 8192
MAX_BODY = 64 * 1024 * 1024
"""Bytes of a body, where an edge sets no smaller limit."""
MAC_SIZE = 32
MAX_HOPS = 32
MAX_LIFE = 300
"""Seconds between a frame's iat and exp, at most."""
SKEW = 30
"""Seconds that two clocks may differ."""
CONTENT_TYPE = "application/vnd.hyfn.v1"

_FIXED = Struct(">4sBBH8sII")
OVERHEAD = _FIXED.size + MAC_SIZE
MAX_FRAME = OVERHEAD + MAX_HEADER + MAX_BODY
"""Bytes of a frame, where an edge sets no smaller limit."""


def seal(kind: int, key_id: bytes, key: bytes, header: Mapping[str, object], body: bytes, flags: int = 0) -> bytes:
    """One frame, signed."""
    packed = pack(header)
    signed = _FIXED.pack(MAGIC, kind, flags, 0, key_id, len(packed), len(body)) + packed + body
    return signed + hmac_sha256(key, signed)


class Frame:
    """A frame whose shape is right and whose MAC nobody has checked yet."""

    __slots__ = ("_data", "_header_end", "flags", "key_id", "kind")

    def __init__(self, data: bytes, limit: int) -> None:
        """Raises Malformed unless `data` is exactly one frame with a body of at most `limit` bytes."""
        if len(data) < OVERHEAD:
            raise Malformed("too short to be a frame")
        magic, self.kind, self.flags, zero, self.key_id, header, body = _FIXED.unpack_from(data)
        if magic != MAGIC:
            raise Malformed("not a hyfn/1 frame")
        if not CALL <= self.kind <= ITEM or self.flags > 7 or zero:
            raise Malformed("a kind, flag or reserved field is out of range")
        if header > MAX_HEADER or body > limit:
            raise Malformed("header or body is longer than allowed")
        if len(data) != OVERHEAD + header + body:
            raise Malformed("the lengths do not add up")
        self._data = data
        self._header_end = _FIXED.size + header

    def open(self, key: bytes, fields: frozenset[str]) -> dict[str, object]:
        """The header, after the MAC: exactly `fields`. Raises Unauthenticated, then Malformed."""
        data = self._data
        if not compare_digest(hmac_sha256(key, memoryview(data)[:-MAC_SIZE]), self.mac):
            raise Unauthenticated("the frame's signature is wrong")
        header = unpack(data[_FIXED.size : self._header_end])
        if not isinstance(header, dict) or header.keys() != fields:
            raise Malformed("the header does not have exactly the fields of its kind")
        return header

    @property
    def body(self) -> memoryview:
        """To be read only after `open`."""
        return memoryview(self._data)[self._header_end : -MAC_SIZE]

    @property
    def mac(self) -> bytes:
        return self._data[-MAC_SIZE:]
