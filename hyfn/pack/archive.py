"""Writing archives: the same files make the same bytes on every machine."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from hyfn.pack import paths, splice

Content = bytes | Path

PLAIN, EXECUTABLE = 0o644, 0o755
EXECUTABLE_STARTS = (b"#!", b"\x7fELF")


def write_zip(files: Mapping[str, Content], out: Path) -> None:
    """Write `files`, by their path in the archive, to `out`, whole or not at all. Same input, same bytes.

    The order, the times and the modes of the files on disk do not matter: programs and shared objects are 0755, all
    else is 0644. Files on disk are deflated once and kept in the user's cache. BuildError for paths that leave the
    archive or that differ in case only.
    """
    paths.refuse(files)
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
    paths.refuse(files)
    placed = {f"{prefix}{name}": content for name, content in files.items()}
    with _whole(out) as partial, tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as archive:
        for folder in sorted({parent for name in placed for parent in paths.folders_above(name)}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, EXECUTABLE
            archive.addfile(entry)
        for name in sorted(placed):
            content = _bytes(placed[name])
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), _mode(content)
            archive.addfile(entry, io.BytesIO(content))


def _mode(content: bytes) -> int:
    return EXECUTABLE if content.startswith(EXECUTABLE_STARTS) else PLAIN


def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


@contextlib.contextmanager
def _whole(out: Path) -> Iterator[Path]:
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
