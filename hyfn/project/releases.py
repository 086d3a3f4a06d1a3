"""What was shipped: each release with all that it was of, so that it can be wanted again."""

from __future__ import annotations

import datetime as dt
import getpass
import os
from contextlib import suppress
from pathlib import Path

from hyfn.errors import ProjectError, ShipError
from hyfn.project import desired as desires
from hyfn.project.desired import Desired
from hyfn.resource import Json
from hyfn.ship.state import Release, State
from hyfn.ship.stores import Conflict, Store


def made(state: State, desired: Desired) -> Release:
    """The next one."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return Release(state.number + 1, now, _who(), desired.artifacts, desired.document())


def last(state: State) -> Desired | None:
    """What the newest was of, without its files."""
    if not state.releases:
        return None
    document = state.releases[-1].desired
    return desires.read(document, dict.fromkeys(document["artifacts"].values(), Path()))


def find(state: State, number: int | None) -> Release:
    """The release of that number, or with None the one before the newest. Raises ProjectError."""
    wanted = state.number - 1 if number is None else number
    found = next((each for each in state.releases if each.number == wanted), None)
    if found is None:
        there = ", ".join(str(each.number) for each in state.releases) or "none"
        said = f"there is no release {wanted} of {state.app}, stage {state.stage}"
        raise ProjectError(said, hint=f"recorded: {there}")
    return found


def desired(store: Store, release: Release, folder: Path) -> Desired:
    """What it was of; its artifacts come to `folder`. Raises ShipError."""
    files = {}
    for digest in {each["file"] for each in release.desired["resources"] if each["file"]}:
        stored = store.read(_stored(digest))
        if stored is None:
            said = f"{store.where}/{_stored(digest)} is not there: release {release.number} cannot be shipped again"
            raise ShipError(said)
        files[digest] = folder / digest.partition(":")[2]
        files[digest].write_bytes(stored[0])
    return desires.read(release.desired, files)


def keep_artifacts(store: Store, desired: Desired) -> None:
    """So that it can be wanted again, from any machine."""
    for resource in desired.resources:
        if resource.file is not None:
            with suppress(Conflict):
                store.write(_stored(desired.artifacts[resource.party]), resource.file.read_bytes(), None)


def drop_artifacts(store: Store, now: State, before: State) -> None:
    """Those that no release needs any more."""
    for digest in _needed(before) - _needed(now):
        store.remove(_stored(digest))


def _needed(state: State) -> set[str]:
    return {digest for each in state.releases for digest in _files(each.desired)}


def _files(document: Json) -> set[str]:
    return {each["file"] for each in document["resources"] if each["file"]}


def _stored(digest: str) -> str:
    return f"artifacts/{digest.partition(':')[2]}"


def _who() -> str:
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return str(os.getuid())
