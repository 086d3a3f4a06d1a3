"""Events as services of AWS give them to a Lambda, recorded, in awslambdaric."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hyfn.clouds.aws import triggers
from tests import lambdas, waking
from tests.lambdas import Lambdas

pytestmark = pytest.mark.runtime

GOLDEN = Path(__file__).parents[1] / "golden" / "events" / "aws"
ORDER = {"id": "a", "n": 1}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lambdas]:
    with lambdas.running(waking.write(tmp_path_factory.mktemp("aws"), "aws")) as found:
        yield found


@pytest.fixture
def up(running: Lambdas) -> Lambdas:
    waking.recorded(running.folder)
    return running


def recorded(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def send(up: Lambdas, name: str, kind: str = "") -> tuple[Any, list[dict[str, Any]]]:
    """What the function answered to a recorded event, and what it got."""
    went_well, answer = up.invoke(f"on_{kind or name.partition('-')[0]}", recorded(name))
    assert went_well, answer
    return answer, up.got


@pytest.mark.parametrize("name", ["schedule", "schedule-scheduler"])
def test_a_schedule(up: Lambdas, name: str) -> None:
    _, [got] = send(up, name)
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.schedule.tick", "/schedule", None)
    assert got["time"] in ("2019-03-01T01:23:45+00:00", "2022-11-10T22:55:00+00:00")


@pytest.mark.parametrize("name", ["blob", "blob-multipart", "blob-bridge"])
def test_a_blob(up: Lambdas, name: str) -> None:
    _, [got] = send(up, name)
    assert (got["type"], got["source"]) == ("dev.hyfn.blob.created", "/blob/invoices")
    assert got["subject"] == got["data"]["name"] == "in/b21b b84ü.json"
    assert got["data"]["container"] == "invoices"
    assert got["data"]["size"] in (1305107, 5)
    assert (got["data"]["version"] is None) == (name == "blob")


def test_of_a_batch_of_messages_just_the_poisoned_one_is_kept(up: Lambdas) -> None:
    answer, got = send(up, "queue")
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2e1424d4-f796-459a-8184-9c92662be6da"}]}
    assert [each["data"] for each in got] == [ORDER, ORDER]
    assert (got[0]["type"], got[0]["source"]) == ("dev.hyfn.queue.message", "/queue/orders")
    assert got[0]["extensions"] == {"attempt": 1, "myattribute": "myValue"}
    assert got[0]["time"] == "2018-12-17T21:37:29.183000+00:00"


def test_of_a_fifo_queue_what_follows_in_its_group_is_kept_too(up: Lambdas) -> None:
    answer, got = send(up, "queue-fifo")
    kept = [each["itemIdentifier"][:2] for each in answer["batchItemFailures"]]
    assert kept == ["11", "22"]
    assert [each["id"][:2] for each in got] == ["33"]


def test_a_topic(up: Lambdas) -> None:
    _, [got] = send(up, "topic")
    assert (got["type"], got["source"], got["subject"]) == ("dev.hyfn.topic.message", "/topic/news", "TestInvoke")
    assert (got["data"], got["extensions"]["test"]) == (ORDER, "TestString")


def test_kinesis_goes_back_to_the_record_that_failed(up: Lambdas) -> None:
    answer, [got] = send(up, "stream")
    failed = "49590338271490256608559692540925702759324208523137515618"
    assert answer == {"batchItemFailures": [{"itemIdentifier": failed}]}
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.stream.record", "/stream/clicks", ORDER)
    assert got["extensions"]["partition"] == "shardId-000000000006"
    assert got["extensions"]["partitionkey"] == "1"


def test_kafka(up: Lambdas) -> None:
    _, [got] = send(up, "kafka", "stream")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.stream.record", "/stream/clicks", ORDER)
    assert got["extensions"] == {
        "partition": "0",
        "partitionkey": "user-7",
        "sequence": "15",
        "headerkey": "headerValue",
    }


def test_an_event_of_a_bus(up: Lambdas) -> None:
    _, [got] = send(up, "event")
    assert (got["type"], got["source"], got["data"]) == ("com.acme.order", "/shop", ORDER)
    assert (got["id"], got["time"]) == ("6a7e8feb-b491-4cf7-a9f1-bf3703467718", "2017-12-22T18:43:48+00:00")


@pytest.mark.parametrize(
    "event",
    [
        {},
        [],
        {"Records": []},
        {"Records": [{"eventSource": "aws:sqs"}]},
        {"Records": [{"eventSource": "aws:unheard-of"}]},
        {"id": "1", "detail-type": "com.acme.order"},
        {"Records": "x"},
    ],
)
def test_what_no_service_sends_fails_its_invocation_and_no_other(up: Lambdas, event: object) -> None:
    went_well, answer = up.invoke("on_queue", event)
    assert (went_well, answer["errorType"]) == (False, "Malformed")
    assert len(send(up, "queue")[1]) == 2


def test_what_is_for_another_function_fails_its_invocation(up: Lambdas) -> None:
    went_well, answer = up.invoke("on_topic", recorded("event"))
    assert (went_well, answer["errorType"]) == (False, "NoSuchFunction")
    another = {**recorded("schedule-scheduler"), "detail": {"when": "every 7 minutes"}}
    went_well, answer = up.invoke("on_schedule", another)
    assert (went_well, answer["errorType"], up.got) == (False, "NoSuchFunction", [])


def test_a_call_still_is_one(up: Lambdas) -> None:
    assert up.invoke("on_queue", {"hyfn": "AAAA"}) == (True, {"hyfn_refused": "MALFORMED"})


def test_a_poisoned_record_of_kafka_has_the_whole_batch_come_again(up: Lambdas) -> None:
    event = recorded("kafka")
    [records] = event["records"].values()
    poison = {**records[0], "offset": 16, "value": b64encode(b'{"id": "b", "n": 13}').decode()}
    records += [poison, {**records[0], "offset": 17}]
    went_well, answer = up.invoke("on_stream", event)
    assert (went_well, answer["errorType"], answer["errorMessage"]) == (False, "ValueError", "poison")
    assert [got["extensions"]["sequence"] for got in up.got] == ["15"]


@pytest.mark.parametrize(
    "content", [{"data": ORDER}, {"data_base64": "eyJpZCI6ICJhIiwgIm4iOiAxfQ=="}], ids=lambda each: next(iter(each))
)
def test_a_cloudevent_in_a_detail_is_that_event(up: Lambdas, content: dict[str, Any]) -> None:
    said = {
        "specversion": "1.0",
        "type": "com.acme.order",
        "source": "/till",
        "id": "A-1",
        "subject": "s",
        "tenant": "7",
    }
    event = {**recorded("event"), "detail": {**said, **content}}
    assert up.invoke("on_event", event) == (True, {})
    [got] = up.got
    assert (got["source"], got["id"], got["subject"], got["data"]) == ("/till", "A-1", "s", ORDER)
    assert got["extensions"] == {"tenant": "7"}
    went_well, answer = up.invoke("on_event", {**event, "detail": {**said, "id": ""}})
    assert (went_well, answer["errorType"]) == (False, "Malformed")


def test_a_topic_s_poisoned_message_fails_its_invocation(up: Lambdas) -> None:
    event = recorded("topic")
    event["Records"][0]["Sns"]["Message"] = '{"id": "b", "n": 13}'
    went_well, answer = up.invoke("on_topic", event)
    assert (went_well, answer["errorType"], answer["errorMessage"]) == (False, "ValueError", "poison")


@pytest.mark.parametrize(
    "when, expression",
    [
        ("every 5 minutes", "rate(5 minutes)"),
        ("every minute", "rate(1 minute)"),
        ("every 90 minutes", "rate(90 minutes)"),
        ("every 2 hours", "rate(2 hours)"),
        ("every day", "rate(1 day)"),
        ("0 6 * * *", "cron(0 6 * * ? *)"),
        ("0 6 * * MON-FRI", "cron(0 6 ? * 2,3,4,5,6 *)"),
        ("*/15 8-18/2 1,15 * *", "cron(0/15 8,10,12,14,16,18 1,15 * ? *)"),
        ("0 0 * * 7", "cron(0 0 ? * 1 *)"),
    ],
)
def test_schedules_are_eventbridge_s(when: str, expression: str) -> None:
    assert triggers.expression(when) == expression
