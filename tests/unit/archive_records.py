"""Zips and tars made record by record, so that each record can say something else."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Fields = Mapping[str, int | bytes]
ORDINARY = {"good.txt": b"good\n" * 20, "pkg/inner/code.py": b"x = 1\n", "pkg/data.bin": bytes(range(256)) * 8}


@dataclass(frozen=True)
class Case:
    """One archive. `is_seen_inside` marks a zip whose lie is only seen when its streams are inflated."""

    name: str
    form: str
    content: bytes
    is_seen_inside: bool = False


@dataclass(frozen=True)
class Entry:
    """A zip's member. `local` and `central` override fields of one of its two headers; `descriptor` stands behind."""

    name: str | bytes
    content: bytes = b"x"
    method: int = 8
    mode: int = 0o100644
    flags: int = 0x800
    local: Fields = field(default_factory=dict)
    central: Fields = field(default_factory=dict)
    descriptor: bytes = b""
    stream: bytes | None = None


def zipped(
    entries: Sequence[Entry], before: bytes = b"", comment: bytes = b"", end: Mapping[str, int] | None = None
) -> bytes:
    """A zip of `entries`. `end` overrides fields of the end of its directory."""
    out, directory = bytearray(before), bytearray()
    for entry in entries:
        out_at = len(out)
        local, central, stream = _headers(entry, out_at)
        out += local + stream + entry.descriptor
        directory += central
    fields = {
        "disk": 0,
        "first": 0,
        "here": len(entries),
        "count": len(entries),
        "size": len(directory),
        "start": len(out),
    }
    fields |= end or {}
    return bytes(out + directory + struct.pack("<4s4H2LH", b"PK\5\6", *fields.values(), len(comment)) + comment)


def _headers(entry: Entry, offset: int) -> tuple[bytes, bytes, bytes]:
    name = entry.name.encode("utf-8", "surrogatepass") if isinstance(entry.name, str) else entry.name
    stream = entry.stream if entry.stream is not None else _stream(entry.content, entry.method)
    common: Fields = {
        "version": 20, "flags": entry.flags, "method": entry.method, "time": 0, "date": 33,
        "crc": zlib.crc32(entry.content),
        "compressed": len(stream), "size": len(entry.content), "name": name, "extra": b"",
    }  # fmt: skip
    one = {**common, **entry.local}
    two = {**common, "disk": 0, "attributes": entry.mode << 16, "offset": offset, **entry.central}
    numbers = ("version", "flags", "method", "time", "date", "crc", "compressed", "size")
    local = struct.pack("<4s5H3L2H", b"PK\3\4", *map(one.get, numbers), _length(one["name"]), _length(one["extra"]))
    central = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 3 << 8 | 20, *map(two.get, numbers), _length(two["name"]), _length(two["extra"]),
        0, two["disk"], 0, two["attributes"], two["offset"],
    )  # fmt: skip
    return (
        local + _bytes(one["name"]) + _bytes(one["extra"]),
        central + _bytes(two["name"]) + _bytes(two["extra"]),
        stream,
    )


def _bytes(value: int | bytes) -> bytes:
    assert isinstance(value, bytes)
    return value


def _length(value: int | bytes) -> int:
    return len(_bytes(value))


def _stream(content: bytes, method: int) -> bytes:
    return content if method == 0 else deflated(content)


def deflated(content: bytes) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(content) + deflater.flush()


def header(name: str | bytes, size: int | bytes = 0, kind: bytes = b"0", link: str = "", **fields: bytes) -> bytes:
    """A tar's header with a true checksum. `fields` override: mode, magic, prefix."""
    raw = name.encode("utf-8", "surrogatepass") if isinstance(name, str) else name
    block = bytearray(512)
    block[: min(100, len(raw))] = raw[:100]
    block[100:108] = fields.get("mode", b"0000644\0")
    block[108:124] = b"0000000\0" * 2
    block[124:136] = size if isinstance(size, bytes) else b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[157 : 157 + len(link)] = link.encode()
    block[257:265] = fields.get("magic", b"ustar\x0000")
    prefix = fields.get("prefix", b"")
    block[345 : 345 + len(prefix)] = prefix
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def record(name: str, content: bytes = b"x") -> bytes:
    """A member of a tar, with an extended header where its name needs one."""
    raw = name.encode("utf-8", "surrogatepass")
    extended = pax({b"path": raw}) if len(raw) > 100 or not raw.isascii() or b"\0" in raw else b""
    return extended + header(name, len(content)) + padded(content)


def pax(said: dict[bytes, bytes], kind: bytes = b"x") -> bytes:
    content = b"".join(line(key, value) for key, value in said.items())
    return header("PaxHeader", len(content), kind) + padded(content)


def line(key: bytes, value: bytes) -> bytes:
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while length != len(str(length)) + len(rest):
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def tarred(*members: bytes) -> bytes:
    return b"".join(members) + bytes(1024)


def gzip_zeros(start: bytes, megabytes: int) -> bytes:
    """`start` and zeros, gzipped."""
    return gzip.compress(start, mtime=0) + gzip.compress(bytes(1 << 20), mtime=0) * megabytes


def good() -> list[Entry]:
    return [Entry(name, content) for name, content in ORDINARY.items()]


def good_tar() -> bytes:
    return b"".join(record(name, content) for name, content in ORDINARY.items())
