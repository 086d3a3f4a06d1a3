"""Each call of a ship failing once, in each way in which control planes fail: at most two more runs mend it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from pathlib import Path

import pytest

from hyfn.errors import HyfnError, ShipError
from hyfn.resource import Key, Live, Order, Stage
from tests.ship import world as worlds
from tests.ship.platform import STAGE, Platform, Shipper
from tests.ship.world import JOURNEYS, World

WAYS = ("500", "throttle", "lost answer", "stale")


class Failing(Shipper):
    """The n-th call fails so: refused, refused for now, done and not told, or answered with what was there before."""

    def __init__(self, platform: Platform, number: int, way: str) -> None:
        super().__init__(platform)
        self.left, self.way = number, way
        self.failed = 0
        self._lock = threading.Lock()
        self._before: dict[Key, Live] | None = None

    def observe(self, stage: Stage, keys: Collection[Key]) -> Iterable[Live]:
        now = list(super().observe(stage, keys))
        if self.way == "stale" and self._before is not None and self.failed == 1:
            self.failed = 2
            return list(self._before.values())
        return now

    def put(self, order: Order) -> Live:
        if not self._is_due():
            return super().put(order)
        if self.way == "lost answer":
            super().put(order)
        if self.way == "stale":
            self._before = {one.key: one for one in super().observe(STAGE, [])}
            super().put(order)
        raise ShipError(f"{self.way}: {order.resource.key}")

    def remove(self, live: Live) -> None:
        if not self._is_due():
            super().remove(live)
            return
        if self.way == "stale":
            self._before = {one.key: one for one in super().observe(STAGE, [])}
        if self.way in ("lost answer", "stale"):
            super().remove(live)
        raise ShipError(f"{self.way}: {live.key}")

    def _is_due(self) -> bool:
        with self._lock:
            self.left -= 1
            is_due = self.left == -1
            self.failed += is_due
        return is_due


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("journey", JOURNEYS)
def test_two_more_runs_are_enough(journey: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, then = JOURNEYS[journey]
    number = 0
    while True:
        world = World(tmp_path / str(number))
        world.ship(first)
        failing = Failing(world.platform, number, way)
        monkeypatch.setattr(worlds, "Shipper", lambda _, failing=failing: failing)
        said: list[str] = []
        for _ in range(3):
            try:
                world.ship(then)
                break
            except HyfnError as error:
                said.append(str(error))
        monkeypatch.undo()
        assert len(said) < 3, said
        assert not any("\n" in each for each in said)
        world.is_settled(then)
        if not failing.failed:
            break
        number += 1
    assert number > 9
