"""Zips put together from members that are deflated already: what is third-party is deflated once, not in every build.

The layout is PKWARE's APPNOTE 6.3.10, §4.3, without the 64-bit forms: no platform takes archives of that size.
"""

from __future__ import annotations

import functools
import hashlib
import stat
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

from hyfn.errors import BuildError
from hyfn.toolchain import cache

LEVEL = 6
FLAVOUR = f"{zlib.ZLIB_RUNTIME_VERSION}-{LEVEL}"
"""What streams depend on beside their content: another zlib may deflate to other bytes."""
WORTH_KEEPING = 128 * 1024
"""Bytes from which a deflated file is kept in the user's cache. Smaller ones are remembered while the build runs."""
CRC = 4
"""Bytes of the CRC-32 before each kept stream: what is spliced is not inflated on the way."""
PLAIN, EXECUTABLE = 0o644, 0o755
EXECUTABLE_STARTS = (b"#!", b"\x7fELF")

MAX_MEMBERS = 0xFFFF
MAX_SIZE = 0xFFFFFFFF

VERSION = 20
UNIX = 3 << 8
DEFLATED = 8
UTF8 = 0x800
# 1980-01-01, 00:00: the first moment that a zip can name.
TIME, DATE = 0, 0x21

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")


@dataclass(frozen=True, slots=True)
class Member:
    """One file as it stands in an archive: `size` bytes with the CRC-32 `crc`; `stream` is its raw deflate stream."""

    name: str
    mode: int
    crc: int
    size: int
    stream: bytes | memoryview


def member(name: str, content: bytes) -> Member:
    """`content` deflated. Programs and shared objects are 0755, all else is 0644."""
    mode = EXECUTABLE if content.startswith(EXECUTABLE_STARTS) else PLAIN
    return Member(name, mode, zlib.crc32(content), len(content), deflate(content))


def deflate(content: bytes) -> bytes:
    """A raw deflate stream of `content`, made once. The same zlib makes the same bytes."""
    return _remembered(content) if len(content) < WORTH_KEEPING else _kept(content)


@functools.lru_cache(maxsize=4096)
def _remembered(content: bytes) -> bytes:
    return deflated(content)


def _kept(content: bytes) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    path = cache.home() / "deflated" / f"2-{FLAVOUR}" / digest[:2] / digest
    try:
        found = path.read_bytes()
        if found[:CRC] == zlib.crc32(found[CRC:]).to_bytes(CRC, "big"):
            return found[CRC:]
    except FileNotFoundError:
        pass
    stream = deflated(content)
    cache.put(path, zlib.crc32(stream).to_bytes(CRC, "big") + stream)
    return stream


def deflated(content: bytes) -> bytes:
    """A raw deflate stream of `content`, made now."""
    deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflater.compress(content) + deflater.flush()


def packed(members: Iterable[Member]) -> int:
    """The size in bytes of a zip of `members`."""
    return END.size + sum(len(each.stream) + overhead(len(each.name.encode())) for each in members)


def overhead(name: int) -> int:
    """Bytes that a member takes in a zip beside its stream, of a name of so many bytes."""
    return LOCAL.size + CENTRAL.size + 2 * name


class Writer:
    """Writes members one after the other to a seekable file. `finish` writes the directory."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._directory: list[bytes] = []

    def add(self, one: Member) -> None:
        offset = self._out.tell()
        name = one.name.encode()
        common = (UTF8, DEFLATED, TIME, DATE, one.crc, len(one.stream), one.size, len(name), 0)
        if max(offset, one.size) >= MAX_SIZE - len(one.stream) or len(self._directory) == MAX_MEMBERS:
            raise BuildError("the artifact holds more than a zip can: 4 GiB or 65535 files")
        self._out.write(LOCAL.pack(b"PK\3\4", VERSION, *common) + name)
        self._out.write(one.stream)
        attributes = (stat.S_IFREG | one.mode) << 16
        entry = CENTRAL.pack(b"PK\1\2", UNIX | VERSION, VERSION, *common, 0, 0, 0, attributes, offset)
        self._directory.append(entry + name)

    def finish(self) -> None:
        start, count = self._out.tell(), len(self._directory)
        directory = b"".join(self._directory)
        self._out.write(directory + END.pack(b"PK\5\6", 0, 0, count, count, len(directory), start, 0))
