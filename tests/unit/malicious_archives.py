"""Archives that nobody may trust, made from their records: each tells one lie. Always the same ones."""

from __future__ import annotations

import dataclasses
import gzip
import random
import struct
import zlib
from collections.abc import Iterator

from tests.unit import malicious_tars
from tests.unit.archive_records import (
    ORDINARY,
    Case,
    Entry,
    Fields,
    deflated,
    good,
    good_tar,
    gzip_zeros,
    header,
    padded,
    pax,
    record,
    tarred,
    zipped,
)

NAMES = [
    "../canary", "a/../../canary", "a/b/../../../canary", "..", ".", "./a", "a/.", "a/./b", "a//b", "/canary",
    "//host/share/x", "/", "", "a/..", "../", "..\\canary", "a\\..\\..\\canary", "\\canary", "\\\\host\\share\\x",
    "\\\\?\\C:\\x", "C:/x", "C:\\x", "c:x", "a/C:/x", "file.txt:stream", "a\0b", "good.txt\0.png", "a\nb", "a\rb",
    "a\tb", "a\x1b[2Jb", "a\x7fb", "..\u2215canary\u2215..", "\uff0e\uff0e/canary", "..\uff0fcanary", "\u2025/canary",
    "\u2024\u2024/canary", "..\uff3ccanary", "a\u202egnp.exe", "a\u200bb", "a\ufeffb", "a\u00a0", "a.", "a ", "a. ",
    "dir./x", "dir /x", "...", ".. /canary", ". ./ ", "%2e%2e/canary", "%2e%2e%2fcanary", "..%2fcanary",
    "%252e%252e%252fcanary", "%2fetc%2fpasswd", "a%00b", "..%5ccanary", "..%c0%afcanary/..", "x" * 256,
    "d/" + "x" * 300, "ü" * 128, "d/" * 2100 + "x", "/".join(["x" * 200] * 21), "d/" * 128 + "x",
]  # fmt: skip
"""What they try to reach, the canary, lies beside the folder that the archive is extracted in."""
COLLISIONS = [
    ("a.py", "A.py"), ("p/x", "P/y"), ("p/x", "P"), ("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b"), ("a", "a"),
    ("p/a", "p/a"), ("stra\u00dfe", "STRASSE"), ("e\u0301", "\u00e9"), ("\ufb01le", "file"),
    ("d\u00e9/x", "de\u0301/y"), ("\u01c5", "\u01c4"), ("I", "i"), ("\u03c3", "\u03c2"), ("\u212a", "k"),
    ("\u212b", "\u00e5"), ("A/b/c", "a/B/c"),
]  # fmt: skip


def cases() -> list[Case]:
    """Every archive, each with a name of its own."""
    found = [*_named(), *_colliding(), *_zips(), *malicious_tars.cases(), *_bombs(), *_damaged()]
    assert len({case.name for case in found}) == len(found)
    return found


def _named() -> Iterator[Case]:
    for number, name in enumerate(NAMES):
        yield Case(f"name {number} {name[:20]!a} in a zip", "zip", zipped([*good(), Entry(name)]))
        if name:
            yield Case(f"name {number} {name[:20]!a} in a tar", "tar", tarred(good_tar(), record(name)))
            compressed = gzip.compress(tarred(pax({b"path": name.encode()}), header("fine", 1), padded(b"x")), mtime=0)
            yield Case(f"name {number} {name[:20]!a} in a gzipped tar's extended header", "tar", compressed)
    for name in ("../canary/", "/canary/", "..\\canary/", "a/../../b/", "//"):
        yield Case(f"folder {name!r} in a zip", "zip", zipped([*good(), Entry(name, b"", 0, 0o40755)]))
        yield Case(f"folder {name!r} in a tar", "tar", tarred(good_tar(), header(name, kind=b"5")))
    for raw in (b"\xc0\xae\xc0\xae/canary", b"\xff\xfe", b"\xed\xa0\x80"):
        yield Case(f"ill-formed UTF-8 {raw!r} in a zip", "zip", zipped([Entry(raw)]))
        yield Case(f"ill-formed UTF-8 {raw!r} in a tar", "tar", tarred(header(raw, 1), padded(b"x")))


