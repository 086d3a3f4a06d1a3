"""One artifact of a build, made now or before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hyfn.model import Artifact
from hyfn.pack.previous import Kept
from hyfn.project.drafting import Draft


@dataclass(frozen=True, slots=True)
class Made:
    """An artifact. `notes` are what could not be checked of it on this machine, and what is worth a look."""

    artifact: Artifact
    notes: Sequence[str]


def again(draft: Draft, folder: Path, kept: Kept) -> Made:
    """The artifact that an earlier build made of the same, which stands in `folder`."""
    return Made(described(draft, folder / draft.path, kept.digest, kept.size), kept.notes)


def described(draft: Draft, path: Path, digest: str, size: int) -> Artifact:
    """The artifact of the draft, which stands at `path`."""
    first = draft.forms[0]
    return Artifact(
        draft.unit.primary.name,
        draft.short,
        draft.unit.target.cloud,
        draft.unit.target.platform,
        draft.kind,
        path,
        digest,
        size,
        first.runtime.python,
        first.distributions,
        draft.unit.target.options,
    )
