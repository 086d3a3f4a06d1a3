"""What Function Compute and EventBridge are told of triggers, and that what they bring is what was emitted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from hyfn.clouds.alibaba import on
from hyfn.clouds.alibaba.emit import emitter
from hyfn.clouds.alibaba.pack import packer
from hyfn.dev.occurring import Said, occurred
from hyfn.host.events import Delivery
from hyfn.model import FunctionSpec, Place, Problem, Signature, Target, Trigger
from hyfn.wire.carrier import Endpoint, Response

LINE = Place("app.py", 5)
DEFAULTS: dict[str, dict[str, Any]] = {
    "schedule": {"when": "every 5 minutes", "timezone": "UTC"},
    "blob": {"container": "invoices", "prefix": "in/", "suffix": ".json", "change": "created", "connection": ""},
    "queue": {"name": "orders", "batch": 2, "connection": ""},
    "topic": {"name": "news", "connection": ""},
    "stream": {"name": "clicks", "batch": 100, "start": "latest", "via": "platform", "connection": "alikafka_pre-cn-1"},
    "event": {"type": "com.acme.order", "source": ""},
}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")
"""Of a trigger: CreateTriggerInput of alibabacloud_fc20230330."""


def trigger(kind: str, **options: Any) -> Trigger:
    return Trigger(kind, {**DEFAULTS[kind], **options}, LINE)


def function(*triggers: Trigger) -> FunctionSpec:
    made = FunctionSpec("app:f", "app", "f", LINE, Signature((), None), None, False, ())
    return replace(made, triggers=triggers)


def manifest(*triggers: Trigger, **options: Any) -> Mapping[str, Any]:
    return packer.manifest(function(*triggers), Target("alibaba", "alibaba", options, LINE), "shop-dev-f", "")


def one(made: Trigger, **options: Any) -> tuple[Mapping[str, Any], Any]:
    """The body of CreateTrigger, and its configuration."""
    [told] = manifest(made, **options)["triggers"]
    return told, json.loads(told["triggerConfig"])


def problems(*triggers: Trigger) -> list[Problem]:
    return list(packer.check(function(*triggers), Target("alibaba", "alibaba", {}, LINE)))


@pytest.mark.parametrize(
    ("when", "timezone", "expression"),
    [
        ("0 6 * * 1-5", "UTC", "0 0 6 * * 1-5"),
        ("0 6 * * MON", "Asia/Shanghai", "CRON_TZ=Asia/Shanghai 0 0 6 * * 1"),
        ("every 5 minutes", "UTC", "@every 5m"),
        ("every 7 hours", "Asia/Shanghai", "@every 420m"),
    ],
)
def test_a_schedule_is_cron_with_seconds_or_a_rate(when: str, timezone: str, expression: str) -> None:
    told, configuration = one(trigger("schedule", when=when, timezone=timezone))
    assert told["triggerType"] == "timer"
    assert configuration == {"cronExpression": expression, "enable": True, "payload": when}
    assert problems(trigger("schedule", when=when, timezone=timezone)) == []


def test_parts_of_an_upload_are_no_files() -> None:
    told, configuration = one(trigger("blob"), region="eu-central-1")
    assert told["sourceArn"] == "acs:oss:eu-central-1:${account}:invoices"
    assert configuration["filter"] == {"key": {"prefix": "in/", "suffix": ".json"}}
    assert "oss:ObjectCreated:CompleteMultipartUpload" in configuration["events"]
    assert not [
        name for name in configuration["events"] if name.endswith((":*", "UploadPart", "InitiateMultipartUpload"))
    ]
    _, deleted = one(trigger("blob", change="deleted"))
    assert {name.rpartition(":")[0] for name in deleted["events"]} == {"oss:ObjectRemoved"}


def test_a_queue_goes_on_after_a_day_and_a_stream_does_not() -> None:
    _, queue = one(trigger("queue"))
    _, stream = one(trigger("stream", start="earliest"))
    assert queue["runOptions"]["batchWindow"]["CountBasedWindow"] == 2
    assert (queue["runOptions"]["errorsTolerance"], stream["runOptions"]["errorsTolerance"]) == ("ALL", "NONE")
    source = stream["eventSourceConfig"]["eventSourceParameters"]["sourceKafkaParameters"]
    assert (source["InstanceId"], source["Topic"], source["OffsetReset"]) == ("alikafka_pre-cn-1", "clicks", "earliest")
    assert source["ConsumerGroup"] == "shop-dev-f"


def test_a_topic_tells_its_name() -> None:
    told, configuration = one(trigger("topic"))
    assert (told["sourceArn"], configuration["notifyContentFormat"]) == (
        "acs:mns:${region}:${account}:/topics/news",
        "JSON",
    )


def test_events_of_alibabas_services_come_on_its_own_bus() -> None:
    document = manifest(trigger("event", type="ecs:Changed", source="acs.ecs"))
    assert document["rules"] == []
    configuration = json.loads(document["triggers"][0]["triggerConfig"])
    assert configuration["eventSourceConfig"]["eventSourceType"] == "Default"
    assert json.loads(configuration["eventRuleFilterPattern"]) == {"type": ["ecs:Changed"], "source": ["acs.ecs"]}


def test_all_other_events_come_by_a_rule_on_another_bus() -> None:
    document = manifest(trigger("event"))
    assert document["triggers"] == []
    [rule] = document["rules"]
    assert rule["EventBusName"] != "default"
    assert json.loads(rule["FilterPattern"]) == {"type": ["com.acme.order"]}
    assert rule["EventTargets"][0]["Endpoint"] == "acs:fc:${region}:${account}:functions/shop-dev-f"


def test_triggers_of_one_function_have_names_of_their_own() -> None:
    made = [trigger("schedule"), trigger("schedule", when="every hour"), trigger("blob"), trigger("queue")]
    names = [each["triggerName"] for each in manifest(*made, *made)["triggers"]]
    assert len(names) == len(set(names)) == len(made)
    assert all(map(NAME.fullmatch, names))


def test_kafka_wants_its_instance() -> None:
    [problem] = problems(trigger("stream", connection=""))
    assert "wants the id of its ApsaraMQ for Kafka instance" in problem.message
    assert (problem.level, problem.place) == ("error", LINE)


def back(kind: str, *data: str, resource: str = "") -> tuple[Delivery, list[Mapping[str, Any]]]:
    """What the host makes of what the emitter sends, and what was emitted."""
    made = trigger(kind)
    what = occurred(Said(kind, resource or made.resource, data, source="/shop" if kind == "event" else ""))
    [notification] = emitter.notify(Endpoint("alibaba", "app:f", "http://x/"), made, what.events)
    return on.delivery(notification.request.body or b""), list(what.events)


@pytest.mark.parametrize("kind", ["queue", "topic"])
def test_a_message_that_was_emitted_is_the_one_that_is_delivered(kind: str) -> None:
    came, [event] = back(kind, "größe")
    assert [item.event for item in came.items] == [event]
    assert (came.kind, came.resource) == (kind, event["source"].rpartition("/")[2])


def test_a_file_that_was_emitted_is_the_one_that_is_delivered() -> None:
    came, [event] = back("blob", "12345", resource="invoices/in/a b+ü.json")
    [item] = came.items
    assert (came.kind, came.resource) == ("blob", "invoices")
    assert {name: value for name, value in item.event["data"].items() if value is not None} == event["data"]
    assert {name: item.event[name] for name in ("id", "type", "source", "subject")} == {
        name: event[name] for name in ("id", "type", "source", "subject")
    }


def test_records_that_were_emitted_are_those_that_are_delivered() -> None:
    came, events = back("stream", "a", "b")
    assert [item.event["data_base64"] for item in came.items] == [event["data_base64"] for event in events]
    assert [(item.key, item.group) for item in came.items] == [("0:0", "0"), ("0:1", "0")]


def test_an_event_that_was_emitted_is_the_one_that_is_delivered() -> None:
    came, [event] = back("event", '{"n": 1}')
    [item] = came.items
    assert {name: item.event[name] for name in event} == event


def test_messages_come_in_batches_as_large_as_they_may_be() -> None:
    what = occurred(Said("queue", "orders", ("a", "b", "c")))
    made = emitter.notify(Endpoint("alibaba", "app:f", "http://x/"), trigger("queue"), what.events)
    assert [len(each.ids) for each in made] == [2, 1]


@pytest.mark.parametrize(
    ("status", "headers", "has_failed"),
    [(200, {}, False), (200, {"x-fc-error-type": "UnhandledInvocationError"}, True), (429, {}, True)],
)
def test_an_invocation_fails_as_a_whole(status: int, headers: dict[str, str], has_failed: bool) -> None:
    what = occurred(Said("queue", "orders", ("a", "b")))
    [notification] = emitter.notify(Endpoint("alibaba", "app:f", "http://x/"), trigger("queue"), what.events)
    told = emitter.failed(notification, Response(status, headers, b""))
    assert told == ([event["id"] for event in what.events] if has_failed else [])
