"""OpenWhisk's own triggers, feeds and rules for what a function waits for, and Code Engine's subscriptions. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hyfn.clouds.openwhisk.on import BASE64
from hyfn.discover import schedules
from hyfn.model import FunctionSpec, Offer, Problem, Target, Trigger

KAFKA = "https://github.com/apache/openwhisk-package-kafka/blob/master/README.md"
OFFERS: Mapping[str, Offer] = {
    "http": Offer(
        "raw web action", "https://github.com/apache/openwhisk/blob/master/docs/webactions.md", ("methods", "mount")
    ),
    "schedule": Offer(
        "alarms feed", "https://github.com/apache/openwhisk-package-alarms/blob/master/README.md", ("timezone",)
    ),
    "event": Offer("trigger and rule", "https://github.com/apache/openwhisk/blob/master/docs/triggers_rules.md"),
    "stream": Offer("kafkaFeed", KAFKA, ("via", "connection")),
}
"""What an installation with Apache's own packages has. Its feeds read Kafka from its end on, as many records at a time
as there are, and a trigger has no filter. Stores of files have no feed there: the one for IBM's, /whisk.system/cos, was
IBM Cloud Functions' and ended with it."""
IBM_OFFERS: Mapping[str, Offer] = {
    "http": Offer(
        "its own URL",
        "https://cloud.ibm.com/docs/codeengine?topic=codeengine-fun-exchanging-data",
        ("methods", "mount"),
    ),
    "schedule": Offer(
        "periodic timer subscription",
        "https://cloud.ibm.com/docs/codeengine?topic=codeengine-fun-migrate",
        ("timezone",),
    ),
}
"""Code Engine's other event producers are for its applications and jobs alone, says the same page."""

ALARM, INTERVAL = "/whisk.system/alarms/alarm", "/whisk.system/alarms/interval"
KAFKA_FEED = "/whisk.system/messaging/kafkaFeed"
MAX_NAME = 256

Json = dict[str, Any]


def problems(function: FunctionSpec) -> Iterator[Problem]:
    """What OpenWhisk's feeds would refuse of the function's triggers, and what they do not do."""
    for trigger in function.triggers:
        if trigger.kind != "stream":
            continue
        if not trigger.options["connection"]:
            said = f"the kafkaFeed of {trigger.resource} wants the bootstrap servers of Kafka"
            yield Problem("error", said, trigger.place, 'connection="kafka.example:9092"')
        said = f"OpenWhisk delivers no record of {trigger.resource} twice: one that fails is in the activation's error"
        yield Problem("warning", said, trigger.place, f"see {KAFKA}")


def waiting(function: FunctionSpec) -> list[Trigger]:
    """The triggers that bring events."""
    return [trigger for trigger in function.triggers if trigger.kind != "http"]


def named(owner: str, kind: str, options: Mapping[str, Any]) -> str:
    """What the trigger is called. Whoever fires one for an event needs no more than the event's type: it is the name
    where OpenWhisk allows. All others are `owner`'s own."""
    if kind == "event":
        return _entity(str(options["type"]))
    return _entity(f"{owner}-{_digest(f'{kind} {sorted(options.items())}')}")


def entities(function: FunctionSpec, target: Target, action: str) -> dict[str, dict[str, Json]]:
    """By its name: each trigger and rule as it is put at /api/v1/namespaces/NS/triggers/NAME and .../rules/NAME, and
    each feed as {"action", "parameters"}, those with which that action is then invoked; `authKey`, the namespace's own
    key, is for whoever does it to add (docs/rest_api.md and docs/feeds.md of apache/openwhisk)."""
    space = str(target.options.get("namespace") or "_").strip("/")
    package = target.options.get("package")
    path = f"/{space}/{package}/{action}" if package else f"/{space}/{action}"
    made: dict[str, dict[str, Json]] = {"triggers": {}, "feeds": {}, "rules": {}}
    for trigger in waiting(function):
        name = named(action, trigger.kind, trigger.options)
        feed, parameters = _feed(trigger)
        made["triggers"][name] = {
            "annotations": [{"key": "feed", "value": feed}] if feed else [],
            "parameters": [{"key": key, "value": value} for key, value in fixed(trigger.kind).items()],
        }
        made["rules"][_entity(f"{action}-{_digest(name)}")] = {"trigger": f"/{space}/{name}", "action": path}
        if feed:
            said = {"lifecycleEvent": "CREATE", "triggerName": f"/{space}/{name}", **parameters}
            made["feeds"][name] = {"action": feed, "parameters": said}
    return made


def fixed(kind: str) -> Mapping[str, Any]:
    """The parameters that the trigger has by itself."""
    return BASE64 if kind == "stream" else {}


def subscriptions(function: FunctionSpec, name: str) -> list[Json]:
    """The options of `ibmcloud code-engine subscription cron create`, one set for each schedule, which is also the data
    that it sends. Code Engine's API has no call for it (its SDK, ibm-code-engine-sdk 6.0.6)."""
    return [
        {
            "name": f"{name}-{_digest(str(sorted(trigger.options.items())))}",
            "destination": name,
            "destination-type": "function",
            "schedule": schedules.read(trigger.resource).text,
            "time-zone": trigger.options["timezone"],
            "data": trigger.resource,
            "content-type": "text/plain",
        }
        for trigger in waiting(function)
    ]


def _feed(trigger: Trigger) -> tuple[str, Json]:
    """The feed's action and its parameters; ("", {}) where whoever has an event fires the trigger."""
    if trigger.kind == "stream":
        brokers = [server.strip() for server in trigger.options["connection"].split(",")]
        return KAFKA_FEED, {"brokers": brokers, "topic": trigger.resource, "isBinaryValue": True}
    if trigger.kind == "event":
        return "", {}
    payload = {"trigger_payload": {"schedule": trigger.resource}}
    schedule = schedules.read(trigger.resource)
    if schedule.minutes:
        return INTERVAL, {"minutes": schedule.minutes, **payload}
    return ALARM, {"cron": schedule.text, "timezone": trigger.options["timezone"], **payload}


def _entity(text: str) -> str:
    """`text` where it is a name of OpenWhisk's, else what is alike and still tells different texts apart."""
    plain = re.sub(r"[^\w@.-]", "-", text, flags=re.ASCII)
    plain = plain if re.match(r"\w", plain, re.ASCII) else f"_{plain}"
    if plain == text and len(text) <= MAX_NAME:
        return text
    return f"{plain[: MAX_NAME - 7]}-{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]