def _colliding() -> Iterator[Case]:
    for one, other in COLLISIONS:
        yield Case(f"{one!a} and {other!a} in a zip", "zip", zipped([Entry(one), Entry(other, b"other")]))
        yield Case(f"{one!a} and {other!a} in a tar", "tar", tarred(record(one), record(other, b"other")))
    yield Case("a folder that is a file in a zip", "zip", zipped([Entry("a"), Entry("a/", b"", 0, 0o40755)]))
    yield Case("a folder that is a file in a tar", "tar", tarred(record("a"), header("a/", kind=b"5")))
    yield Case("folders that differ in case in a zip", "zip", zipped([Entry("p/", b"", 0, 0o40755), Entry("P/x")]))


def _zips() -> Iterator[Case]:
    for kind, bits in {"link": 0o12, "fifo": 0o1, "char": 0o2, "block": 0o6, "socket": 0o14, "folder": 0o4}.items():
        entry = Entry("x", b"../canary", mode=bits << 12 | 0o777)
        yield Case(f"a {kind} in a zip", "zip", zipped([*good(), entry]))
        yield Case(f"a {kind} in a zip and a file through it", "zip", zipped([entry, Entry("x/canary")]))
    yield Case("a folder with the type of a link", "zip", zipped([Entry("x/", b"", 0, 0o120777)]))
    yield Case("a folder with content in a zip", "zip", zipped([Entry("x/", b"hidden", 0, 0o40755)]))
    yield Case("a file with the mark of a folder", "zip", zipped([Entry("x", central={"attributes": 0x10})]))
    for bit in (0x1, 0x20, 0x40, 0x2000, 0x2001):
        yield Case(f"flags {bit:#x}", "zip", zipped([Entry("x", flags=0x800 | bit)]))
    for method in (1, 6, 9, 12, 14, 93, 95, 98, 99, 255):
        yield Case(f"method {method}", "zip", zipped([Entry("x", method=method)]))
    yield from _lying_headers()
    yield from _lying_ends()
    yield from _large()
    yield from _streams()


def _lying_headers() -> Iterator[Case]:
    lies: list[Fields] = [
        {"name": b"y"}, {"name": b"../x"}, {"name": b"x\0"}, {"name": b""}, {"flags": 0}, {"flags": 0x801},
        {"method": 0}, {"crc": 1}, {"size": 2}, {"compressed": 2}, {"size": 0xFFFFFFFF}, {"compressed": 0},
        {"extra": b"\x75\x70\x06\0\1\0\0\0\0y"}, {"extra": b"\1\0\x10\0" + struct.pack("<2Q", 1 << 40, 3)},
        {"extra": b"\1\0\xff\xff"}, {"flags": 0x808},
    ]  # fmt: skip
    for lie in lies:
        yield Case(f"a local header with {lie}", "zip", zipped([*good(), Entry("x", local=lie)]))
        if "name" not in lie:
            yield Case(f"a directory with {lie}", "zip", zipped([*good(), Entry("x", central=lie)]))
    for offset in (1, 31, 0xFFFF, 0xFFFFFFFE):
        yield Case(f"an offset of {offset}", "zip", zipped([Entry("x", central={"offset": offset})]))
    yield Case("a member of another part", "zip", zipped([Entry("x", central={"disk": 1})]))
    twice = [Entry("a", b"1" * 50), Entry("b", b"1" * 50, central={"offset": 0})]
    yield Case("two entries for one member", "zip", zipped(twice))
    for behind in (b"hidden", b"PK\7\10" + bytes(12), bytes(12), bytes(16), bytes(24)):
        described = Entry("x", flags=0x808, descriptor=behind, local={"crc": 0, "size": 0, "compressed": 0})
        yield Case(f"a descriptor {behind!r}", "zip", zipped([described, Entry("y")]))
        yield Case(f"a gap {behind!r}", "zip", zipped([Entry("x", descriptor=behind), Entry("y")]))


