"""A plan and its way to the platform: what is made when, and what is left wherever it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hyfn.errors import ShipError
from hyfn.resource import Key, Live, Phase, Resource, ref
from hyfn.ship import ledger as ledgers
from hyfn.ship.apply import Applying, Means
from hyfn.ship.ledger import Ledger
from hyfn.ship.plan import Plan, plan
from hyfn.ship.stores import FileStore
from tests.ship.platform import STAGE, Platform, Shipper


class Ended(BaseException):
    """The process, at this point."""


def key(kind: str, name: str) -> Key:
    return Key("small", "here", kind, name)


def function(name: str, code: str, calls: Sequence[str] = ()) -> list[Resource]:
    """As a cloud with versions has it: a role, a function, a version that knows its callees, traffic, a trigger."""
    party = f"app:{name}@small"
    version = key("version", f"{name}:{code}")
    wiring = {callee: ref(key("function", callee), "url") for callee in calls}
    traffic = {"version": ref(version, "number")}
    flipped = [key("traffic", callee) for callee in calls]
    return [
        Resource(key("role", name), Phase.IDENTITY, party, {"name": name}),
        Resource(key("function", name), Phase.CODE, party, {"role": ref(key("role", name), "url")}, is_endpoint=True),
        Resource(version, Phase.WIRING, party, {"code": code, "endpoints": wiring}, is_wired=True),
        Resource(key("traffic", name), Phase.FLIP, party, traffic, flipped),
        Resource(key("queue", name), Phase.TRIGGER, party, {"batch": 10}),
    ]


class World:
    """A platform, and a store of one's own."""

    def __init__(self, folder: Path) -> None:
        self.platform = Platform()
        self.store = FileStore(folder)
        self.probed: list[str] = []

    def plan(self, wanted: Sequence[Resource]) -> tuple[Plan, dict[Key, Live]]:
        state = ledgers.read(self.store, STAGE.app, STAGE.name)
        keys = {*(one.key for one in wanted), *state.records, *state.intents}
        live = {one.key: one for one in Shipper(self.platform).observe(STAGE, keys)}
        return plan(wanted, live, state), live

    def ship(self, wanted: Sequence[Resource], lease_seconds: float = 0.1) -> Plan:
        with Ledger(self.store, STAGE.app, STAGE.name, lambda _: None, lease_seconds) as ledger:
            planned, live = self.plan(wanted)
            means = Means(STAGE, lambda _: Shipper(self.platform), self._wiring, self._probe, lambda *_: None)
            Applying(means, ledger, {each: one.outputs for each, one in live.items()}).run(planned, live)
        return planned

    def _wiring(self, party: str, _: object) -> dict[str, Any]:
        return {"self": party}

    def _probe(self, changes: Sequence[Any], _: object) -> None:
        self.probed += [change.party for change in changes]

    def is_settled(self, wanted: Sequence[Resource]) -> None:
        """Live = wanted = recorded, and nothing else."""
        planned, live = self.plan(wanted)
        state = ledgers.read(self.store, STAGE.app, STAGE.name)
        assert planned.is_empty
        assert not planned.drift
        assert set(live) == {one.key for one in wanted} == set(state.records) == set(self.platform.things)
        assert {each: record.body for each, record in state.records.items()} == {
            each: one.body for each, one in live.items()
        }
        assert not state.intents
        assert state.lease is None


BEFORE = [*function("a", "1", ["b"]), *function("b", "1", ["a"]), *function("gone", "1")]
AFTER = [*function("a", "2", ["b"]), *function("b", "1", ["a"]), *function("new", "1", ["a"])]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_functions_that_call_each_other_are_shipped(world: World) -> None:
    world.ship(BEFORE)
    world.is_settled(BEFORE)
    assert sorted(world.probed) == ["app:a@small", "app:b@small", "app:gone@small"]


def test_shipping_twice_changes_nothing(world: World) -> None:
    world.ship(BEFORE)
    calls = list(world.platform.calls)
    assert world.ship(BEFORE).is_empty
    assert world.platform.calls == calls


def test_phases_follow_one_another_and_deletions_come_last(world: World) -> None:
    world.ship(BEFORE)
    del world.platform.calls[:]
    world.ship(AFTER)
    verbs = [
        f"{verb} {Key.parse(name).kind}" for verb, _, name in (call.partition(" ") for call in world.platform.calls)
    ]
    assert verbs == [
        "create role",
        "create function",
        *["create version"] * 2,
        *["create traffic", "update traffic"][::-1],
        "create queue",
        "delete queue",
        "delete traffic",
        *["delete version"] * 2,
        "delete function",
        "delete role",
    ]


def test_callees_flip_before_callers(world: World) -> None:
    world.ship([*function("top", "1", ["middle"]), *function("middle", "1", ["low"]), *function("low", "1")])
    flips = [call for call in world.platform.calls if call.startswith("create small/here/traffic")]
    assert [call.rpartition("/")[2] for call in flips] == ["low", "middle", "top"]


class Ends:
    """The process ends at the n-th boundary: no call and no write comes after it."""

    def __init__(self, world: World, number: int, write: Any) -> None:
        self.left, self.is_over, self._write, self._store = number, False, write, world.store
        world.platform.interrupt = self.at

    def at(self, _: str) -> None:
        if self.is_over or self.left == 0:
            self.is_over = True
            raise Ended
        self.left -= 1

    def write(self, name: str, content: bytes, mark: str | None) -> str:
        self.at("before a write")
        made = str(self._write(name, content, mark))
        self.at("after a write")
        return made


JOURNEYS: Mapping[str, tuple[list[Resource], list[Resource]]] = {
    "create": ([], BEFORE),
    "update": (BEFORE, AFTER),
    "back": (AFTER, BEFORE),
    "destroy": (AFTER, []),
}


@pytest.mark.parametrize("journey", JOURNEYS)
def test_wherever_it_ends_a_second_run_recovers(journey: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each call to the platform and each write of the record, before it and after it."""
    first, then = JOURNEYS[journey]
    number = 0
    while True:
        world = World(tmp_path / str(number))
        world.ship(first)
        ends = Ends(world, number, world.store.write)
        monkeypatch.setattr(world.store, "write", ends.write)
        try:
            world.ship(then, lease_seconds=600)
            is_whole = True
        except (Ended, ShipError):
            is_whole = False
        monkeypatch.undo()
        world.platform.interrupt = lambda _: None
        assert is_whole == (not ends.is_over)
        world.ship(then)
        world.is_settled(then)
        if is_whole:
            break
        number += 1
    assert number > 20
