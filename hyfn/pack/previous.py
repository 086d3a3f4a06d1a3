"""What an earlier build left in its folder: an artifact that would come out the same is taken over, not made again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hyfn.pack import delivery, fresh
from hyfn.pack.fresh import Asked, Scope
from hyfn.wire.mac import sha256

VERSION = 3


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
    """The artifacts in `folder` by their path in it. `inputs` is what fresh.inputs said of that build's `scope`;
    `notes` are those that it ended with, `manifest` is the stamp of its manifest."""

    folder: Path
    inputs: str = ""
    scope: Scope = field(default_factory=Scope)
    notes: Sequence[str] = ()
    manifest: Sequence[int] = ()
    artifacts: Mapping[str, Kept] = field(default_factory=dict)

    def is_current(self, asked: Asked) -> bool:
        """Whether the same build would change nothing: no input did, and nobody touched what it wrote."""
        if not self.inputs or self.inputs != fresh.inputs(self.scope, self.folder.resolve(), asked):
            return False
        return _is_same(self.folder / delivery.MANIFEST, self.manifest) and all(map(self.is_whole, self.artifacts))

    def holds(self, path: str, key: str) -> bool:
        """Whether the artifact at `path` was made of just this, and nobody touched it since."""
        kept = self.artifacts.get(path)
        return kept is not None and kept.key == key and self.is_whole(path)

    def is_whole(self, path: str) -> bool:
        """Whether the files of the artifact at `path` are those that the build wrote."""
        kept = self.artifacts[path]
        return bool(kept.stamps) and all(_is_same(self.folder / name, each) for name, each in kept.stamps.items())

    def take(self, path: str, into: Path) -> bool:
        """Give the files of the artifact at `path` a second name in the folder `into`. False, and none is there, where
        that is not possible, or another build has replaced them just now."""
        stamps = self.artifacts[path].stamps
        try:
            for name in stamps:
                (into / name).parent.mkdir(parents=True, exist_ok=True)
                os.link(self.folder / name, into / name)
        except OSError:
            is_taken = False
        else:
            is_taken = all(_is_same(into / name, stamp) for name, stamp in stamps.items())
        if not is_taken:
            for name in stamps:
                (into / name).unlink(missing_ok=True)
        return is_taken


def read(folder: Path) -> Previous:
    """What is known of the build in `folder`; nothing where there is none, or none that this hyfn understands."""
    try:
        found = json.loads((folder / delivery.STATE).read_bytes())
        if found.pop("sum") != _sum(found) or found["version"] != VERSION:
            return Previous(folder)
        artifacts = {path: Kept(*each) for path, each in found["artifacts"].items()}
        scope = Scope(found["roots"], found["pythons"])
        return Previous(folder, found["inputs"], scope, found["notes"], found["manifest"], artifacts)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return Previous(folder)


def write(folder: Path, state: Previous) -> None:
    """Keep `state` for the next build in `folder`."""
    document = {
        "version": VERSION,
        "inputs": state.inputs,
        "roots": list(state.scope.roots),
        "pythons": list(state.scope.pythons),
        "notes": list(state.notes),
        "manifest": list(state.manifest),
        "artifacts": {path: _row(kept) for path, kept in state.artifacts.items()},
    }
    (folder / delivery.STATE).write_text(json.dumps({**document, "sum": _sum(document)}))


def _row(kept: Kept) -> list[object]:
    return [kept.key, kept.digest, kept.size, list(kept.notes), kept.stamps]


def _sum(document: Mapping[str, object]) -> str:
    """Of what was kept, so that no damage to it passes for a build."""
    return sha256(json.dumps(document).encode()).hex()


def rewrite(folder: Path, artifact: str, path: str, content: bytes) -> None:
    """Give the file at `path` in the build's folder another content, and let the next build take it for its own.

    Its state stays as it is where the file was not: what somebody touched is for the next build to make anew.
    """
    place = folder / path
    if place.exists() and place.read_bytes() == content:
        return
    before = read(folder)
    is_known = artifact in before.artifacts and before.is_whole(artifact)
    new = place.with_name(f"{place.name}.new")  # the old one may have a second name in another build
    new.write_bytes(content)
    new.replace(place)
    if is_known:
        kept = before.artifacts[artifact]
        mended = replace(kept, stamps={**kept.stamps, **stamps(folder, path)})
        write(folder, replace(before, artifacts={**before.artifacts, artifact: mended}))


def stamps(folder: Path, *paths: str) -> dict[str, list[int]]:
    """Size, time and inode of each file at or below the paths in `folder`, by its name there."""
    found: dict[str, list[int]] = {}
    for path in paths:
        place = folder / path
        for each in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if each.is_file():
                found[each.relative_to(folder).as_posix()] = stamp(each)
    return found


def _is_same(file: Path, before: Sequence[int]) -> bool:
    try:
        return stamp(file) == list(before)
    except OSError:
        return False


def stamp(file: Path) -> list[int]:
    """Without the time of its last change, which another name for it changes too."""
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]
