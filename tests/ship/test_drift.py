"""Changes that somebody made behind hyfn's back: all are seen, none is undone without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyfn.errors import ShipError
from hyfn.project import shipping
from hyfn.project.desired import Desired, Graph
from hyfn.project.shipping import Planned
from hyfn.resource import Key
from hyfn.ship import ledger as ledgers
from tests.ship.platform import STAGE
from tests.ship.world import World, function, key

MANY = [each for number in range(12) for each in function(f"f{number}", "1")]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.ship(MANY)
    return world


def judged(world: World, overwrites: bool = False) -> Planned:
    plan, live = world.plan(MANY)
    state = ledgers.read(world.store, STAGE.app, STAGE.name)
    planned = Planned(Desired(Graph([], {}, {}), MANY, {}), plan, live, state, [], [])
    shipping.check(planned, overwrites)
    return planned


def test_sixty_changes_are_all_reported_and_none_is_overwritten_unasked(world: World) -> None:
    """Every thing of twelve functions: five each."""
    changed = list(world.platform.things)
    assert len(changed) == 60
    for each in changed:
        world.platform.update(each, {"theirs": str(each)}, world.platform.things[each]["etag"])
    plan, _ = world.plan(MANY)
    assert {drift.key for drift in plan.drift} == set(changed)
    assert all(drift.is_in_the_way for drift in plan.drift)
    with pytest.raises(ShipError, match=r"changed by somebody else: .*; and 57 more \(--overwrite"):
        judged(world)
    assert all("theirs" in thing["body"] for thing in world.platform.things.values())

    judged(world, overwrites=True)
    world.ship(MANY)
    world.is_settled(MANY)


def test_what_is_gone_is_reported_and_made_again(world: World) -> None:
    gone = [key("queue", "f1"), key("traffic", "f1")]
    for each in gone:
        world.platform.delete(each)
    plan = judged(world).plan
    assert [(drift.key, list(drift.said)) for drift in plan.drift] == [(each, ["it is gone"]) for each in gone]
    assert [(change.action, change.key) for change in plan.changes] == [
        ("create", key("traffic", "f1")),
        ("create", key("queue", "f1")),
    ]


def test_a_thing_that_nobody_recorded_is_reported_before_it_is_removed(world: World) -> None:
    world.platform.create(key("queue", "theirs"), {"n": 1}, STAGE.tags)
    with pytest.raises(ShipError, match="queue theirs: nobody recorded it"):
        judged(world)


def test_a_foreign_thing_of_a_wanted_name_is_not_touched(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.platform.create(key("function", "f1"), {"n": 1}, {"owner": "somebody"})
    with pytest.raises(ShipError, match=r"function f1 is there already .* not of this app and stage"):
        judged(world)


def test_a_change_that_made_it_as_it_is_wanted_is_taken_over(world: World) -> None:
    body = {"batch": 5}
    wanted = [each for each in MANY if each.key != key("queue", "f1")]
    there = key("queue", "f1")
    world.platform.update(there, body, world.platform.things[there]["etag"])
    [old] = [each for each in MANY if each.key == there]
    mine = [*wanted, type(old)(old.key, old.phase, old.party, body, old.needs)]
    plan, _ = world.plan(mine)
    assert [drift.is_in_the_way for drift in plan.drift] == [False]
    world.ship(mine)
    world.is_settled(mine)


def test_a_lost_record_is_rebuilt_from_what_is_there(world: World, tmp_path: Path) -> None:
    world.store.remove("test.json")
    calls = len(world.platform.calls)
    world.ship(MANY)
    assert len(world.platform.calls) == calls, "nothing was made anew"
    world.is_settled(MANY)
    assert isinstance(next(iter(world.platform.things)), Key)
