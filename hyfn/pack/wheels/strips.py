"""Deflated streams in one file of the user's cache, and where in it each lies."""

from __future__ import annotations

import functools
import mmap
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hyfn.errors import BuildError
from hyfn.pack import splice
from hyfn.pack.splice import Member
from hyfn.toolchain import cache


class Piece(NamedTuple):
    """One file: `packed` bytes of raw deflate stream at `offset`, which inflate to `size` bytes with CRC-32 `crc`.

    `path` is the one under the import root.
    """

    path: str
    mode: int
    crc: int
    size: int
    packed: int
    offset: int


@dataclass(frozen=True, slots=True)
class Strip:
    """`file`, whose CRC-32 is `crc`, holds the streams of `pieces`, which are in the order of their paths."""

    file: Path
    pieces: Sequence[Piece]
    crc: int


def kept(files: Mapping[str, tuple[int, bytes]]) -> tuple[list[Piece], bytes]:
    """The pieces of `files` (path → mode, content) and what a strip's file holds of them."""
    pieces: list[Piece] = []
    streams = bytearray()
    for path in sorted(files):
        mode, content = files[path]
        stream = splice.deflated(content)
        pieces.append(Piece(path, mode, zlib.crc32(content), len(content), len(stream), len(streams)))
        streams += stream
    return pieces, bytes(streams)


def members(strips: Iterable[Strip], prefix: str = "") -> Iterator[Member]:
    """Their files as they stand in an archive under `prefix`. BuildError where a strip is damaged: it goes then."""
    for strip in strips:
        if strip.pieces:
            _refuse_damaged(strip)
            held = view(strip.file)
            for path, mode, crc, size, packed, offset in strip.pieces:
                yield Member(f"{prefix}{path}", mode, crc, size, held[offset : offset + packed])


def contents(strip: Strip, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """The inflated files whose paths are wanted. BuildError where one is damaged."""
    held = view(strip.file) if strip.pieces else memoryview(b"")
    for path, _, crc, size, packed, offset in strip.pieces:
        if is_wanted(path):
            found = _inflated(held[offset : offset + packed], size)
            if len(found) != size or zlib.crc32(found) != crc:
                raise damaged(strip.file, f"{path} in {strip.file.name}")
            yield path, found


def _inflated(stream: memoryview, size: int) -> bytes:
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(stream, size + 1)
    except zlib.error:
        return b""


def damaged(file: Path, what: str) -> BuildError:
    """What to raise of a file of the cache that is not what it was. It goes, so that the next build has another."""
    if file.is_relative_to(cache.home()):
        file.unlink(missing_ok=True)
    return BuildError(f"{what} was damaged in the cache", hint="build again: it is had or made anew")


def _refuse_damaged(strip: Strip) -> None:
    """What is spliced is not inflated on the way, so that nothing else would tell: 4 GB in a second."""
    stat = strip.file.stat()
    if _crc(strip.file, stat.st_size, stat.st_mtime_ns, stat.st_ino) != strip.crc:
        raise damaged(strip.file, strip.file.name)


@functools.lru_cache(maxsize=1024)
def _crc(file: Path, *_: int) -> int:
    return zlib.crc32(view(file))


def lay_out(strip: Strip, into: Path) -> None:
    """Write its files into the folder. Their paths are those of a wheel that was read, and so are safe."""
    for path, content in contents(strip, lambda _: True):
        place = into / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def view(file: Path) -> memoryview:
    """The file's bytes, none of which is read before it is looked at."""
    with file.open("rb") as opened:
        if not opened.seek(0, os.SEEK_END):
            return memoryview(b"")  # of a wheel without modules nothing is compiled, and nothing cannot be mapped
        return memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
