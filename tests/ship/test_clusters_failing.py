"""Shipping to clusters whose every call fails once: a second run recovers, and nothing is left or done twice."""

from __future__ import annotations

import contextlib
import copy
import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hyfn.errors import HyfnError
from hyfn.project.desired import Desired, Graph
from tests.fakes.kubernetes import Cluster
from tests.ship.clusters import ALONE, World, desired, shipper

pytestmark = pytest.mark.spec

NOTHING = Desired(Graph([], {}, {}), [], {})


@dataclass
class Journey:
    """From a world in which all is well to `aim`."""

    folder: Path
    platform: str
    objects: Any
    state: Path
    aim: Desired

    @contextlib.contextmanager
    def world(self, name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
        folder = self.folder / name
        folder.mkdir()
        if self.state.exists():
            shutil.copytree(self.state, folder / "state")
        with Cluster(lag=1, objects=copy.deepcopy(self.objects)) as cluster:
            monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(folder / "config")))
            with contextlib.closing(World(cluster, folder / "state", shipper(self.platform))) as world:
                yield world


@pytest.fixture(scope="module", params=["kubernetes", "knative"])
def journeys(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Journey]:
    platform, folder = request.param, tmp_path_factory.mktemp(request.param)
    with Cluster(lag=1) as cluster, pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(cluster.kubeconfig(folder / "config")))
        first = desired(folder, platform, source=ALONE)
        code = desired(folder, platform, number=2, source=ALONE)
        with contextlib.closing(World(cluster, folder / "state", shipper(platform))) as world:
            world.ship(first)
        there, nowhere = copy.deepcopy(cluster.objects), folder / "none"
    return {
        "create": Journey(folder, platform, {}, nowhere, first),
        "change": Journey(folder, platform, there, folder / "state", code),
        "destroy": Journey(folder, platform, there, folder / "state", NOTHING),
    }


@pytest.mark.parametrize("how", ["500", "timeout-after"])
@pytest.mark.parametrize("name", ["create", "change", "destroy"])
def test_whichever_call_fails_a_second_run_recovers(
    journeys: dict[str, Journey], name: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey = journeys[name]
    for number in itertools.count(1):
        with journey.world(f"{name}-{how}-{number}", monkeypatch) as world:
            world.cluster.fail_next(number, how)
            runs = _runs(world, journey.aim)
            world.is_settled(journey.aim)
            assert name != "destroy" or world.cluster.left() == set()
            if len(world.cluster.mutations) < number:
                break
            assert runs <= 2
    assert number > 4


def _runs(world: World, aim: Desired) -> int:
    """How many there were, until one was whole."""
    for number in (1, 2):
        with contextlib.suppress(HyfnError):
            world.ship(aim)
            return number
    world.ship(aim)
    return 3


@pytest.mark.parametrize("how", ["throttle", "stale"])
@pytest.mark.parametrize("name", ["create", "change", "destroy"])
def test_what_is_put_off_is_tried_again_in_the_same_run(
    journeys: dict[str, Journey], name: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each second call."""
    journey = journeys[name]
    with journey.world(f"{name}-{how}", monkeypatch) as world:
        for number in range(1, 100, 2):
            world.cluster.fail_next(number, how)
        world.ship(journey.aim)
        world.is_settled(journey.aim)
