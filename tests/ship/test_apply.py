"""A plan and its way to the platform: what is made when, and what is left wherever it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hyfn.errors import ShipError
from hyfn.resource import Key
from tests.ship.world import AFTER, BEFORE, JOURNEYS, World, function


class Ended(BaseException):
    """The process, at this point."""


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


POINTS = {"create": 50, "update": 60, "back": 60, "destroy": 50}
"""Boundaries of each journey, at least: writes that come at once are one."""


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
    assert number >= POINTS[journey]
