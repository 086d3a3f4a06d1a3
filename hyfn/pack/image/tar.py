"""What stands in a tar before each file's content. The same names make the same bytes: owner 0, date 0."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from hyfn.errors import BuildError
from hyfn.pack.splice import Member

BLOCK = 512
FOLDER_MODE = 0o755
END = bytes(2 * BLOCK)
MAX_SIZE = 8 * 1024**3 - 1
"""Bytes of one file: eleven octal digits in a ustar header."""


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link. `target` may be relative to its folder, or absolute in the image."""

    name: str
    target: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that needs a mode of its own. Others are listed as they are needed, 0755."""

    name: str
    mode: int


Entry = Member | Link | Folder


def header(entry: Entry) -> bytes:
    """ustar where the name fits, else a pax header before it. BuildError for a file of 8 GiB or more."""
    info = tarfile.TarInfo(entry.name)
    if isinstance(entry, Folder):
        info.type, info.mode = tarfile.DIRTYPE, entry.mode
    elif isinstance(entry, Link):
        info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, entry.target
    else:
        info.mode, info.size = entry.mode, entry.size
    if info.size > MAX_SIZE:
        raise BuildError(f"{entry.name} has {info.size} bytes, and a layer holds files of at most {MAX_SIZE}")
    try:
        return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    except ValueError:
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def padding(size: int) -> bytes:
    """The zeros behind a content of so many bytes."""
    return bytes(-size % BLOCK)


def folders(name: str, listed: set[str]) -> Iterator[Folder]:
    """The folders above `name` that are not in `listed` yet, the outermost first. They are added to it."""
    parts = name.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        folder = "/".join(parts[:count])
        if folder not in listed:
            listed.add(folder)
            yield Folder(folder, FOLDER_MODE)
