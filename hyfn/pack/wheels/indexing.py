"""The first look into a wheel: where its members' streams lie, and what its metadata says."""

from __future__ import annotations

import email.parser
import hashlib
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name

from hyfn.errors import BuildError
from hyfn.pack import extract, paths, sbom, splice
from hyfn.pack.wheels import strips
from hyfn.pack.wheels.strips import Piece
from hyfn.toolchain import cache

UNWANTED = re.compile(r"(^|/)__pycache__/|\.dist-info/(RECORD\.jws|RECORD\.p7s)$")
SPREAD = re.compile(r"^[^/]+\.data/(purelib|platlib)/(.+)$")
ELSEWHERE = re.compile(r"^[^/]+\.data/")
"""Scripts, headers and files of an interpreter's own folders: no platform has a place for them."""
LOCAL_NAMES = struct.Struct("<2H")
LOCAL_SIZE = 30
"""A local header's fixed part, which ends with the lengths of the name and of the extra field (APPNOTE 4.3.7)."""


def index(wheel: Path, sha256: str, kept: Path) -> bytes:
    """What wheel.read keeps of the wheel file, as JSON. Writes what is not deflated in it to `kept`.

    BuildError for a wheel that cannot be trusted or read, or that is not the one of that digest.
    """
    whole = strips.view(wheel)
    if hashlib.sha256(whole).hexdigest() != sha256:
        raise strips.damaged(wheel, wheel.name)
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
    crcs = {"crc": zlib.crc32(whole), "kept-crc": zlib.crc32(content)}
    return json.dumps({**described, "spliced": spliced, "kept": strip, **crcs}).encode()


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
