"""Reading archives: no foreign archive writes outside its folder, and one that is not to be trusted writes nothing."""

from __future__ import annotations

import contextlib
import functools
import gzip
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from hyfn.errors import BuildError
from hyfn.pack import paths
from hyfn.pack.laying import Laying
from hyfn.pack.records import Untrusted, tars, zips
from hyfn.pack.records.zips import Record

MAX_FILES = 100_000
MAX_BYTES = 4 * 1024**3
MAX_RATIO = 200
"""How many times larger than its archive content may be, beyond FREE_BYTES. Deflate reaches 1032, wheels 30."""
FREE_BYTES = 64 * 1024**2
FOLDER_BIT = 0x10
"""The DOS attribute of a folder, in a zip's external attributes."""
GZIP = b"\x1f\x8b"


def extract_zip(path: Path, into: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
    """Lay a zip out in `into`, all of it or nothing. BuildError for one that is not to be trusted.

    That is what `safe_members` refuses, content that has not the size and checksum that the archive says, and any link
    or file that is in its way.
    """
    with opened_zip(path, max_files) as archive, path.open("rb") as raw:
        members = safe_members(archive, path, max_files=max_files, max_bytes=max_bytes)
        with Laying(into) as laying:
            for member in members:
                laying.write(member.filename, member.external_attr >> 16, zips.content(raw, _record(member)))


def extract_tar(path: Path, into: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
    """Lay a tar, gzipped or not, out in `into`. As careful as `extract_zip`."""
    with readable(path), _unpacked(path) as raw:
        check = functools.partial(_refuse_excess, path.stat().st_size, max_files=max_files, max_bytes=max_bytes)
        members = tars.read(raw, check)
        _refuse_paths((member.name, member.is_folder) for member in members)
        with Laying(into) as laying:
            for member in members:
                if not member.is_folder:
                    laying.write(member.name, member.mode, tars.content(raw, member))


@contextlib.contextmanager
def opened_zip(path: Path, max_files: int = MAX_FILES) -> Iterator[zipfile.ZipFile]:
    """The zip, after a strict look at its records. BuildError also for what is found out while it is read."""
    with readable(path):
        with path.open("rb") as raw:
            zips.read(raw, max_files)
        with zipfile.ZipFile(path) as archive:
            yield archive


def safe_members(
    archive: zipfile.ZipFile, path: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES
) -> list[zipfile.ZipInfo]:
    """The files of the zip at `path`, which `archive` reads, in the order of its directory; folders are left out.

    BuildError for a zip that is not to be trusted: records that contradict each other, overlap or leave gaps, bytes
    before or behind, paths that leave the folder or collide, links and devices, encryption, methods other than stored
    and deflated, more files or bytes than the limits allow, or sizes that only a bomb has. Inflates nothing: that the
    streams hold what their sizes and checksums say is seen by whoever reads them.
    """
    with readable(path), path.open("rb") as raw:
        records = zips.read(raw, max_files)
        members = archive.infolist()
        if [_record(member) for member in members] != records:
            raise Untrusted("it can be read in two ways")
        _refuse_excess(path.stat().st_size, len(members), sum(one.file_size for one in members), max_files, max_bytes)
        for member in members:
            _refuse_member(member)
        _refuse_paths((member.filename.removesuffix("/"), member.is_dir()) for member in members)
    return [member for member in members if not member.is_dir()]


def _record(member: zipfile.ZipInfo) -> Record:
    """A member as zipfile understood it. A name that it cut short at a NUL is not the one that the record has."""
    name = member.filename.encode("utf-8" if member.flag_bits & zips.UTF8 else "cp437")
    sizes = (member.CRC, member.compress_size, member.file_size)
    return Record(name, member.flag_bits, member.compress_type, *sizes, member.header_offset)


def _refuse_member(member: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    is_folder = member.is_dir()
    if kind not in (0, stat.S_IFDIR if is_folder else stat.S_IFREG) or (is_folder and member.file_size):
        raise Untrusted(f"{member.filename!r} is no plain file")
    if member.external_attr & FOLDER_BIT and not is_folder:
        raise Untrusted(f"{member.filename!r} is a file and a folder")
    if member.flag_bits & (zips.ENCRYPTED | zips.PATCHED):
        raise Untrusted(f"{member.filename!r} is encrypted")
    if member.compress_type not in zips.METHODS:
        raise Untrusted(f"{member.filename!r} is compressed by a method other than deflate")
    if member.compress_type == zipfile.ZIP_STORED and member.compress_size != member.file_size:
        raise Untrusted(f"{member.filename!r} has two sizes")
    if member.file_size > max(FREE_BYTES, MAX_RATIO * member.compress_size):
        raise Untrusted(f"{member.filename!r} is {member.file_size} bytes in {member.compress_size}")


def _refuse_paths(members: Iterator[tuple[str, bool]]) -> None:
    names: dict[bool, list[str]] = {True: [], False: []}
    for name, is_folder in members:
        names[is_folder].append(name)
    try:
        paths.refuse(names[False], names[True])
    except BuildError as error:
        raise Untrusted(error.message) from error


def _refuse_excess(packed: int, count: int, size: int, max_files: int, max_bytes: int) -> None:
    if count > max_files:
        raise Untrusted(f"it holds more than {max_files} files")
    if size > max_bytes:
        raise Untrusted(f"it holds more than {max_bytes} bytes")
    if size > max(FREE_BYTES, MAX_RATIO * packed):
        raise Untrusted(f"it holds {size} bytes in {packed}")


@contextlib.contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        start = raw.read(len(GZIP))
        raw.seek(0)
        if start != GZIP:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as unpacked:
            yield cast(IO[bytes], unpacked)


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Whatever is found wrong with the archive at `path` within is one BuildError that names it."""
    try:
        yield
    except (zipfile.BadZipFile, struct.error, zlib.error, EOFError, LookupError, RuntimeError, ValueError) as error:
        raise BuildError(f"{path.name} is no readable archive: {error}") from error
    except OSError as error:
        raise BuildError(f"{path.name} is no readable archive: {error.strerror or error}") from error
