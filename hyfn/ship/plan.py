"""What must change so that what is live is what is wanted. Pure: it compares, and talks to nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hyfn.resource import DIGEST, Json, Key, Live, Outputs, Phase, Resource, digest, refs, resolved
from hyfn.ship.state import Record, State

LATER = "known when it is shipped"
SHOWN = 60
"""Characters of a value that a reason shows."""


@dataclass(frozen=True, slots=True)
class Change:
    """`action` is create, update or delete. `reasons` say why, one for each property."""

    action: str
    key: Key
    phase: Phase
    party: str
    reasons: Sequence[str] = ()
    resource: Resource | None = None
    live: Live | None = None
    needs: Sequence[Key] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """What somebody else changed. `is_in_the_way`: the plan would undo it."""

    key: Key
    party: str
    said: Sequence[str]
    is_in_the_way: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """`changes` in the order of their phases, deletions last. `kept` are the things that are as they should be.
    `adopted` stand as they are wanted, and the ledger does not know them yet."""

    changes: Sequence[Change] = ()
    drift: Sequence[Drift] = ()
    kept: Sequence[Key] = ()
    adopted: Sequence[Resource] = ()
    foreign: Sequence[Key] = field(default=())
    """Things with the names that are wanted, which are not this stage's: nothing can be shipped over them."""

    @property
    def is_empty(self) -> bool:
        return not self.changes and not self.adopted


def plan(wanted: Collection[Resource], live: Mapping[Key, Live], state: State) -> Plan:
    """`wanted` is everything that the stage is to have, `live` everything that it has (see `known`), `state` what is
    recorded."""
    outputs = {key: each.outputs for key, each in live.items()}
    changes, kept = [], []
    for resource in sorted(wanted, key=lambda one: (one.phase, one.party, one.key)):
        change = _change(resource, live.get(resource.key), outputs)
        if change is None:
            kept.append(resource.key)
        else:
            changes.append(change)
            if resource.is_wired and not resource.is_endpoint:
                # It may become another version under its name: what refers to it learns of that once it is made.
                outputs.pop(resource.key, None)
    wanted_keys = {resource.key for resource in wanted}
    changes += _deletions(wanted_keys, live, state)
    changing = {change.key for change in changes}
    return Plan(
        changes,
        list(_drift(live, state, changing)),
        kept,
        [one for one in wanted if one.key in kept and not _is_recorded(live[one.key], state)],
        sorted(key for key in wanted_keys if key in live and not live[key].is_ours),
    )


def known(live: Iterable[Live], wanted: Iterable[Resource], state: State) -> dict[Key, Live]:
    """What is there, by key. Where the platform has no more than a body's digest, the body is that of the record or of
    what is wanted, if its digest is the same."""
    found = {each.key: each for each in live}
    outputs = {key: each.outputs for key, each in found.items()}
    bodies: dict[Key, list[Json]] = {key: [record.body] for key, record in state.records.items()}
    for resource in wanted:
        bodies.setdefault(resource.key, []).append(resolved(resource.body, outputs))
    return {key: whole(each, bodies.get(key, [])) for key, each in found.items()}


def whole(live: Live, bodies: Sequence[Json]) -> Live:
    """With that one of the bodies whose digest is all that the platform has."""
    if set(live.body) != {DIGEST}:
        return live
    return replace(live, body=next((body for body in bodies if digest(body) == live.body[DIGEST]), live.body))


def _is_recorded(there: Live, state: State) -> bool:
    record = state.records.get(there.key)
    return record is not None and there.key not in state.intents and record.body == there.body


def _change(resource: Resource, live: Live | None, outputs: Mapping[Key, Outputs]) -> Change | None:
    common = (resource.key, resource.phase, resource.party)
    if live is None:
        return Change("create", *common, (), resource, None, needs(resource))
    body = resolved(resource.body, outputs)
    reasons = [_reason(path, old, new) for path, old, new in differences(live.body, body)]
    if live.trouble:
        reasons.append(live.trouble)
    return Change("update", *common, reasons, resource, live, needs(resource)) if reasons else None


def needs(resource: Resource) -> list[Key]:
    """What must be there before it: what it says so of, and what its body refers to."""
    return [*dict.fromkeys((*resource.needs, *(key for key, _ in refs(resource.body))))]


def _deletions(wanted: Collection[Key], live: Mapping[Key, Live], state: State) -> list[Change]:
    """In the order opposite to that in which they were made. What is not ours is not touched."""
    found = []
    for key, each in live.items():
        if key in wanted or not each.is_ours:
            continue
        record = state.records.get(key) or state.intents.get(key)
        phase, party, needs = (record.phase, record.party, record.needs) if record else (Phase.CODE, "", ())
        found.append(Change("delete", key, phase, party, (), None, each, needs))
    return sorted(found, key=lambda change: (-change.phase, change.key))


def _drift(live: Mapping[Key, Live], state: State, changing: Collection[Key]) -> Iterator[Drift]:
    for key, record in sorted(state.records.items()):
        intent = state.intents.get(key)
        there = live.get(key)
        if there is None:
            if intent is None or intent.action != "delete":
                yield Drift(key, record.party, ["it is gone"], False)
        elif not _is_own_doing(there, record, intent):
            said = [_reason(path, old, new) for path, old, new in differences(record.body, there.body)]
            yield Drift(key, record.party, said, key in changing)
    for key, there in sorted(live.items()):
        is_known = key in state.records or key in state.intents
        if not is_known and there.is_ours and state.records:
            yield Drift(key, "", ["nobody recorded it"], key in changing)


def _is_own_doing(there: Live, record: Record, intent: Record | None) -> bool:
    """A ship that ended in the middle left the thing as it was before, as it was to become, or on the way there."""
    return there.body == record.body or intent is not None


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each place at which two JSON values differ: its path, and both values; None for what is not there."""
    if any(isinstance(each, Mapping) and set(each) == {DIGEST} for each in (old, new)):
        yield "it", "one", "another"
    elif isinstance(old, Mapping) and isinstance(new, Mapping) and not any(_is_ref(each) for each in (old, new)):
        for name in sorted({*old, *new}):
            yield from differences(old.get(name), new.get(name), f"{path}.{name}" if path else str(name))
    elif old != new:
        yield path, old, new


def _is_ref(value: Json) -> bool:
    return any(True for _ in refs(value)) and set(value) == {"$of", "output"}


def _reason(path: str, old: Any, new: Any) -> str:
    if old is None:
        return f"{path} {_text(new)} is new"
    if new is None:
        return f"{path} {_text(old)} goes"
    return f"{path} {_text(old)} → {_text(new)}"


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and _is_ref(value):
        return LATER
    text = str(value)
    if text.startswith("sha256:"):
        text = text[:19]
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def ordered(changes: Iterable[Change]) -> list[list[Change]]:
    """Those of one phase in waves: each one after what it needs. For deletions the other way round.

    What needs one another, as functions that call each other do, goes in one wave.
    """
    left = {change.key: change for change in changes}
    is_deletion = any(change.action == "delete" for change in left.values())
    waves = []
    while left:
        wave = [
            change for change in left.values() if not any(need in left and need != change.key for need in change.needs)
        ]
        wave = wave or list(left.values())
        waves.append(wave)
        for change in wave:
            del left[change.key]
    return waves[::-1] if is_deletion else waves
