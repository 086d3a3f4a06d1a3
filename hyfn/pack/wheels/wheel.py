"""What is in one wheel: its metadata, the modules that it provides, and where its members' deflated streams lie."""

from __future__ import annotations

import email.parser
import functools
import json
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hyfn.errors import BuildError
from hyfn.pack import extract, paths, sbom, splice
from hyfn.pack.wheels import strips
from hyfn.pack.wheels.strips import Piece, Strip
from hyfn.toolchain import cache

VERSION = "1"
"""Of the form in which contents are kept."""
MODULE_ENDINGS = (".py", ".so")
UNWANTED = re.compile(r"(^|/)__pycache__/|\.dist-info/(RECORD\.jws|RECORD\.p7s)$")
SPREAD = re.compile(r"^[^/]+\.data/(purelib|platlib)/(.+)$")
ELSEWHERE = re.compile(r"^[^/]+\.data/")
"""Scripts, headers and files of an interpreter's own folders: no platform has a place for them."""
LOCAL_NAMES = struct.Struct("<2H")
LOCAL_SIZE = 30
"""A local header's fixed part, which ends with the lengths of the name and of the extra field (APPNOTE 4.3.7)."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A wheel's metadata and its files by strips. `name` is normalised, `license` as sbom.license_of has it."""

    name: str
    version: str
    license: str
    requires: Sequence[str]
    strips: Sequence[Strip]

    @property
    def needs(self) -> Sequence[Requirement]:
        """What it requires. Old releases carry requirements that no longer parse; uv leaves them out too."""
        return _needs(tuple(self.requires))

    @property
    def paths(self) -> Iterator[str]:
        return (piece.path for strip in self.strips for piece in strip.pieces)

    @property
    def modules(self) -> Iterator[tuple[str, bool]]:
        """The dotted name of each module in it, and whether that is a package with a file of its own."""
        for path in self.paths:
            if path.endswith(MODULE_ENDINGS):
                yield from _module(PurePosixPath(path))


def read(wheel: Path, sha256: str) -> Contents:
    """The contents of the wheel file, whose digest names what is kept of it in the user's cache.

    BuildError for a wheel that cannot be trusted or read. Safe to call at once.
    """
    index = cache.home() / "segments" / sha256[:2] / f"{sha256}.{VERSION}.json"
    kept = index.with_suffix(".kept")
    try:
        return _parse(index.read_bytes(), wheel, kept)
    except (OSError, ValueError, TypeError, LookupError):
        cache.put(index, _index(wheel, kept))
    return _parse(index.read_bytes(), wheel, kept)


def _parse(index: bytes, wheel: Path, kept: Path) -> Contents:
    found = json.loads(index)
    strips = [Strip(wheel, [Piece(*row) for row in found["spliced"]])]
    if found["kept"]:
        strips.append(Strip(kept, [Piece(*row) for row in found["kept"]]))
        kept.stat()
    return Contents(found["name"], found["version"], found["license"], found["requires"], strips)


def _index(wheel: Path, kept: Path) -> bytes:
    with extract.opened_zip(wheel) as archive:
        members = {path: one for one in extract.safe_members(archive, wheel) if (path := _placed(one.filename))}
        paths.refuse(members)
        deflated = {path: one for path, one in members.items() if one.compress_type == zipfile.ZIP_DEFLATED}
        others = {path: archive.read(one) for path, one in members.items() if path not in deflated}
        described = _metadata(archive, members, wheel)
    strip, content = strips.kept({path: (_mode(members[path]), others[path]) for path in others})
    if others:
        cache.put(kept, content)
    spliced = [_piece(path, deflated[path], start) for path, start in _starts(wheel, deflated)]
    return json.dumps({**described, "spliced": spliced, "kept": strip}).encode()


def _piece(path: str, member: zipfile.ZipInfo, start: int) -> Piece:
    return Piece(path, _mode(member), member.CRC, member.file_size, member.compress_size, start)


def _mode(member: zipfile.ZipInfo) -> int:
    return splice.EXECUTABLE if member.external_attr >> 16 & 0o100 else splice.PLAIN


def _starts(wheel: Path, members: Mapping[str, zipfile.ZipInfo]) -> Iterator[tuple[str, int]]:
    """Where each member's stream begins."""
    with wheel.open("rb") as raw:
        for path in sorted(members):
            offset = members[path].header_offset + LOCAL_SIZE
            raw.seek(offset - LOCAL_NAMES.size)
            yield path, offset + sum(LOCAL_NAMES.unpack(raw.read(LOCAL_NAMES.size)))


def _placed(name: str) -> str:
    """Where a member stands under the import root; "" for one that has no place there."""
    spread = SPREAD.match(name)
    if spread:
        return spread[2]
    return "" if UNWANTED.search(name) or ELSEWHERE.match(name) else name


def _metadata(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], wheel: Path) -> dict[str, object]:
    named = [one for path, one in members.items() if re.fullmatch(r"[^/]+\.dist-info/METADATA", path)]
    if not named:
        raise BuildError(f"{wheel.name} is no wheel: it has no METADATA")
    headers = email.parser.HeaderParser().parsestr(archive.read(named[0]).decode("utf-8", "replace"))
    return {
        "name": canonicalize_name(str(headers["Name"])),
        "version": str(headers["Version"]),
        "license": sbom.license_of(headers),
        "requires": [str(one) for one in headers.get_all("Requires-Dist", [])],
    }


@functools.lru_cache(maxsize=1024)
def _needs(texts: tuple[str, ...]) -> Sequence[Requirement]:
    return [need for text in texts for need in _requirement(text)]


def _requirement(text: str) -> list[Requirement]:
    try:
        return [Requirement(text)]
    except InvalidRequirement:
        return []


def _module(path: PurePosixPath) -> Iterator[tuple[str, bool]]:
    stem = path.name.split(".", 1)[0]
    parts = (*path.parts[:-1], stem)
    if all(part.isidentifier() for part in parts):
        is_package = stem == "__init__" and len(parts) > 1
        yield ".".join(parts[:-1] if is_package else parts), is_package
