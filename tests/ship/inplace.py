"""A small project for a platform without versions, built for real, and shipped to its fake by core's own plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pytest

from hyfn import project
from hyfn.cloud import Shipper
from hyfn.project import wanting
from hyfn.project.desired import Desired, Graph
from hyfn.resource import Key, Live, Stage
from hyfn.ship import ledger as ledgers
from hyfn.ship.apply import Applying, Means
from hyfn.ship.ledger import Ledger
from hyfn.ship.plan import Plan, plan
from hyfn.ship.stores import FileStore
from tests.commands import written
from tests.fakes.rest import JsonServer

STAGE = Stage("shop", "test")
SECRET = bytes(range(32))
NOTHING = Desired(Graph([], {}, {}), [], {})
PROJECT = '[project]\nname = "shop"\nversion = "1"\n'


class Closing(Shipper, Protocol):
    def close(self) -> None: ...


Making = Callable[[str], Desired]


@pytest.fixture(scope="session")
def desired(tmp_path_factory: pytest.TempPathFactory) -> Making:
    """Gives what the stage is to have of a project whose app.py is that. Built once."""
    return cache(lambda source: make(tmp_path_factory.mktemp("shop"), source))


def make(folder: Path, source: str) -> Desired:
    root = written(folder, {"app.py": source, "pyproject.toml": PROJECT})
    built = project.build(project.read(root), root / "out", lambda text: None)
    images = {
        party: f"ghcr.io/acme/{party.split(':')[1].split('@')[0]}@{wanting.artifact(built, unit).digest}"
        for party, unit in built.units.items()
        if wanting.artifact(built, unit).kind == "image"
    }
    return wanting.desired(built, images, STAGE, SECRET)


@dataclass
class World:
    """A platform, a record and a shipper of one's own."""

    fake: JsonServer
    folder: Path
    shipper: Closing
    probed: list[str] = field(default_factory=list)

    def observed(self, wanted: Desired) -> dict[Key, Live]:
        state = ledgers.read(FileStore(self.folder), STAGE.app, STAGE.name)
        keys = {*(one.key for one in wanted.resources), *state.records, *state.intents}
        return {one.key: one for one in self.shipper.observe(STAGE, keys)}

    def plan(self, wanted: Desired) -> tuple[Plan, dict[Key, Live]]:
        live = self.observed(wanted)
        return plan(wanted.resources, live, ledgers.read(FileStore(self.folder), STAGE.app, STAGE.name)), live

    def ship(self, wanted: Desired) -> list[str]:
        """Its changes, as "create action shop-test-price-ab12cd"."""
        with Ledger(FileStore(self.folder), STAGE.app, STAGE.name, lambda _: None, 30) as ledger:
            planned, live = self.plan(wanted)

            def wiring(party: str, outputs: Any) -> Any:
                return wanted.graph.wiring(party, STAGE, SECRET, outputs)

            def probe(changes: Sequence[Any], outputs: Any) -> None:
                self.probed += [outputs.get(each.key, {}).get("probe", "") for each in changes]

            means = Means(STAGE, lambda _: self.shipper, wiring, probe, lambda *_: None)
            Applying(means, ledger, {key: one.outputs for key, one in live.items()}).run(planned, live)
        return [f"{each.action} {each.key.kind} {each.key.name}" for each in planned.changes]

    def is_settled(self, wanted: Desired) -> None:
        """Live = wanted = recorded, and nothing else."""
        planned, live = self.plan(wanted)
        state = ledgers.read(FileStore(self.folder), STAGE.app, STAGE.name)
        changes = [(each.action, str(each.key), each.reasons) for each in planned.changes]
        assert not changes, (changes, self.fake.mutations[-8:])
        assert not planned.drift
        assert not planned.foreign
        assert set(live) == {one.key for one in wanted.resources} == set(state.records)
        assert not state.intents
        assert state.lease is None

    @property
    def record(self) -> str:
        return (self.folder / f"{STAGE.name}.json").read_text()


def keys_of(wanted: Desired) -> set[str]:
    """The keys of all edges, as hexadecimal digits."""
    documents = [wanted.graph.wiring(party, STAGE, SECRET, {}) for party in wanted.graph.parties]
    found = {each["key"] for document in documents for each in document["callers"].values()}
    assert found
    return found
