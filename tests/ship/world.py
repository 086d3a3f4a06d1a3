"""A stage of a small application on the small platform: what is wanted of it, and its way there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hyfn.resource import Key, Live, Phase, Resource, ref
from hyfn.ship import ledger as ledgers
from hyfn.ship.apply import Applying, Means
from hyfn.ship.ledger import Ledger
from hyfn.ship.plan import Plan, known, plan
from hyfn.ship.stores import FileStore
from tests.ship.platform import STAGE, Platform, Shipper


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
        live = known(Shipper(self.platform).observe(STAGE, keys), wanted, state)
        return plan(wanted, live, state), live

    def ship(self, wanted: Sequence[Resource], lease_seconds: float = 0.02) -> Plan:
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

JOURNEYS: Mapping[str, tuple[list[Resource], list[Resource]]] = {
    "create": ([], BEFORE),
    "update": (BEFORE, AFTER),
    "back": (AFTER, BEFORE),
    "destroy": (AFTER, []),
}
