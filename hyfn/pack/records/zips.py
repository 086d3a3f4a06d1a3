"""The records of a zip, read strictly: whoever reads the archive, from whichever end, finds the same members.

PKWARE's APPNOTE 6.3.10, §4.3. The members lie one behind the other from the first byte on, then their directory, then
its end, and nothing else: no gap, no overlap, nothing before or behind, no record that says other than another.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from hyfn.pack.records import Untrusted
from hyfn.pack.splice import CENTRAL, END, LOCAL

END_64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR_64 = struct.Struct("<4sLQL")
NAMES = struct.Struct("<2H")
"""The lengths of the name and of the extra field, with which a local header's fixed part ends."""
PIECE = 256 * 1024
MAX_COMMENT = 0xFFFF
MAX_DIRECTORY = 256 * 1024 * 1024

ENCRYPTED = 0x1 | 0x40 | 0x2000
PATCHED = 0x20
DESCRIBED = 0x8
"""CRC and sizes stand behind the stream, not before it (4.4.4)."""
UTF8 = 0x800
JUDGED = ENCRYPTED | PATCHED | DESCRIBED | UTF8
METHODS = {0, 8}
"""Stored and deflated."""

LARGE = 0xFFFFFFFF
"""The number stands in the extra field ZIP64."""
ZIP64, UNICODE_PATH = 0x0001, 0x7075


@dataclass(frozen=True, slots=True)
class Record:
    """One member as its directory has it."""

    name: bytes
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    offset: int


def read(raw: IO[bytes], max_files: int) -> list[Record]:
    """The members in the order of the directory. Untrusted, with what is wrong, for any other than a strict zip."""
    start, size, count, end = _end(raw)
    if count > max_files:
        raise Untrusted(f"it holds more than {max_files} files")
    if start + size != end or size > MAX_DIRECTORY:
        raise Untrusted("its directory is not where it says")
    raw.seek(start)
    records = list(_directory(raw.read(size)))
    if len(records) != count:
        raise Untrusted(f"its directory holds {len(records)} members and says {count}")
    _check_members(raw, sorted(records, key=lambda record: record.offset), start)
    return records


def _end(raw: IO[bytes]) -> tuple[int, int, int, int]:
    """Where the directory starts, its size, its number of members, and where it must end."""
    length = raw.seek(0, 2)
    raw.seek(max(0, length - END.size - MAX_COMMENT))
    tail = raw.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < END.size:
        raise Untrusted("it has no end of a directory")
    _, disk, first_disk, here, count, size, start, comment = END.unpack_from(tail, at)
    if at + END.size + comment != len(tail):
        raise Untrusted("something stands behind its end")
    if disk or first_disk or here != count:
        raise Untrusted("it is one of several parts")
    end = length - len(tail) + at
    raw.seek(max(0, end - LOCATOR_64.size - END_64.size))
    before = raw.read(END_64.size + LOCATOR_64.size)
    if before[END_64.size :].startswith(b"PK\6\7"):
        return _end_64(before, (count, size, start), end - len(before))
    return start, size, count, end


def _end_64(before: bytes, said: tuple[int, int, int], end: int) -> tuple[int, int, int, int]:
    sign, length, _, _, disk, first_disk, here, count, size, start = END_64.unpack_from(before)
    _, locator_disk, at, disks = LOCATOR_64.unpack_from(before, END_64.size)
    agrees = all(
        small in (large, limit)
        for small, large, limit in zip(said, (count, size, start), (0xFFFF, LARGE, LARGE), strict=True)
    )
    whole = (sign, length, at, disk, first_disk, locator_disk) == (b"PK\6\6", END_64.size - 12, end, 0, 0, 0)
    if not (agrees and whole and here == count and disks <= 1):
        raise Untrusted("the two ends of its directory differ")
    return start, size, count, end


def _directory(directory: bytes) -> Iterator[Record]:
    at = 0
    while at < len(directory):
        if len(directory) - at < CENTRAL.size or not directory.startswith(b"PK\1\2", at):
            raise Untrusted("its directory is damaged")
        fields = CENTRAL.unpack_from(directory, at)
        flags, method, crc, compressed, size = fields[3], fields[4], *fields[7:10]
        name_length, extra_length, comment_length, disk = fields[10:14]
        name_end = at + CENTRAL.size + name_length
        name = directory[at + CENTRAL.size : name_end]
        extra = directory[name_end : name_end + extra_length]
        size, compressed, offset = _large(extra, size, compressed, fields[16])
        if disk:
            raise Untrusted(f"{shown(name)} lies in another part")
        yield Record(name, flags, method, crc, compressed, size, offset)
        at = name_end + extra_length + comment_length
    if at != len(directory):
        raise Untrusted("its directory is cut off")


