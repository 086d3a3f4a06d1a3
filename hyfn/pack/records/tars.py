"""The records of a tar, read strictly: plain files and folders, and nothing that tools understand differently.

POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header", and GNU's long names. The standard library's
reader is not for archives of strangers: CVE-2024-6232 and CVE-2025-8194 make it search for hours or loop in Pythons
that hyfn runs on, and it takes a damaged header for the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from hyfn.pack.records import Untrusted

BLOCK = 512
PIECE = 256 * 1024
MAX_HEADER = 64 * 1024
"""Bytes of one extended header. A path of 4 KiB fits many times."""
MAX_EXTENDED = 8
"""Extended headers before one member. Usual are one, or two of GNU's."""
MAX_PADDING = 1024 * 1024
"""Zero bytes behind the end. Tapes are filled to 10 KiB, some tools fill to 512 KiB."""

FILE, FOLDER, LONG_NAME, EXTENDED, GLOBAL = b"0", b"5", b"L", b"x", b"g"
SPARSE = "GNU.sparse."


@dataclass(frozen=True, slots=True)
class Record:
    """One file or folder. `start` is where its content begins in the unpacked stream."""

    name: str
    mode: int
    size: int
    start: int
    is_folder: bool


def read(raw: IO[bytes], check: Callable[[int, int], None]) -> list[Record]:
    """The members of the unpacked stream. Untrusted for any other than a strict tar.

    `check` is called with the numbers of members and of bytes so far, before these bytes are read: it may raise.
    """
    reader = _Reader(raw, check)
    members = list(reader.members())
    reader.check_end()
    return members


def content(raw: IO[bytes], record: Record) -> Iterator[bytes]:
    """The member's content in pieces."""
    raw.seek(record.start)
    left = record.size
    while left:
        piece = raw.read(min(left, PIECE))
        if not piece:
            raise Untrusted("it is cut off")
        left -= len(piece)
        yield piece


class _Reader:
    def __init__(self, raw: IO[bytes], check: Callable[[int, int], None]) -> None:
        self._raw = raw
        self._check = check
        self._at = self._members = 0

    def members(self) -> Iterator[Record]:
        said: dict[str, str] = {}
        extended = 0
        while (header := self._take(BLOCK)) != bytes(BLOCK):
            _check_sum(header)
            kind, size = header[156:157], _number(header[124:136])
            if kind in (LONG_NAME, EXTENDED, GLOBAL):
                said |= self._extension(kind, size, said)
                extended += 1
            else:
                self._members += 1
                yield self._member(header, said.get("path", _name(header)), int(said.get("size", size)))
                said, extended = {}, 0
            if extended > MAX_EXTENDED:
                raise Untrusted(f"it holds more than {MAX_EXTENDED} extended headers for one member")
        if said:
            raise Untrusted("it ends behind an extended header")

    def _member(self, header: bytes, name: str, size: int) -> Record:
        kind = header[156:157]
        is_folder = kind == FOLDER or (kind == b"\0" and name.endswith("/"))
        if kind not in (FILE, b"\0", FOLDER) or (is_folder and size):
            raise Untrusted(f"{name!r} is no plain file")
        record = Record(
            name.removesuffix("/") if is_folder else name, _number(header[100:108]), size, self._at, is_folder
        )
        self._skip(size)
        return record

    def _extension(self, kind: bytes, size: int, said: dict[str, str]) -> dict[str, str]:
        if size > MAX_HEADER:
            raise Untrusted(f"it holds a header of {size} bytes")
        content = self._take(size + -size % BLOCK)[:size]
        if kind == LONG_NAME:
            found = {"path": content.rstrip(b"\0").decode()}
        else:
            found = {key: value for key, value in _pax(content) if key in ("path", "size") or key.startswith(SPARSE)}
        if found.keys() & said.keys() or (kind == GLOBAL and found) or any(key.startswith(SPARSE) for key in found):
            raise Untrusted("an extended header says what tools understand differently")
        if not re.fullmatch(r"[0-9]{1,19}", found.get("size", "0")):
            raise Untrusted("an extended header has a size that is no number")
        return found

    def check_end(self) -> None:
        """After the end there is nothing but padding; reading it checks a compressed stream to its end."""
        padding = self._raw.read(MAX_PADDING + 1)
        if padding.strip(b"\0"):
            raise Untrusted("something stands behind its end")
        if len(padding) > MAX_PADDING:
            raise Untrusted(f"more than {MAX_PADDING} bytes of padding stand behind its end")

    def _take(self, size: int) -> bytes:
        self._at += size
        self._check(self._members, self._at)
        content = self._raw.read(size)
        if len(content) != size:
            raise Untrusted("it is cut off")
        return content

    def _skip(self, size: int) -> None:
        self._at += size + -size % BLOCK
        self._check(self._members, self._at)
        self._raw.seek(self._at)


def _check_sum(header: bytes) -> None:
    if sum(header) - sum(header[148:156]) + 8 * 0x20 != _number(header[148:156]):
        raise Untrusted("a header of it is damaged")


def _number(field: bytes) -> int:
    """Octal digits, or where these do not suffice a binary number behind the byte 0x80 (GNU)."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip(b" ")
    if digits.strip(b"01234567"):
        raise Untrusted("a header of it holds a number that is none")
    return int(digits or b"0", 8)


def _name(header: bytes) -> str:
    name = header[:100].partition(b"\0")[0].decode()
    prefix = header[345:500].partition(b"\0")[0] if header[257:265] == b"ustar\x0000" else b""
    return f"{prefix.decode()}/{name}" if prefix else name


def _pax(content: bytes) -> Iterator[tuple[str, str]]:
    """Lines of "length key=value", where the length counts the whole line."""
    at = 0
    while at < len(content):
        length = content[at : at + 8].partition(b" ")[0]
        end = at + int(length) if length.isdigit() else at
        line = content[at + len(length) + 1 : end]
        key, equals, value = line.partition(b"=")
        if end > len(content) or not equals or not line.endswith(b"\n"):
            raise Untrusted("an extended header is damaged")
        yield key.decode(), value[:-1].decode("utf-8", "surrogateescape")
        at = end
