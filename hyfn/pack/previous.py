"""What an earlier build left in its folder: an artifact that would come out the same is taken over, not made again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hyfn.pack import delivery, fresh
from hyfn.pack.fresh import Asked

VERSION = 2


@dataclass(frozen=True, slots=True)
class Kept:
    """One artifact of an earlier build. `key` says what it was made of; `stamps` are those of its files."""

    key: str
    digest: str
    size: int
    notes: Sequence[str]
    stamps: Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Previous:
    """The artifacts in `folder` by their path in it. `inputs` is what fresh.inputs said of the `roots` of that build;
    `notes` are those that it ended with."""

    folder: Path
    inputs: str = ""
    roots: Sequence[str] = ()
    notes: Sequence[str] = ()
    artifacts: Mapping[str, Kept] = field(default_factory=dict)

    def is_current(self, asked: Asked) -> bool:
        """Whether the same build would change nothing: no input did, and nobody touched an artifact."""
        if not self.inputs or self.inputs != fresh.inputs([Path(root) for root in self.roots], self.folder, asked):
            return False
        return (self.folder / delivery.MANIFEST).is_file() and all(map(self.is_whole, self.artifacts))

    def holds(self, path: str, key: str) -> bool:
        """Whether the artifact at `path` was made of just this, and nobody touched it since."""
        kept = self.artifacts.get(path)
        return kept is not None and kept.key == key and self.is_whole(path)

    def is_whole(self, path: str) -> bool:
        """Whether the files of the artifact at `path` are those that the build wrote."""
        kept = self.artifacts[path]
        return bool(kept.stamps) and all(_is_same(self.folder / name, each) for name, each in kept.stamps.items())

    def take(self, path: str, into: Path) -> None:
        """Give the files of the artifact at `path` a second name in the folder `into`."""
        for name in self.artifacts[path].stamps:
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(self.folder / name, into / name)


def read(folder: Path) -> Previous:
    """What is known of the build in `folder`; nothing where there is none, or none that this hyfn understands."""
    try:
        found = json.loads((folder / delivery.STATE).read_bytes())
        if found["version"] != VERSION:
            return Previous(folder)
        artifacts = {path: Kept(*each) for path, each in found["artifacts"].items()}
        return Previous(folder, found["inputs"], found["roots"], found["notes"], artifacts)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return Previous(folder)


def _row(kept: Kept) -> list[object]:
    return [kept.key, kept.digest, kept.size, list(kept.notes), kept.stamps]


def write(folder: Path, state: Previous) -> None:
    """Keep `state` for the next build in `folder`."""
    rows = {
        path: [kept.key, kept.digest, kept.size, list(kept.notes), kept.stamps]
        for path, kept in state.artifacts.items()
    }
    document = {
        "version": VERSION,
        "inputs": state.inputs,
        "roots": list(state.roots),
        "notes": list(state.notes),
        "artifacts": rows,
    }
    (folder / delivery.STATE).write_text(json.dumps(document))


def stamps(folder: Path, *paths: str) -> dict[str, list[int]]:
    """Size, time and inode of each file at or below the paths in `folder`, by its name there."""
    found: dict[str, list[int]] = {}
    for path in paths:
        place = folder / path
        for each in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if each.is_file():
                found[each.relative_to(folder).as_posix()] = _stamp(each)
    return found


def _is_same(file: Path, stamp: Sequence[int]) -> bool:
    try:
        return _stamp(file) == list(stamp)
    except OSError:
        return False


def _stamp(file: Path) -> list[int]:
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]
