"""What OpenWhisk and Code Engine are told of triggers, and that what they bring is what was emitted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from hyfn.clouds.openwhisk import on
from hyfn.clouds.openwhisk.emit import emitter
from hyfn.clouds.openwhisk.pack import ENTITY, packer
from hyfn.clouds.openwhisk.triggers import fixed, named
from hyfn.dev.occurring import Said, occurred
from hyfn.host.events import Delivery
from hyfn.model import FunctionSpec, Place, Problem, Signature, Target, Trigger
from hyfn.wire.carrier import Endpoint, Response

LINE = Place("app.py", 5)
DEFAULTS: dict[str, dict[str, Any]] = {
    "schedule": {"when": "every 5 minutes", "timezone": "UTC"},
    "event": {"type": "com.acme.order", "source": ""},
    "stream": {"name": "clicks", "batch": 100, "start": "latest", "via": "platform", "connection": "hyfn:9092"},
}


def trigger(kind: str, **options: Any) -> Trigger:
    return Trigger(kind, {**DEFAULTS[kind], **options}, LINE)


def function(*triggers: Trigger) -> FunctionSpec:
    made = FunctionSpec("app:f", "app", "f", LINE, Signature((), None), None, False, ())
    return replace(made, triggers=triggers)


def target(platform: str = "openwhisk", **options: Any) -> Target:
    return Target("openwhisk", platform, options, LINE)


def manifest(*triggers: Trigger, platform: str = "openwhisk", **options: Any) -> Mapping[str, Any]:
    return packer.manifest(function(*triggers), target(platform, **options), "shop-dev-f", "")


def problems(*triggers: Trigger, platform: str = "openwhisk") -> list[Problem]:
    return list(packer.check(function(*triggers), target(platform)))


def test_a_cron_expression_is_an_alarm_in_its_time_zone() -> None:
    document = manifest(trigger("schedule", when="0 6 * * 1-5", timezone="Europe/Berlin"))
    [(name, feed)] = document["feeds"].items()
    assert feed["action"] == "/whisk.system/alarms/alarm"
    assert feed["parameters"] == {
        "lifecycleEvent": "CREATE",
        "triggerName": f"/_/{name}",
        "cron": "0 6 * * 1-5",
        "timezone": "Europe/Berlin",
        "trigger_payload": {"schedule": "0 6 * * 1-5"},
    }
    assert document["triggers"][name]["annotations"] == [{"key": "feed", "value": "/whisk.system/alarms/alarm"}]


@pytest.mark.parametrize(("when", "minutes"), [("every 7 minutes", 7), ("every hour", 60), ("every 2 days", 2880)])
def test_a_rate_is_an_interval_whatever_cron_can_say(when: str, minutes: int) -> None:
    [feed] = manifest(trigger("schedule", when=when))["feeds"].values()
    assert (feed["action"], feed["parameters"]["minutes"]) == ("/whisk.system/alarms/interval", minutes)
    assert problems(trigger("schedule", when=when)) == []


def test_an_event_fires_a_trigger_of_its_own_name() -> None:
    document = manifest(trigger("event"), namespace="guest", package="letters")
    assert document["triggers"] == {"com.acme.order": {"annotations": [], "parameters": []}}
    assert document["feeds"] == {}
    [rule] = document["rules"].values()
    assert rule == {"trigger": "/guest/com.acme.order", "action": "/guest/letters/shop-dev-f"}


def test_kafka_is_read_as_bytes() -> None:
    document = manifest(trigger("stream", connection="a:9092, b:9092"))
    [(name, feed)] = document["feeds"].items()
    assert feed["action"] == "/whisk.system/messaging/kafkaFeed"
    assert feed["parameters"]["brokers"] == ["a:9092", "b:9092"]
    assert (feed["parameters"]["topic"], feed["parameters"]["isBinaryValue"]) == ("clicks", True)
    assert document["triggers"][name]["parameters"] == [{"key": "encoding", "value": "base64"}]


def test_a_manifest_holds_no_key() -> None:
    assert "authKey" not in json.dumps(manifest(trigger("schedule"), trigger("event"), trigger("stream")))


def test_each_trigger_has_a_rule_of_its_own() -> None:
    document = manifest(trigger("schedule"), trigger("schedule", when="every hour"), trigger("event"))
    assert len(document["triggers"]) == len(document["rules"]) == 3
    assert {rule["trigger"].removeprefix("/_/") for rule in document["rules"].values()} == set(document["triggers"])


@pytest.mark.parametrize("type", ["com.acme.order", "order placed!", "a/b", "größe", "-x", "/x", "x" * 300])
def test_every_type_is_a_name_that_the_platform_takes(type: str) -> None:
    name = named("f", "event", {"type": type, "source": ""})
    assert ENTITY.fullmatch(name)
    assert named("f", "event", {"type": type, "source": ""}) == name
    assert named("f", "event", {"type": f"{type}!", "source": ""}) != name


def test_code_engine_gets_a_second_function_that_nobody_outside_reaches() -> None:
    document = manifest(trigger("schedule", timezone="Europe/Berlin"), platform="ibm", env={"A": "1", "Z": "2"})
    public, private = document["functions"]
    assert (public["name"], private["name"]) == ("shop-dev-f", "shop-dev-f-events")
    assert "managed_domain_mappings" not in public
    assert private["managed_domain_mappings"] == "local"
    door = {"type": "literal", "name": "HYFN_DOOR", "value": "events"}
    assert door in private["run_env_variables"]
    assert door not in public["run_env_variables"]
    [subscription] = document["subscriptions"]
    assert subscription.pop("name").startswith("shop-dev-f-events-")
    assert subscription == {
        "destination": "shop-dev-f-events",
        "destination-type": "function",
        "schedule": "*/5 * * * *",
        "time-zone": "Europe/Berlin",
        "data": "every 5 minutes",
        "content-type": "text/plain",
    }


def test_code_engine_takes_cron_alone() -> None:
    [problem] = problems(trigger("schedule", when="every 7 minutes"), platform="ibm")
    assert "Code Engine takes cron expressions, and none says 'every 7 minutes'" in problem.message
    assert (problem.level, problem.place) == ("error", LINE)


def test_a_stream_says_where_kafka_is_and_that_it_comes_once() -> None:
    [warning] = problems(trigger("stream"))
    assert (warning.level, "no record of clicks twice" in warning.message) == ("warning", True)
    first, second = problems(trigger("stream", connection=""))
    assert (first.level, "wants the bootstrap servers" in first.message) == ("error", True)
    assert second.level == "warning"


def back(kind: str, *data: str, door: str = "") -> tuple[Delivery, list[Mapping[str, Any]]]:
    """What the host makes of what the emitter sends, and what was emitted."""
    made = trigger(kind)
    what = occurred(Said(kind, made.resource, data, source="/shop" if kind == "event" else ""))
    [notification] = emitter.notify(Endpoint("openwhisk", "app:f", "http://x/", door), made, what.events)
    params = {**fixed(kind), **json.loads(notification.request.body or b"")}
    return on.delivery(params), list(what.events)


def test_what_was_emitted_is_what_is_delivered() -> None:
    came, [event] = back("event", '{"n": 1}')
    assert (came.kind, [item.event for item in came.items]) == ("event", [event])


def test_bytes_are_delivered_as_they_were_emitted() -> None:
    came, [event] = back("event", "no JSON: ü")
    assert came.items[0].event["data_base64"] == "bm8gSlNPTjogw7w="
    came, _ = back("stream", "no JSON: ü", "\x00")
    assert [item.event["data_base64"] for item in came.items] == ["no JSON: ü".encode(), b"\x00"]
    assert (came.kind, came.resource, [item.key for item in came.items]) == ("stream", "clicks", ["0:0", "0:1"])
    assert event["data_base64"] == "no JSON: ü".encode()


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        ({}, []),
        ({"error": {"code": "USER_ERROR", "failed": ["0:1"]}}, [1]),
        ({"error": {"code": "MALFORMED", "failed": []}}, [0, 1, 2]),
        ({"error": "The action exceeded its time limits"}, [0, 1, 2]),
    ],
)
def test_an_activations_error_says_what_failed(result: dict[str, Any], failed: list[int]) -> None:
    what = occurred(Said("stream", "clicks", ("a", "b", "c")))
    [notification] = emitter.notify(Endpoint("openwhisk", "app:f", "http://x/"), trigger("stream"), what.events)
    activation = {"response": {"success": not result, "result": result}}
    body = json.dumps({"activations": [activation]}).encode()
    told = emitter.failed(notification, Response(200, {"content-type": "application/json"}, body))
    assert told == [what.events[number]["id"] for number in failed]


def test_a_trigger_that_could_not_be_fired_delivers_nothing() -> None:
    what = occurred(Said("event", "com.acme.order", ("{}",)))
    [notification] = emitter.notify(Endpoint("openwhisk", "app:f", "http://x/"), trigger("event"), what.events)
    assert emitter.failed(notification, Response(404, {}, b"")) == [what.events[0]["id"]]
