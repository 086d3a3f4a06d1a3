"""Frames: what is sealed opens, and nothing else does."""

from __future__ import annotations

import hashlib
import hmac
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyfn.errors import Malformed, Unauthenticated
from hyfn.wire.frame import CALL, ERROR, ITEM, MAC_SIZE, MAX_HEADER, OVERHEAD, VALUE, Frame, seal
from hyfn.wire.packing import pack

KEY, OTHER_KEY, KEY_ID = b"k" * 32, b"o" * 32, b"12345678"
HEADER = {"iss": "a/dev/f@aws", "id": b"0" * 16, "iat": 1_700_000_000}
FIELDS = frozenset(HEADER)
BODY = pack([["x"], {}])
LIMIT = 1000
SEALED = seal(CALL, KEY_ID, KEY, HEADER, BODY)


@given(
    st.sampled_from([CALL, VALUE, ERROR, ITEM]),
    st.binary(min_size=8, max_size=8),
    st.binary(min_size=32, max_size=32),
    st.dictionaries(st.text(max_size=8), st.integers(0, 2**63) | st.binary(max_size=40), max_size=12),
    st.binary(max_size=LIMIT),
    st.integers(0, 7),
)
def test_what_was_sealed_opens(
    kind: int, key_id: bytes, key: bytes, header: dict[str, object], body: bytes, flags: int
) -> None:
    frame = Frame(seal(kind, key_id, key, header, body, flags), LIMIT)
    assert frame.open(key, frozenset(header)) == header
    assert (frame.kind, frame.key_id, frame.flags, bytes(frame.body)) == (kind, key_id, flags, body)


def test_a_frame_is_the_documented_bytes() -> None:
    """Written from PROTOCOL §2 alone, so that both ends cannot be wrong together."""
    packed = pack(HEADER)
    signed = b"HYF1" + bytes((1, 0, 0, 0)) + KEY_ID + struct.pack(">II", len(packed), len(BODY)) + packed + BODY
    assert signed + hmac.new(KEY, signed, hashlib.sha256).digest() == SEALED


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 16_383, 16_384, 100_000])
def test_the_seal_is_hmac_sha256_at_every_size(size: int) -> None:
    sealed = seal(CALL, KEY_ID, KEY, HEADER, bytes(size))
    assert hmac.new(KEY, sealed[:-MAC_SIZE], hashlib.sha256).digest() == sealed[-MAC_SIZE:]
    assert Frame(sealed, 100_000).open(KEY, FIELDS) == HEADER


def changed(at: int, new: bytes) -> bytes:
    return SEALED[:at] + new + SEALED[at + len(new) :]


def resealed(signed: bytes) -> bytes:
    return signed + hmac.new(KEY, signed, hashlib.sha256).digest()


SHAPES = {
    "nothing": b"",
    "one byte": b"H",
    "only the fixed part": SEALED[:24],
    "one byte too few": SEALED[:-1],
    "one byte too many": SEALED + b"\0",
    "twice": SEALED * 2,
    "another magic": changed(0, b"HYF2"),
    "kind 0": changed(4, b"\0"),
    "kind 5": changed(4, b"\5"),
    "an unknown flag": changed(5, b"\x08"),
    "a reserved byte": changed(6, b"\1"),
    "another reserved byte": changed(7, b"\1"),
    "a shorter header": changed(16, struct.pack(">I", len(pack(HEADER)) - 1)),
    "a longer body": changed(20, struct.pack(">I", len(BODY) + 1)),
    "the largest lengths": changed(16, b"\xff" * 8),
    "lengths that overflow to the right sum": changed(16, struct.pack(">II", 2**32 - 1, len(pack(HEADER)) + 1)),
    "a header beyond its limit": seal(CALL, KEY_ID, KEY, {"iss": "x" * MAX_HEADER}, b""),
    "a body beyond its limit": seal(CALL, KEY_ID, KEY, HEADER, bytes(LIMIT + 1)),
    "text": b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>" + b" " * 100,
}


@pytest.mark.parametrize("name", SHAPES)
def test_another_shape_is_malformed_before_any_key_is_used(name: str) -> None:
    with pytest.raises(Malformed):
        Frame(SHAPES[name], LIMIT)


def test_the_limits_themselves_are_allowed() -> None:
    largest = seal(CALL, KEY_ID, KEY, HEADER, bytes(LIMIT))
    assert len(Frame(largest, LIMIT).body) == LIMIT


