"""Deflated streams in one file of the user's cache, and where in it each lies."""

from __future__ import annotations

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
    """`file` holds the streams of `pieces`, which are in the order of their paths."""

    file: Path
    pieces: Sequence[Piece]


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
    """Their files as they stand in an archive under `prefix`. Nothing is read until it is written."""
    for strip in strips:
        if strip.pieces:
            view = _view(strip.file)
            for path, mode, crc, size, packed, offset in strip.pieces:
                yield Member(f"{prefix}{path}", mode, crc, size, view[offset : offset + packed])


def contents(strip: Strip, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """The inflated files whose paths are wanted. BuildError where one is damaged."""
    view = _view(strip.file) if strip.pieces else memoryview(b"")
    for path, _, crc, size, packed, offset in strip.pieces:
        if is_wanted(path):
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            found = inflater.decompress(view[offset : offset + packed], size + 1)
            if len(found) != size or zlib.crc32(found) != crc:
                raise BuildError(f"{path} in {strip.file.name} is damaged", hint="hyfn cache prune --all")
            yield path, found


def lay_out(strip: Strip, into: Path) -> None:
    """Write its files into the folder. Their paths are those of a wheel that was read, and so are safe."""
    for path, content in contents(strip, lambda _: True):
        place = into / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def _view(file: Path) -> memoryview:
    with file.open("rb") as opened:
        if not opened.seek(0, os.SEEK_END):
            return memoryview(b"")  # of a wheel without modules nothing is compiled, and nothing cannot be mapped
        return memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
