"""Events as Google's services send them, recorded, in the Functions Framework."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import waking
from tests.waking import Up

GOLDEN = Path(__file__).parents[1] / "golden" / "events" / "gcp"
ORDER = {"id": "a", "n": 1}


def send(up: Up, name: str) -> list[dict[str, Any]]:
    """What a function got of a recorded event."""
    up.recorded()
    event = json.loads((GOLDEN / f"{name}.json").read_text())
    assert up.post(name.partition("-")[0], event["headers"], event["body"]).status == 200
    return up.recorded()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with waking.up(tmp_path_factory.mktemp("gcp"), "gcp") as started:
        yield started


def test_a_stored_object(up: Up) -> None:
    [got] = send(up, "blob")
    assert (got["type"], got["source"], got["subject"]) == (
        "dev.hyfn.blob.created",
        "/blob/invoices",
        "in/folder ü.json",
    )
    assert got["data"] == {
        "container": "invoices",
        "name": "in/folder ü.json",
        "size": 352,
        "etag": "CNHZkbuF/ugCEAE=",
        "content_type": "text/plain",
        "version": "1587627537231057",
    }


def test_an_object_with_another_name_is_taken_and_given_to_nobody(up: Up) -> None:
    assert send(up, "blob-unwanted") == []


def test_a_published_message(up: Up) -> None:
    [got] = send(up, "topic")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.topic.message", "/topic/news", ORDER)
    assert (got["id"], got["time"]) == ("message-id", "2021-02-05T04:06:14.109000+00:00")
    assert got["extensions"] == {"attr1": "attr1-value"}


def test_a_message_in_order(up: Up) -> None:
    [got] = send(up, "stream")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.stream.record", "/stream/clicks", ORDER)
    assert got["extensions"] == {"key": "value", "partitionkey": "user-7", "sequence": "2070443601311540"}


def test_a_schedule(up: Up) -> None:
    [got] = send(up, "schedule")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.schedule.tick", "/schedule", None)
    assert (got["id"], got["time"]) == ("my-job@2022-11-10T22:55:00Z", "2022-11-10T22:55:00+00:00")


def test_a_task(up: Up) -> None:
    [got] = send(up, "queue")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.queue.message", "/queue/orders", ORDER)
    assert (got["id"], got["extensions"]) == ("35678150437594379351", {"attempt": 3})


def test_an_event(up: Up) -> None:
    [got] = send(up, "event")
    assert (got["type"], got["source"], got["subject"], got["data"]) == ("com.acme.order", "/shop", "order/1", ORDER)


@pytest.mark.parametrize(
    "headers, body, status",
    [
        ({"content-type": "application/json"}, "{", 400),
        ({"content-type": "application/json"}, '{"message": {}}', 400),
        ({"content-type": "application/cloudevents+json"}, "[]", 400),
        ({"ce-id": "1", "ce-specversion": "1.0", "ce-type": "com.acme.order"}, "", 400),
        ({"x-cloudtasks-queuename": "orders"}, "", 400),
        ({"x-cloudtasks-queuename": "orders", "x-cloudtasks-taskname": "1"}, '{"id": "a"}', 400),
        ({"x-cloudtasks-queuename": "orders", "x-cloudtasks-taskname": "1"}, '{"id": "b", "n": 13}', 500),
        ({"content-type": "application/vnd.hyfn.v1"}, "HYF1", 400),
    ],
)
def test_what_is_refused_leaves_the_host_up(up: Up, headers: dict[str, str], body: str, status: int) -> None:
    assert up.post("queue", headers, body).status == status
    assert len(send(up, "queue")) == 1


def test_no_event_comes_in_by_the_door_of_calls(up: Up) -> None:
    up.recorded()
    event = json.loads((GOLDEN / "event.json").read_text())
    assert up.post("event", event["headers"], event["body"], "calls").status == 415
    assert up.recorded() == []