@pytest.mark.parametrize("at", range(len(SEALED)))
def test_one_changed_bit_anywhere_is_refused(at: int) -> None:
    with pytest.raises((Malformed, Unauthenticated)):
        Frame(changed(at, bytes((SEALED[at] ^ 1,))), LIMIT).open(KEY, FIELDS)


def test_another_key_does_not_open_it() -> None:
    for key in (OTHER_KEY, b"", KEY[:-1]):
        with pytest.raises(Unauthenticated):
            Frame(SEALED, LIMIT).open(key, FIELDS)


def test_the_seal_is_checked_before_the_header_is_read() -> None:
    broken = SEALED[:24] + b"\xc1" * (len(SEALED) - 24)
    with pytest.raises(Unauthenticated):
        Frame(broken, LIMIT).open(KEY, FIELDS)


HEADERS = {
    "no map": pack([1, 2]),
    "empty": b"",
    "a field too few": pack(dict.fromkeys(list(FIELDS)[1:], 1)),
    "a field too many": pack(HEADER | {"more": 1}),
    "another field": pack({"iss": 1, "id": 2, "IAT": 3}),
    "a number as field": b"\x81\x01\x01",
    "bytes as field": pack({b"iss": 1, b"id": 2, b"iat": 3}),
    "something after it": pack(HEADER) + b"\0",
    "no msgpack": b"\xc1",
    "arrays in arrays": b"\x91" * 8000,
    "a huge array": b"\xdd\xff\xff\xff\xff",
    "text that is not UTF-8": b"\x81\xa1\xff\x01",
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_signed_header_of_another_form_is_malformed(name: str) -> None:
    header = HEADERS[name]
    signed = SEALED[:16] + struct.pack(">II", len(header), len(BODY)) + header + BODY
    with pytest.raises(Malformed):
        Frame(resealed(signed), LIMIT).open(KEY, FIELDS)


def test_another_encoding_of_the_same_header_has_another_seal() -> None:
    """Framing in msgpack itself accepted re-encoded copies of a signed message."""
    header = b"\xde\x00\x03" + pack(HEADER)[1:]
    signed = SEALED[:16] + struct.pack(">II", len(header), len(BODY)) + header + BODY
    assert Frame(resealed(signed), LIMIT).open(KEY, FIELDS) == HEADER
    with pytest.raises(Unauthenticated):
        Frame(signed + SEALED[-MAC_SIZE:], LIMIT).open(KEY, FIELDS)


def test_header_and_body_cannot_trade_bytes() -> None:
    packed = pack(HEADER)
    moved = SEALED[:16] + struct.pack(">II", len(packed) + 1, len(BODY) - 1) + SEALED[24:]
    with pytest.raises(Unauthenticated):
        Frame(moved, LIMIT).open(KEY, FIELDS)


@given(
    st.lists(st.tuples(st.integers(0, len(SEALED) - 1), st.integers(1, 255)), max_size=6),
    st.integers(0, len(SEALED)),
    st.binary(max_size=4),
)
def test_a_mutated_frame_is_refused(changes: list[tuple[int, int]], end: int, more: bytes) -> None:
    mutated = bytearray(SEALED)
    for at, flip in changes:
        mutated[at] ^= flip
    data = bytes(mutated[:end] + more)
    if data == SEALED:
        return
    with pytest.raises((Malformed, Unauthenticated)):
        Frame(data, LIMIT).open(KEY, FIELDS)


@given(st.binary(max_size=200), st.sampled_from([b"", b"HYF1", SEALED[:24]]))
def test_random_bytes_are_refused(data: bytes, start: bytes) -> None:
    with pytest.raises((Malformed, Unauthenticated)):
        Frame(start + data, LIMIT).open(KEY, FIELDS)


@given(st.binary(max_size=120))
def test_a_signed_header_of_random_bytes_is_a_header_or_malformed(header: bytes) -> None:
    signed = SEALED[:16] + struct.pack(">II", len(header), 0) + header
    try:
        opened = Frame(resealed(signed), LIMIT).open(KEY, FIELDS)
    except Malformed:
        return
    assert opened.keys() == FIELDS


def test_the_overhead_of_a_frame_is_56_bytes() -> None:
    assert OVERHEAD == 56
    assert len(SEALED) == OVERHEAD + len(pack(HEADER)) + len(BODY)
