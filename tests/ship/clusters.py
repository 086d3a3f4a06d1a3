"""A small project for a cluster, built for real, and shipped to the fake of one by core's own plan and ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyfn import project
from hyfn.clouds.knative.ship import KnativeShipper
from hyfn.clouds.kubernetes.ship import KubernetesShipper
from hyfn.project import wanting
from hyfn.project.desired import Desired
from hyfn.resource import Key, Live, Stage
from hyfn.ship import ledger as ledgers
from hyfn.ship.apply import Applying, Means
from hyfn.ship.cluster.shipper import ClusterShipper
from hyfn.ship.ledger import Ledger
from hyfn.ship.plan import Change, Plan, plan
from hyfn.ship.stores import FileStore
from tests.commands import written
from tests.fakes.kubernetes import Cluster

STAGE = Stage("shop", "test")
SECRET = bytes(range(32))
SOURCE = """
from hyfn import Event, {platform}, on


@{platform}(memory={memory})
def price(name: str) -> int:
    return len(name) + {number}


@{platform}
def settle(names: list[str]) -> int:
    return sum(price(name) for name in names)


@{platform}
@on.schedule("every 5 minutes")
def tick(event: Event) -> None:
    settle([event.id])
"""


ALONE = """
from hyfn import Event, {platform}, on


@{platform}(memory={memory})
@on.schedule("every 5 minutes")
def tick(event: Event) -> None:
    print(event.id, {number})
"""
"""One function, of which there is each kind of thing."""


def shipper(platform: str) -> ClusterShipper:
    """One that is as quick as the fake is."""
    made = KubernetesShipper if platform == "kubernetes" else KnativeShipper
    return made("kubernetes" if platform == "kubernetes" else "knative", 5.0, 0.2, 0.001)


def desired(folder: Path, platform: str, number: int = 1, memory: int = 128, source: str = SOURCE) -> Desired:
    """What the stage is to have of the project."""
    text = source.format(platform=platform, number=number, memory=memory)
    files = {"app.py": text, "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n'}
    root = written(folder / f"{number}-{memory}", files)
    built = project.build(project.read(root), root / "out", lambda text: None)
    images = {
        party: f"ghcr.io/acme/{party.split(':')[1].split('@')[0]}@{wanting.artifact(built, unit).digest}"
        for party, unit in built.units.items()
    }
    return wanting.desired(built, images, STAGE, SECRET)


@dataclass
class World:
    """A cluster, a record and a shipper of one's own."""

    cluster: Cluster
    folder: Path
    shipper: ClusterShipper
    probed: list[Mapping[str, str]] = field(default_factory=list)

    def observed(self, wanted: Desired) -> dict[Key, Live]:
        state = ledgers.read(FileStore(self.folder), STAGE.app, STAGE.name)
        keys = {*(one.key for one in wanted.resources), *state.records, *state.intents}
        return {one.key: one for one in self.shipper.observe(STAGE, keys)}

    def plan(self, wanted: Desired) -> tuple[Plan, dict[Key, Live]]:
        live = self.observed(wanted)
        return plan(wanted.resources, live, ledgers.read(FileStore(self.folder), STAGE.app, STAGE.name)), live

    def ship(self, wanted: Desired) -> list[str]:
        """Its changes, as "create Service shop-test-price-ab12cd"."""
        with Ledger(FileStore(self.folder), STAGE.app, STAGE.name, lambda _: None, 30) as ledger:
            planned, live = self.plan(wanted)

            def wiring(party: str, outputs: Any) -> Any:
                return wanted.graph.wiring(party, STAGE, SECRET, outputs)

            def probe(changes: Sequence[Change], outputs: Any) -> None:
                found = {each.party: outputs.get(each.key, {}).get("probe", "") for each in changes}
                self.probed.append({party: url for party, url in found.items() if url})

            means = Means(STAGE, lambda _: self.shipper, wiring, probe, lambda *_: None)
            Applying(means, ledger, {key: one.outputs for key, one in live.items()}).run(planned, live)
        return [f"{each.action} {each.key.kind} {each.key.name}" for each in planned.changes]

    def is_settled(self, wanted: Desired) -> None:
        """Live = wanted = recorded, and nothing else."""
        planned, live = self.plan(wanted)
        state = ledgers.read(FileStore(self.folder), STAGE.app, STAGE.name)
        changes = [(each.action, str(each.key), each.reasons) for each in planned.changes]
        assert not changes, (changes, self.cluster.left(), self.cluster.mutations[-8:])
        assert not planned.drift
        assert not planned.foreign
        assert set(live) == {one.key for one in wanted.resources} == set(state.records)
        assert not state.intents
        assert state.lease is None

    def close(self) -> None:
        self.shipper.close()

    @property
    def record(self) -> str:
        return (self.folder / "test.json").read_text()


def keys_of(wanted: Desired) -> set[str]:
    """The keys of all edges, as hexadecimal digits."""
    found = set()
    for party in wanted.graph.parties:
        document = wanted.graph.wiring(party, STAGE, SECRET, {})
        found |= {each["key"] for each in document["callers"].values()}
    assert found
    return found
