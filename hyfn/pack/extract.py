"""Reading archives: no foreign archive writes outside its folder."""

from __future__ import annotations

import contextlib
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from hyfn.errors import BuildError
from hyfn.pack import paths

PLAIN, EXECUTABLE = 0o644, 0o755

MAX_FILES = 100_000
MAX_BYTES = 4 * 1024**3
CHUNK = 1024 * 1024


def extract_zip(path: Path, into: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
    """Lay a zip out in `into`. BuildError, before anything is written, for one that is not to be trusted:

    paths that leave the folder or collide, links, encryption, more files or bytes than the limits allow.
    """
    with readable(path), zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        for member in members:
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG) or member.flag_bits & 1:
                raise BuildError(f"{path.name} holds {member.filename!r}, which is no plain file")
        _refuse_excess(path, len(archive.infolist()), sum(member.file_size for member in members), max_files, max_bytes)
        paths.refuse([member.filename for member in members])
        for member in members:
            with archive.open(member) as source:
                _write(source, into / member.filename, member.external_attr >> 16, member.file_size)


def extract_tar(path: Path, into: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
    """Lay a tar, compressed or not, out in `into`. As careful as `extract_zip`."""
    with readable(path), tarfile.open(path) as archive:
        members = list(_listed(archive, path, max_files, max_bytes))
        paths.refuse([member.name for member in members if member.isreg()])
        for member in members:
            source = archive.extractfile(member) if member.isreg() else None
            if source is not None:
                with source:
                    _write(source, into / member.name, member.mode, member.size)


def _listed(archive: tarfile.TarFile, path: Path, max_files: int, max_bytes: int) -> Iterator[tarfile.TarInfo]:
    # Checked while reading: the headers of a compressed bomb are only found by inflating it.
    size = 0
    for count, member in enumerate(archive, 1):
        if not (member.isreg() or member.isdir()):
            raise BuildError(f"{path.name} holds {member.name!r}, which is no plain file")
        size += member.size
        _refuse_excess(path, count, size, max_files, max_bytes)
        yield member


def _refuse_excess(path: Path, count: int, size: int, max_files: int, max_bytes: int) -> None:
    if count > max_files:
        raise BuildError(f"{path.name} holds more than {max_files} files")
    if size > max_bytes:
        raise BuildError(f"{path.name} holds more than {max_bytes} bytes")


def _write(source: IO[bytes], path: Path, mode: int, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, EXECUTABLE if mode & 0o100 else PLAIN
    )
    with open(descriptor, "wb") as target:  # noqa: PTH123
        written = 0
        while chunk := source.read(CHUNK):
            written += len(chunk)
            if written > size:
                raise BuildError(f"{path.name!r} is larger than its archive says")
            target.write(chunk)


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Inside, what a damaged archive raises becomes a BuildError."""
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise BuildError(f"{path.name} is no readable archive: {error}") from error