def _lying_ends() -> Iterator[Case]:
    inner = zipped(good())
    yield Case("a program before it", "zip", zipped(good(), before=b"#!/bin/sh\nexit\n"))
    yield Case("bytes before it that no offset counts", "zip", b"GIF89a" + inner)
    yield Case("bytes behind it", "zip", inner + b"trailing")
    yield Case("one zip behind another", "zip", zipped([Entry("evil")]) + inner)
    yield Case("one zip in the comment of another", "zip", zipped([Entry("evil")], comment=inner))
    yield Case("an end within a comment", "zip", zipped(good(), comment=b"PK\5\6" + bytes(18)))
    yield Case("a comment that is cut off", "zip", zipped(good(), comment=b"abc")[:-1])
    for key in ("disk", "first", "here", "count", "size", "start"):
        for value in (1, 2, 0xFFFF):
            yield Case(f"an end with {key} {value}", "zip", zipped(good(), end={key: value}))
    yield Case("no members, and bytes", "zip", zipped([], before=b"hidden"))
    yield Case("only an end far behind", "zip", bytes(70_000) + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, 0, 0, 0))
    yield Case("a hundred thousand and one entries", "zip", zipped([Entry("x")], end={"here": 0xFFFF, "count": 0xFFFF}))
    hidden = zipped([*good(), Entry("hidden")])
    yield Case("a directory that leaves a member out", "zip", _without_entry(hidden, b"hidden"))


def _without_entry(whole: bytes, name: bytes) -> bytes:
    at = whole.rindex(b"PK\1\2")
    end = whole.rindex(b"PK\5\6")
    assert whole.index(name, at) < end
    fields = list(struct.unpack("<4s4H2LH", whole[end:]))
    fields[3:6] = fields[3] - 1, fields[4] - 1, fields[5] - (end - at)
    return whole[:at] + struct.pack("<4s4H2LH", *fields)


def _large() -> Iterator[Case]:
    """Numbers of 64 bits, where others say something else."""
    whole = zipped(good())
    end = whole.rindex(b"PK\5\6")
    count, size, start = struct.unpack_from("<H2L", whole, end + 10)
    for name, lie in {
        "count": (count + 1, size, start), "size": (count, size + 1, start), "start": (count, size, start - 1),
        "huge": (1 << 40, size, start), "none": (0, 0, 0),
    }.items():  # fmt: skip
        record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, lie[0], lie[0], lie[1], lie[2])
        locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
        yield Case(f"a large end with another {name}", "zip", whole[:end] + record + locator + whole[end:])
        hidden = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        yield Case(f"a large end alone with another {name}", "zip", whole[:end] + record + locator + hidden)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 1 << 60, 1)
    yield Case("a locator of nothing", "zip", whole[:end] + locator + whole[end:])
    for content in (b"", bytes(8), bytes(16), bytes(24), struct.pack("<Q", 1 << 63), bytes(32)):
        extra = struct.pack("<2H", 1, len(content)) + content
        large: Fields = {"size": 0xFFFFFFFF, "extra": extra}
        is_empty = content == bytes(8)
        made = zipped([Entry("x", central=large, local=large)])
        yield Case(f"a large size {content!r}", "zip", made, is_seen_inside=is_empty)
    twice = struct.pack("<2HQ", 1, 8, 1) * 2
    yield Case("two large sizes", "zip", zipped([Entry("x", central={"size": 0xFFFFFFFF, "extra": twice})]))


def _streams() -> Iterator[Case]:
    """Lies that the records tell alike: they are seen when the stream is inflated."""
    content = b"content " * 100
    stream = deflated(content)
    lies = {
        "a size too small": Entry("x", content[:-1], stream=stream),
        "a size too large": Entry("x", content + b"y", stream=stream),
        "another checksum": Entry("x", bytes(800), stream=stream),
        "a stream that is cut off": Entry("x", content, stream=stream[:-3]),
        "a damaged stream": Entry("x", content, stream=bytes([stream[0] ^ 6]) + stream[1:]),
        "no stream": Entry("x", content, stream=b""),
        "a stream with bytes behind it": Entry("x", content, stream=stream + b"hidden"),
        "an empty file with a checksum": Entry("x", b"", local={"crc": 1}, central={"crc": 1}),
    }
    for name, entry in lies.items():
        yield Case(name, "zip", zipped([*good(), entry]), is_seen_inside=True)
    yield Case("a stored file of two sizes", "zip", zipped([Entry("x", content, 0, stream=content[:-1])]))


