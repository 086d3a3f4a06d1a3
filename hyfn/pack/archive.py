"""Archives: the same files make the same bytes on every machine, and no foreign archive writes outside its folder."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from hyfn.errors import BuildError
from hyfn.pack import splice

Content = bytes | Path

PLAIN, EXECUTABLE = 0o644, 0o755
EXECUTABLE_STARTS = (b"#!", b"\x7fELF")

MAX_FILES = 100_000
MAX_BYTES = 4 * 1024**3
CHUNK = 1024 * 1024


def write_zip(files: Mapping[str, Content], out: Path) -> None:
    """Write `files`, by their path in the archive, to `out`, whole or not at all. Same input, same bytes.

    The order, the times and the modes of the files on disk do not matter: programs and shared objects are 0755, all
    else is 0644. Files on disk are deflated once and kept in the user's cache. BuildError for paths that leave the
    archive or that differ in case only.
    """
    _refuse_names(files)
    with _whole(out) as partial, partial.open("wb") as opened:
        archive = splice.Writer(opened)
        for name in sorted(files):
            content = _bytes(files[name])
            archive.add(splice.member(name, content, _mode(content), keep=isinstance(files[name], Path)))
        archive.finish()


def write_tar(files: Mapping[str, Content], out: Path, prefix: str = "app/") -> None:
    """Write `files` under `prefix` to the uncompressed tar `out`: an image layer. As careful as `write_zip`.

    Everything belongs to user 0 and has time 0; the folders are listed.
    """
    _refuse_names(files)
    placed = {f"{prefix}{name}": content for name, content in files.items()}
    with _whole(out) as partial, tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as archive:
        for folder in sorted({parent for name in placed for parent in _folders(name)}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, EXECUTABLE
            archive.addfile(entry)
        for name in sorted(placed):
            content = _bytes(placed[name])
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), _mode(content)
            archive.addfile(entry, io.BytesIO(content))


def extract_zip(path: Path, into: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
    """Lay a zip out in `into`. BuildError, before anything is written, for one that is not to be trusted:

    paths that leave the folder or collide, links, encryption, more files or bytes than the limits allow.
    """
    with _readable(path), zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        for member in members:
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG) or member.flag_bits & 1:
                raise BuildError(f"{path.name} holds {member.filename!r}, which is no plain file")
        _refuse_excess(path, len(archive.infolist()), sum(member.file_size for member in members), max_files, max_bytes)
        _refuse_names([member.filename for member in members])
        for member in members:
            with archive.open(member) as source:
                _write(source, into / member.filename, member.external_attr >> 16, member.file_size)


def extract_tar(path: Path, into: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
    """Lay a tar, compressed or not, out in `into`. As careful as `extract_zip`."""
    with _readable(path), tarfile.open(path) as archive:
        members = list(_listed(archive, path, max_files, max_bytes))
        _refuse_names([member.name for member in members if member.isreg()])
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


def _refuse_names(names: Iterable[str]) -> None:
    """BuildError unless every name is a plain relative path of its own, on any file system."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        if not _is_plain(name):
            raise BuildError(f"{name!r} is no path inside an archive")
        same = seen.setdefault(_folded(name), name)
        if same is not name:
            raise BuildError(f"{name!r} and {same!r} are the same file where case does not matter")
        for folder in _folders(name):
            before = folders.setdefault(_folded(folder), folder)
            if before != folder:
                raise BuildError(f"{folder!r} and {before!r} are the same folder where case does not matter")
    for folded in seen.keys() & folders.keys():
        raise BuildError(f"{seen[folded]!r} is a file and a folder")


def _is_plain(name: str) -> bool:
    parts = name.split("/")
    return not ({"", ".", ".."} & {*parts}) and name.isprintable() and "\\" not in name and ":" not in parts[0]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _folders(name: str) -> Iterable[str]:
    return (str(parent) for parent in PurePosixPath(name).parents if str(parent) != ".")


def _mode(content: bytes) -> int:
    return EXECUTABLE if content.startswith(EXECUTABLE_STARTS) else PLAIN


def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


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
def _whole(out: Path) -> Iterator[Path]:
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise BuildError(f"{path.name} is no readable archive: {error}") from error
