"""Shipping to Google Cloud, by Google's own client, against a strict control plane."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hyfn import project
from hyfn.clouds.gcp.ship import GcpShipper
from hyfn.errors import Changed, HyfnError, ShipError
from hyfn.project import wanting
from hyfn.project.desired import Desired, Graph
from hyfn.resource import Order
from hyfn.ship import ledger as ledgers
from hyfn.ship.apply import Applying, Means
from hyfn.ship.ledger import Ledger
from hyfn.ship.plan import known, plan
from hyfn.ship.stores import FileStore
from tests.commands import written
from tests.fakes.gcp import Google
from tests.ship.clusters import ALONE, SECRET, SOURCE, STAGE, keys_of

pytestmark = pytest.mark.spec
NOTHING = Desired(Graph([], {}, {}), [], {})


def desired(folder: Path, number: int = 1, memory: int = 256, source: str = SOURCE) -> Desired:
    text = source.format(platform="gcp", number=number, memory=memory)
    files = {"app.py": text, "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n'}
    root = written(folder / f"{number}-{memory}", files)
    built = project.build(project.read(root), root / "out", lambda text: None)
    return wanting.desired(built, {}, STAGE, SECRET)


class World:
    def __init__(self, google: Google, folder: Path) -> None:
        self.google, self.store, self.shipper = google, FileStore(folder), GcpShipper(0.002)

    def plan(self, wanted: Desired):  # type: ignore[no-untyped-def]
        state = ledgers.read(self.store, STAGE.app, STAGE.name)
        keys = {*(one.key for one in wanted.resources), *state.records, *state.intents}
        live = known(self.shipper.observe(STAGE, keys), wanted.resources, state)
        return plan(wanted.resources, live, state), live

    def ship(self, wanted: Desired) -> list[str]:
        with Ledger(self.store, STAGE.app, STAGE.name, lambda _: None, 30) as ledger:
            planned, live = self.plan(wanted)
            means = Means(
                STAGE,
                lambda _: self.shipper,
                lambda party, outputs: wanted.graph.wiring(party, STAGE, SECRET, outputs),
                lambda *_: None,
                lambda *_: None,
            )
            Applying(means, ledger, {key: one.outputs for key, one in live.items()}).run(planned, live)
        return [f"{each.action} {each.key.kind}" for each in planned.changes]

    def is_settled(self, wanted: Desired) -> None:
        planned, live = self.plan(wanted)
        assert not [(one.action, str(one.key), one.reasons) for one in planned.changes]
        assert not planned.drift
        assert not planned.foreign
        assert set(live) == {one.key for one in wanted.resources}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with Google() as google:
        for name, value in google.environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
        yield World(google, tmp_path / "state")


def test_it_is_shipped_changed_and_destroyed(world: World, tmp_path: Path) -> None:
    first = desired(tmp_path)
    world.ship(first)
    world.is_settled(first)
    before = len(world.google.mutations)
    assert world.ship(first) == []
    assert len(world.google.mutations) == before
    shown = repr(world.google.things) + (tmp_path / "state" / "test.json").read_text()
    assert not [key for key in keys_of(first) if key in shown]
    code = desired(tmp_path, number=2)
    assert world.ship(code) == ["update Deployment"]
    world.is_settled(code)
    world.ship(NOTHING)
    assert world.google.left() == set()


def test_who_has_no_token_is_refused(world: World) -> None:
    url = f"{world.google.url}/iam/v1/projects/acme-prod/serviceAccounts"
    assert httpx.get(url, headers={"Authorization": "Bearer other"}).status_code == 401
    good = {"Authorization": "Bearer ya29.good"}
    url = f"{world.google.url}/secretmanager/v1/projects/acme-prod/secrets?secretId=x"
    assert httpx.post(url, headers=good, json={"colour": "red"}).status_code == 400


@pytest.mark.parametrize("how", ["500"])
def test_whichever_change_fails_once_two_more_runs_are_enough(world: World, tmp_path: Path, how: str) -> None:
    """The fourth call of creation, of a change and of the end."""
    first, code = desired(tmp_path, source=ALONE), desired(tmp_path, number=2, source=ALONE)
    for number in (4,):
        for aim in (first, code, NOTHING):
            world.google.fail_next(number, how)
            assert _failed(world, aim) < 3
            world.google.no_failures()
            world.is_settled(aim)
    assert world.google.left() == set()


def test_a_foreign_account_is_not_touched(world: World, tmp_path: Path) -> None:
    first = desired(tmp_path, source=ALONE)
    email = next(one.body["email"] for one in first.resources if one.key.kind == "ServiceAccount")
    path = f"projects/acme-prod/serviceAccounts/{email}"
    world.google.things[path] = {"name": path, "email": email, "displayName": "other"}
    assert [key.kind for key in world.plan(first)[0].foreign] == ["ServiceAccount"]
    with pytest.raises(ShipError, match="not of this app and stage"):
        world.ship(first)
    assert world.google.things[path]["displayName"] == "other"


def test_a_change_behind_hyfn_s_back_is_seen(world: World, tmp_path: Path) -> None:
    first = desired(tmp_path, source=ALONE)
    world.ship(first)
    path = next(each for each in world.google.things if "/functions/" in each and not each.endswith("-events"))
    live = world.plan(first)[1]
    world.google.things[path]["serviceConfig"]["availableMemory"] = "1Gi"
    world.google.things[path]["updateTime"] = "2027-01-01T00:00:00Z"
    [drift] = world.plan(first)[0].drift
    assert drift.is_in_the_way
    resource = next(one for one in first.resources if one.key.kind == "Deployment" and path.endswith(one.key.name))
    with pytest.raises(Changed):
        world.shipper.put(Order(STAGE, resource, live[resource.key].body, live[resource.key], None, "token"))


def _failed(world: World, aim: Desired) -> int:
    """How many runs failed before one was whole."""
    for number in range(3):
        try:
            world.ship(aim)
        except HyfnError:
            continue
        return number
    return 3