def _bombs() -> Iterator[Case]:
    layer = _zeros(100)
    yield Case("bomb: one member", "zip", zipped([Entry("x", local=_sized(), central=_sized(), stream=layer)]))
    many = [Entry(f"{n}", local=_sized(), central=_sized(), stream=layer) for n in range(4)]
    yield Case("bomb: several members", "zip", zipped(many))
    mixed = [*many, Entry("noise", random.Random(1).randbytes(2_000_000), 0)]
    yield Case("bomb: beside what does not shrink", "zip", zipped(mixed))
    yield Case("bomb: overlapping members", "zip", _overlapping(layer))
    hidden = Entry("x", b"x", stream=layer)
    yield Case("bomb: that says it is small", "zip", zipped([hidden]), is_seen_inside=True)
    yield Case(
        "bomb: that says it is large", "zip", zipped([Entry("x", central={"size": 1 << 31}, local={"size": 1 << 31})])
    )
    yield Case("bomb: very many members", "zip", zipped([Entry("x")] * 40_000))
    yield Case("bomb: a tar", "tar", gzip_zeros(header("x", 100 << 20), 101))
    folders = tarred(*(header(f"d{n}/", kind=b"5") for n in range(100_001)))
    yield Case("bomb: folders", "tar", gzip.compress(folders, 1, mtime=0))
    extended = pax({b"comment": b"c" * 60_000}) + header("x")
    yield Case("bomb: extended headers", "tar", gzip.compress(extended, mtime=0) * 1500)


def _sized() -> Fields:
    return {"size": 100 << 20, "crc": 0x1}


def _zeros(megabytes: int) -> bytes:
    """A deflate stream of so many: each MiB begins anew, so that one can be repeated."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    one = deflater.compress(bytes(1 << 20)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return one * megabytes + deflater.flush()


def _overlapping(layer: bytes) -> bytes:
    """Each member's stream is all that follows, the next local headers within: one kernel counts many times."""
    whole = zipped([Entry("kernel", stream=layer)])
    end = whole.rindex(b"PK\5\6")
    at = whole.rindex(b"PK\1\2")
    entry = whole[at:end]
    directory = entry * 20
    fields = (b"PK\5\6", 0, 0, 20, 20, len(directory), at, 0)
    return whole[:at] + directory + struct.pack("<4s4H2LH", *fields)


def _damaged() -> Iterator[Case]:
    whole = {"zip": zipped(good()), "tar": gzip.compress(tarred(good_tar()), mtime=0)}
    for form, content in whole.items():
        for part in range(20):
            yield Case(f"a {form} cut off at {part}/20", form, content[: len(content) * part // 20])


def flipped() -> Iterator[Case]:
    """Sound archives with one bit turned: some of these are still sound, where the bit says nothing."""
    dice = random.Random(20)
    whole = {"zip": zipped(good()), "tar": gzip.compress(tarred(good_tar()), mtime=0)}
    for form, content in whole.items():
        for number in range(120):
            damaged = bytearray(content)
            damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
            yield Case(f"a {form} with a bit turned, {number}", form, bytes(damaged))


def sound() -> Case:
    return Case("sound", "zip", zipped(good()))


def with_mode(mode: int) -> list[Case]:
    entries = [dataclasses.replace(entry, mode=0o100000 | mode) for entry in good()]
    members = [
        header(name, len(content), mode=b"%07o\0" % mode) + padded(content) for name, content in ORDINARY.items()
    ]
    return [Case(f"mode {mode:o}", "zip", zipped(entries)), Case(f"mode {mode:o}", "tar", tarred(*members))]
