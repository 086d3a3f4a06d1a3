"""Writing archives: the same files make the same bytes on every machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hyfn.pack import paths, splice
from hyfn.pack.splice import Member


def members(files: Mapping[str, bytes], libraries: Iterable[Member] = ()) -> list[Member]:
    """All that an archive holds, in the order of names. A file stands before a library's of the same name.

    BuildError for paths that leave the archive or that differ in case only.
    """
    placed = {one.name: one for one in libraries}
    placed |= {name: splice.member(name, content) for name, content in files.items()}
    paths.refuse(placed)
    return [placed[name] for name in sorted(placed)]


def write_zip(members: Iterable[Member], out: Path) -> None:
    """Write `members` to `out`, whole or not at all. Same input, same bytes. BuildError for more than a zip holds."""
    with _whole(out) as partial, partial.open("wb") as opened:
        archive = splice.Writer(opened)
        for member in members:
            archive.add(member)
        archive.finish()


@contextlib.contextmanager
def _whole(out: Path) -> Iterator[Path]:
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
