"""What is in one wheel: its metadata, the modules that it provides, and where its members' deflated streams lie."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement

from hyfn.pack import splice
from hyfn.pack.wheels.strips import Piece, Strip
from hyfn.toolchain import cache

VERSION = f"2-{splice.FLAVOUR}"
"""Of the form in which contents are kept."""
MODULE_ENDINGS = (".py", ".so")


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
        from hyfn.pack.wheels import indexing  # once for each wheel

        cache.put(index, indexing.index(wheel, sha256, kept))
    return _parse(index.read_bytes(), wheel, kept)


def _parse(index: bytes, wheel: Path, kept: Path) -> Contents:
    found = json.loads(index)
    strips = [Strip(wheel, [Piece(*row) for row in found["spliced"]], found["crc"])]
    if found["kept"]:
        strips.append(Strip(kept, [Piece(*row) for row in found["kept"]], found["kept-crc"]))
        kept.stat()
    return Contents(found["name"], found["version"], found["license"], found["requires"], strips)


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
