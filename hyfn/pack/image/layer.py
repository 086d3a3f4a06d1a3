"""Layers: gzipped tars in which each file's content is the deflate stream that exists already, copied.

A gzip file may have many members (RFC 1952, §2.2): each content is one, with the CRC-32 and size that are known, and
what stands between two contents is another. Images for lazy pulling (eStargz) are written so too.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from hyfn.errors import BuildError
from hyfn.pack import paths, splice
from hyfn.pack.image import tar
from hyfn.pack.image.tar import Entry, Folder
from hyfn.pack.splice import Member
from hyfn.toolchain import cache

VERSION = "2"
"""Of what this module writes: another number makes every kept layer anew."""
GZIP = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
"""Deflated, no name, no date, no system (RFC 1952, §2.3)."""
CHUNK = 256 * 1024
BLOB, FACTS = "layer.tar.gz", "layer.json"


@dataclass(frozen=True, slots=True)
class Layer:
    """`digest` is of the file at `path`, of `size` bytes; `diff_id` of the tar in it. Both are "sha256:<hex>"."""

    digest: str
    diff_id: str
    size: int
    path: Path


def write(members: Iterable[Member], prefix: str, out: Path) -> Layer:
    """The members, under `prefix` ("app/" or ""), as a layer in the new file `out`. Same members, same bytes.

    Sorted; their folders are listed, 0755; owner and date are 0. BuildError for names that leave the layer or collide,
    and for a stream that is not what its member says.
    """
    placed = [replace(member, name=prefix + member.name) for member in members]
    paths.refuse(member.name for member in placed)
    return write_entries(sorted(placed, key=lambda member: member.name), out)


def write_entries(entries: Iterable[Entry], out: Path) -> Layer:
    """As `write`, but in the given order, and with names as they are: also such as collide where case does not matter.

    A folder stands before what is in it, or is listed by itself. Holds one entry at a time.
    """
    with out.open("wb") as opened:
        writer = _Writer(opened)
        listed: set[str] = set()
        for entry in entries:
            for folder in tar.folders(entry.name, listed):
                writer.add(folder)
            if isinstance(entry, Folder):
                listed.add(entry.name)
            writer.add(entry)
        size = writer.finish()
    return Layer(writer.digest, writer.diff_id, size, out)


def kept(key: str, members: Callable[[], Iterable[Member]], prefix: str) -> Layer:
    """The layer of what `key` stands for, made once and kept in the user's cache. Safe to call at once.

    `members` is called only where it is not there yet; equal keys must mean equal members.
    """
    # Another zlib may deflate to other bytes.
    digest = hashlib.sha256("\0".join((VERSION, zlib.ZLIB_RUNTIME_VERSION, prefix, key)).encode()).hexdigest()

    def make(folder: Path) -> None:
        folder.mkdir()
        layer = write(members(), prefix, folder / BLOB)
        layer.path.chmod(0o444)  # layouts link to it
        facts = {"digest": layer.digest, "diff_id": layer.diff_id, "size": layer.size}
        (folder / FACTS).write_text(json.dumps([facts, layer.path.stat().st_mtime_ns]))

    folder = cache.made_once(cache.home() / "layers" / digest[:2] / digest, make)
    if not _is_sound(folder):
        (folder / cache.MARKER).unlink(missing_ok=True)
        cache.made_once(folder, make)
    return _read(folder)[0]


def _read(folder: Path) -> tuple[Layer, int]:
    facts, time = json.loads((folder / FACTS).read_text())
    return Layer(path=folder / BLOB, **facts), time


def _is_sound(folder: Path) -> bool:
    """Whether the blob is what was written: it has other names in builds, through which it may have been changed."""
    try:
        layer, time = _read(folder)
        stat = layer.path.stat()
        if (stat.st_size, stat.st_mtime_ns) == (layer.size, time):
            return True
        with layer.path.open("rb") as opened:
            return f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}" == layer.digest
    except (OSError, ValueError, TypeError):
        return False


class _Writer:
    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._packed = hashlib.sha256()
        self._plain = hashlib.sha256()
        self._waiting = bytearray()
        self._size = 0

    def add(self, entry: Entry) -> None:
        self._waiting += tar.header(entry)
        if isinstance(entry, Member) and entry.size:
            self._flush()
            self._splice(entry)
            self._waiting += tar.padding(entry.size)

    def finish(self) -> int:
        self._waiting += tar.END
        self._flush()
        return self._size

    @property
    def digest(self) -> str:
        return f"sha256:{self._packed.hexdigest()}"

    @property
    def diff_id(self) -> str:
        return f"sha256:{self._plain.hexdigest()}"

    def _flush(self) -> None:
        content = bytes(self._waiting)
        self._waiting.clear()
        self._plain.update(content)
        self._gzip(splice.deflated(content), zlib.crc32(content), len(content))

    def _splice(self, member: Member) -> None:
        if self._inflate(member) != (member.crc, member.size):
            raise BuildError(f"{member.name} is not what its archive says it is")
        self._gzip(member.stream, member.crc, member.size)

    def _inflate(self, member: Member) -> tuple[int, int]:
        """The CRC-32 and size of what the stream holds, which goes into the tar's digest on the way."""
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        crc = size = 0
        stream = memoryview(member.stream)
        try:
            for start in range(0, len(stream), CHUNK):
                part: bytes | memoryview = stream[start : start + CHUNK]
                while part and size <= member.size:
                    content = inflater.decompress(part, CHUNK)
                    crc, size = zlib.crc32(content, crc), size + len(content)
                    self._plain.update(content)
                    part = inflater.unconsumed_tail
            rest = inflater.flush()
        except zlib.error:
            return 0, -1
        self._plain.update(rest)
        crc, size = zlib.crc32(rest, crc), size + len(rest)
        return (crc, size) if inflater.eof and not inflater.unused_data else (0, -1)

    def _gzip(self, stream: bytes | memoryview, crc: int, size: int) -> None:
        for part in (GZIP, stream, struct.pack("<LL", crc, size & 0xFFFFFFFF)):
            self._out.write(part)
            self._packed.update(part)
            self._size += len(part)
