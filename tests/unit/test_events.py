"""What a platform notified, as calls: which function gets which event, and which events it could not take."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from hyfn import Blob, Event, PartialFailure, aws
from hyfn.declare import Function
from hyfn.errors import DeadlineExceeded, Malformed, NoSuchFunction
from hyfn.event import BLOB_CREATED, BLOB_DELETED, QUEUE_MESSAGE, occurrence
from hyfn.host import events
from hyfn.host.events import Delivery, Item, Outcome
from hyfn.host.run import Hosted, Runner


@dataclass
class Order:
    id: str
    n: int


got: list[Any] = []


@aws
def one(event: Event[Order]) -> int:
    if event.data.n == 13:
        raise ValueError("poison")
    got.append(event)
    return event.data.n


@aws
async def one_async(event: Event[Order]) -> int:
    await asyncio.sleep(0)
    return one.local(event)


@aws
def many(events: list[Event[Order]]) -> None:
    got.extend(events)
    poison = [event for event in events if event.data.n == 13]
    if poison:
        raise PartialFailure(poison)


@aws
def fields(id: str, n: int = 0) -> None:
    got.append((id, n))


@aws
def blobs(event: Event[Blob]) -> None:
    got.append(event.data)


@pytest.fixture(autouse=True)
def _nothing_yet() -> None:
    got.clear()


def runner(*functions: Function[..., Any], kind: str = "queue", **options: object) -> Runner:
    hosted = {function.__name__: Hosted(function.__name__, function) for function in functions}
    return Runner(hosted, None, triggers={name: [{"kind": kind, "name": "orders", **options}] for name in hosted})


def orders(*numbers: object, group: str = "") -> list[Item]:
    return [
        Item(
            f"key-{index}",
            occurrence(QUEUE_MESSAGE, "/queue/orders", f"id-{index}", body=json.dumps({"id": "a", "n": n}).encode()),
            group,
        )
        for index, n in enumerate(numbers)
    ]


def deliver(run: Runner, items: Sequence[Item], kind: str = "queue", resource: str = "orders") -> Outcome:
    return events.deliver(run, Delivery(kind, resource, items))


@pytest.mark.parametrize("function", [one, one_async])
def test_just_the_poisoned_item_has_failed(function: Function[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    outcome = deliver(runner(function), orders(1, 13, 3))
    assert list(outcome.failed) == ["key-1"]
    assert outcome.values == {"key-0": 1, "key-2": 3}
    assert "ValueError: poison" in capsys.readouterr().err


def test_the_same_on_an_event_loop() -> None:
    outcome = asyncio.run(events.adeliver(runner(one, one_async), Delivery("queue", "orders", orders(1, 13))))
    assert list(outcome.failed) == ["key-1"]
    assert [event.data.n for event in got] == [1, 1]


def test_data_that_does_not_fit_has_failed_and_says_where() -> None:
    outcome = deliver(runner(one), orders(1, "x"))
    assert isinstance(outcome.failed["key-1"], Malformed)
    assert "expected int, got str at .data.n" in str(outcome.failed["key-1"])


def test_in_a_group_nothing_runs_after_a_failure() -> None:
    outcome = deliver(runner(one), [*orders(1, 13, 3, group="p0"), Item("other", orders(9)[0].event, "p1")])
    assert list(outcome.failed) == ["key-1"]
    assert outcome.skipped == ["key-2"]
    assert [event.data.n for event in got] == [1, 9]


def test_a_list_comes_at_once_and_names_what_failed() -> None:
    outcome = deliver(runner(many), orders(1, 13, 3))
    assert list(outcome.failed) == ["key-1"]
    assert [event.data.n for event in got] == [1, 13, 3]


def test_of_a_list_those_that_fit_are_still_run() -> None:
    outcome = deliver(runner(many), orders(1, "x", 3))
    assert list(outcome.failed) == ["key-1"]
    assert [event.data.n for event in got] == [1, 3]


def test_a_failure_that_names_none_is_all_of_them() -> None:
    @aws
    def fails(events: list[Event[Order]]) -> None:
        raise RuntimeError

    assert list(deliver(runner(fails), orders(1, 2)).failed) == ["key-0", "key-1"]


def test_fields_come_by_name() -> None:
    assert not deliver(runner(fields), orders(7)).failed
    assert got == [("a", 7)]


def test_fields_of_what_is_no_object_have_failed() -> None:
    item = Item("k", occurrence(QUEUE_MESSAGE, "/queue/orders", "1", body=b"[1]"))
    assert "it is no object" in str(deliver(runner(fields), [item]).failed["k"])


def test_what_nobody_waits_for_has_failed() -> None:
    outcome = deliver(runner(one), orders(1), resource="others")
    assert isinstance(outcome.failed["key-0"], NoSuchFunction)


@pytest.mark.parametrize(
    "name, change, is_wanted",
    [
        ("in/a.pdf", BLOB_CREATED, True),
        ("in/a.txt", BLOB_CREATED, False),
        ("out/a.pdf", BLOB_CREATED, False),
        ("in/a.pdf", BLOB_DELETED, False),
    ],
)
def test_a_blob_is_given_to_who_waits_for_its_name(name: str, change: str, is_wanted: bool) -> None:
    run = runner(blobs, kind="blob", container="invoices", prefix="in/", suffix=".pdf", change="created")
    data = {"container": "invoices", "name": name}
    item = Item("k", occurrence(change, "/blob/invoices", "1", subject=name, data=data))
    assert bool(deliver(run, [item], "blob", "invoices").failed) is not is_wanted
    assert got == ([Blob("invoices", name)] if is_wanted else [])


def test_a_deadline_ends_an_async_function() -> None:
    @aws
    async def slow(event: Event[Order]) -> None:
        await asyncio.sleep(60)

    outcome = events.deliver(runner(slow), Delivery("queue", "orders", orders(1)), 0.05)
    assert "did not end in time" in str(outcome.error)


def test_once_time_is_up_nothing_is_begun_and_what_is_done_is_done() -> None:
    @aws
    def lasts(event: Event[Order]) -> None:
        time.sleep(0.05)
        got.append(event)

    outcome = events.deliver(runner(lasts), Delivery("queue", "orders", orders(1, 2, 3)), 0.05)
    assert list(outcome.failed) == ["key-1", "key-2"]
    assert isinstance(outcome.error, DeadlineExceeded)
    assert [event.data.n for event in got] == [1]