def _large(extra: bytes, *numbers: int) -> Sequence[int]:
    """The numbers, with those that stand in the extra field because they did not fit (4.5.3)."""
    fields = list(_extra(extra)) if extra else []
    if any(kind == UNICODE_PATH for kind, _ in fields):
        raise Untrusted("a member has two names")
    large = [content for kind, content in fields if kind == ZIP64]
    if not large:
        return numbers
    wanted = [index for index, number in enumerate(numbers) if number == LARGE]
    if len(large) > 1 or len(large[0]) % 8 or len(large[0]) > 8 * len(numbers):
        raise Untrusted("a member has two sizes")
    values = struct.unpack(f"<{len(large[0]) // 8}Q", large[0])
    # Some writers put all numbers there, also those that did fit. Then they must be the same.
    named = wanted if len(values) == len(wanted) else range(len(values))
    found = dict(zip(named, values, strict=True))
    if not {*wanted} <= found.keys() or any(numbers[index] not in (LARGE, value) for index, value in found.items()):
        raise Untrusted("a member has two sizes")
    return [found.get(index, number) for index, number in enumerate(numbers)]


def _extra(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        content = extra[at + 4 : at + 4 + length]
        if len(content) != length:
            raise Untrusted("a member's extra field is damaged")
        yield kind, content
        at += 4 + length


def _check_members(raw: IO[bytes], records: list[Record], end: int) -> None:
    """Each begins where the one before it ended."""
    starts = [*(record.offset for record in records[1:]), end]
    if records and records[0].offset:
        raise Untrusted("something stands before its first member")
    for record, following in zip(records, starts, strict=True):
        behind = _local(raw, record) + record.compressed
        raw.seek(behind)
        if following < behind:
            raise Untrusted(f"{shown(record.name)} overlaps another member")
        gap = raw.read(following - behind) if following - behind <= 24 else b"\0"
        if gap not in (_descriptors(record) if record.flags & DESCRIBED else [b""]):
            raise Untrusted(f"something stands behind {shown(record.name)}")


def _local(raw: IO[bytes], record: Record) -> int:
    """Where the member's stream begins, if the header before it says what the directory says."""
    raw.seek(record.offset)
    header = raw.read(LOCAL.size)
    if len(header) < LOCAL.size or not header.startswith(b"PK\3\4"):
        raise Untrusted(f"{shown(record.name)} is not where the directory says")
    _, _, flags, method, _, _, crc, compressed, size, name_length, extra_length = LOCAL.unpack(header)
    name, extra = raw.read(name_length), raw.read(extra_length)
    if len(name + extra) != name_length + extra_length:
        raise Untrusted("it is cut off")
    size, compressed = _large(extra, size, compressed)
    is_same = (name, flags & JUDGED, method) == (record.name, record.flags & JUDGED, record.method)
    known = zip((crc, compressed, size), (record.crc, record.compressed, record.size), strict=True)
    if not is_same or any(said != meant and not (record.flags & DESCRIBED and said == 0) for said, meant in known):
        raise Untrusted(f"{shown(record.name)} has a header that differs from its entry in the directory")
    return record.offset + len(header) + len(name) + len(extra)


def content(raw: IO[bytes], record: Record) -> Iterator[bytes]:
    """The member's content in pieces. Untrusted if its stream holds more or less than the record says."""
    raw.seek(record.offset + LOCAL.size - NAMES.size)
    raw.seek(sum(NAMES.unpack(raw.read(NAMES.size))), os.SEEK_CUR)
    crc = size = 0
    for piece in _inflated(raw, record.compressed) if record.method else _pieces(raw, record.compressed):
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        if size > record.size:
            break
        yield piece
    if (crc, size) != (record.crc, record.size):
        raise Untrusted(f"{shown(record.name)} is not what its size and checksum say")


def _inflated(raw: IO[bytes], compressed: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in _pieces(raw, compressed):
        while piece and not inflater.eof:
            yield inflater.decompress(piece, PIECE)
            piece = inflater.unconsumed_tail
    while not inflater.eof and (rest := inflater.decompress(b"", PIECE)):
        yield rest
    if not inflater.eof or inflater.unused_data:
        raise Untrusted("a stream does not end where its size says")


def _pieces(raw: IO[bytes], size: int) -> Iterator[bytes]:
    while size:
        piece = raw.read(min(size, PIECE))
        if not piece:
            raise Untrusted("it is cut off")
        size -= len(piece)
        yield piece


def _descriptors(record: Record) -> list[bytes]:
    """All that may stand behind a stream whose size was not known before it (4.3.9)."""
    numbers = (record.crc, record.compressed, record.size)
    forms = ["<3L", "<LQQ"] if max(numbers) <= LARGE else ["<LQQ"]
    return [sign + struct.pack(form, *numbers) for form in forms for sign in (b"", b"PK\7\10")]


def shown(name: bytes) -> str:
    return repr(name.decode("utf-8", "backslashreplace"))
