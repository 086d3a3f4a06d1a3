"""Tars that nobody may trust. See malicious_archives."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from collections.abc import Iterator

from tests.unit.archive_records import Case, good_tar, gzip_zeros, header, padded, pax, record, tarred


def cases() -> Iterator[Case]:
    for kind in b"12346789ABDEGHIKMNPSVXZ?":
        for link in ("../canary", "/etc/passwd", "good.txt"):
            entry = header("x", kind=bytes([kind]), link=link)
            if kind in b"12" or link == "good.txt":
                yield Case(f"a member of kind {chr(kind)} to {link}", "tar", tarred(good_tar(), entry))
        through = header("x", kind=bytes([kind]), link="..")
        if kind in b"12":
            yield Case(f"a file through a member of kind {chr(kind)}", "tar", tarred(through, record("x/canary")))
    yield from _extended()
    yield from _numbers()
    first, second = tarred(good_tar()), tarred(record("hidden"))
    yield Case("one tar behind another", "tar", first + second)
    yield Case("one gzipped tar behind another", "tar", gzip.compress(first, mtime=0) + gzip.compress(second, mtime=0))
    yield Case("bytes behind the end", "tar", first + b"trailing")
    yield Case("bytes behind a gzipped tar", "tar", gzip.compress(first, mtime=0) + b"trailing")
    yield Case("no end", "tar", good_tar())
    yield Case("endless padding", "tar", gzip_zeros(first, 8))
    yield Case("a damaged header in the midst", "tar", tarred(good_tar(), b"\xff" * 512, record("hidden")))
    yield Case("a folder with content in a tar", "tar", tarred(header("x/", 5, b"5"), padded(b"12345")))
    for mode in ("w:bz2", "w:xz"):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode) as made:
            made.addfile(tarfile.TarInfo("x"))
        yield Case(f"another compression {mode}", "tar", out.getvalue())


def _extended() -> Iterator[Case]:
    member = header("x", 1) + padded(b"x")
    sparse = {b"major": b"1", b"minor": b"0", b"name": b"../canary", b"realsize": b"9"}
    for said in (
        {b"path": b""}, {b"size": b"-1"}, {b"size": b"1e9"}, {b"size": b""}, {b"size": b"9" * 5000},
        {b"size": str(1 << 62).encode()}, {b"GNU.sparse." + key: value for key, value in sparse.items()},
        {b"GNU.sparse.map": b"0,1"}, {b"GNU.sparse.size": b"1"}, {b"path": b"\xff"},
    ):  # fmt: skip
        yield Case(f"an extended header {str(said)[:60]}", "tar", tarred(pax(said), member))
    yield Case("a path for all", "tar", tarred(pax({b"path": b"../canary"}, b"g"), member))
    yield Case("a size for all", "tar", tarred(pax({b"size": b"9"}, b"g"), member))
    yield Case("two paths", "tar", tarred(pax({b"path": b"a"}), pax({b"path": b"b"}), member))
    long = header("././@LongLink", 2, b"L") + padded(b"a\0")
    yield Case("a path of two kinds", "tar", tarred(pax({b"path": b"b"}), long, member))
    yield Case("a long path that leads out", "tar", tarred(header("@", 10, b"L") + padded(b"../canary\0"), member))
    yield Case("a long path in two parts", "tar", tarred(header("@", 4, b"L") + padded(b"a\0b\0"), member))
    yield Case("a chain of extended headers", "tar", tarred(*[pax({b"comment": b"c"})] * 3000, member))
    yield Case("an extended header of nothing", "tar", tarred(member, pax({b"path": b"a"})))
    for content in (
        b"99 path=a\n",
        b"0 path=a\n",
        b"path=a\n",
        b"10 path=aaaa",
        b"-9 path=a\n",
        b"9 patha\n",
        b"1" * 20_000,
    ):
        block = header("p", len(content), b"x") + padded(content)
        yield Case(f"a damaged extended header {content[:20]!r}", "tar", tarred(block, member))
    yield Case("a huge extended header", "tar", gzip_zeros(header("p", 40 << 20, b"x"), 41))
    yield Case("a huge long path", "tar", gzip_zeros(header("@", 32 << 20, b"L"), 33))


def _numbers() -> Iterator[Case]:
    for size in (
        b"\xff" * 12, b"\x80" + b"\xff" * 11, b"\x80" + bytes(3) + struct.pack(">Q", 1 << 62), b"77777777777\0",
        b"-0000000001\0", b"0000000008 \0", b"99999999999\0", b"0x000000001\0",
    ):  # fmt: skip
        for kind in b"0x":
            lie = header("x", size, bytes([kind]))
            yield Case(f"a size {size!r} of kind {chr(kind)}", "tar", tarred(lie, padded(b"x")))
    broken = bytearray(header("x", 1))
    broken[100] ^= 1
    yield Case("a false checksum", "tar", tarred(bytes(broken), padded(b"x")))
    yield Case("a mode that is no number", "tar", tarred(header("x", 1, mode=b"rw-r--r-"), padded(b"x")))
    yield Case("a prefix that leads out", "tar", tarred(header("canary", 1, prefix=b".."), padded(b"x")))
    yield Case("a prefix that is absolute", "tar", tarred(header("canary", 1, prefix=b"/etc"), padded(b"x")))
