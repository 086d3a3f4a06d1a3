"""Function Compute's own triggers for what a function waits for, and EventBridge's rules. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from hyfn.discover import schedules
from hyfn.model import FunctionSpec, Offer, Problem, Target, Trigger

HELP = "https://www.alibabacloud.com/help/en/functioncompute/fc"
OFFERS: Mapping[str, Offer] = {
    "schedule": Offer("time trigger", f"{HELP}/time-triggers", ("timezone",)),
    "blob": Offer(
        "OSS trigger",
        "https://www.alibabacloud.com/help/en/functioncompute/fc-3-0/user-guide/overview-of-oss-trigger",
        ("prefix", "suffix", "change"),
    ),
    "queue": Offer("queue trigger of Simple Message Queue", f"{HELP}/mns-queue-triggers", ("batch",)),
    "topic": Offer("topic trigger of Simple Message Queue", f"{HELP}/mns-topic-triggers"),
    "stream": Offer(
        "ApsaraMQ for Kafka trigger",
        "https://www.alibabacloud.com/help/en/functioncompute/fc-3-0/user-guide/apsaramq-for-kafka-triggers",
        ("batch", "start", "via", "connection"),
    ),
    "event": Offer(
        "EventBridge rule",
        "https://www.alibabacloud.com/help/en/eventbridge/user-guide/manage-event-rules",
        ("source",),
    ),
}
"""None of them tells which items of a batch failed: all of it comes again."""
CHANGES = {
    "created": [
        f"oss:ObjectCreated:{call}"
        for call in ("AppendObject", "CompleteMultipartUpload", "CopyObject", "PostObject", "PutObject", "PutSymlink")
    ],
    "deleted": ["oss:ObjectRemoved:DeleteObject", "oss:ObjectRemoved:DeleteObjects"],
}
"""Not all of ObjectCreated: the parts of an upload are no files yet."""
DEFAULT_BUS, BUS = "default", "hyfn"
"""EventBridge's own bus takes events of Alibaba's services, whose sources begin with "acs.", and no others:
https://www.alibabacloud.com/help/en/eventbridge/user-guide/event-bus-overview"""
AGAIN = "EXPONENTIAL_DECAY_RETRY"
"""For a day. The default tries three times more within a minute."""
ACCOUNT, REGION = "${account}", "${region}"
"""Stand where the account's number belongs, and the region where none is chosen."""

Json = dict[str, Any]


def problems(function: FunctionSpec) -> Iterator[Problem]:
    """What the triggers would refuse."""
    for trigger in function.triggers:
        if trigger.kind == "stream" and not trigger.options["connection"]:
            said = f"the trigger of {trigger.resource} wants the id of its ApsaraMQ for Kafka instance"
            yield Problem("error", said, trigger.place, 'connection="alikafka_pre-cn-..."')


def triggers(function: FunctionSpec, target: Target, name: str) -> list[Json]:
    """The bodies of CreateTrigger (2023-03-30), triggerConfig as the JSON text that it takes."""
    made = {}
    for trigger in function.triggers:
        if trigger.kind in _MAKE and not _is_own(trigger):
            kind, configuration, more = _MAKE[trigger.kind](trigger, _place(target), name)
            text = json.dumps(configuration, sort_keys=True)
            made[named(trigger)] = {"triggerName": named(trigger), "triggerType": kind, "triggerConfig": text, **more}
    return list(made.values())


def rules(function: FunctionSpec, target: Target, name: str) -> list[Json]:
    """The bodies of EventBridge's CreateRule (2020-04-01) for events that are no service's of Alibaba's, on a bus that
    has to be there. That a function of version 3 is named in it like this could not be verified."""
    region, account = _place(target)
    destination = {
        "Id": name,
        "Type": "acs.fc.function",
        "Endpoint": f"acs:fc:{region}:{account}:functions/{name}",
        "PushRetryStrategy": AGAIN,
        "ParamList": [
            {"ResourceKey": "functionName", "Form": "CONSTANT", "Value": name},
            {"ResourceKey": "Qualifier", "Form": "CONSTANT", "Value": "LATEST"},
            {"ResourceKey": "Body", "Form": "ORIGINAL"},
        ],
    }
    own = {named(trigger): trigger for trigger in function.triggers if _is_own(trigger)}
    return [
        {
            "EventBusName": BUS,
            "RuleName": f"{name}-{rule}",
            "FilterPattern": _pattern(trigger),
            "EventTargets": [destination],
        }
        for rule, trigger in own.items()
    ]


def named(trigger: Trigger) -> str:
    """What it is called among its function's."""
    digest = hashlib.sha256(str(sorted(trigger.options.items())).encode()).hexdigest()[:6]
    return f"{trigger.kind}-{digest}"


def _is_own(trigger: Trigger) -> bool:
    """Whether it waits for events that are no service's of Alibaba's."""
    return trigger.kind == "event" and not trigger.options["source"].startswith("acs.")


def _place(target: Target) -> tuple[str, str]:
    return str(target.options.get("region") or REGION), ACCOUNT


def _pattern(trigger: Trigger) -> str:
    source = {"source": [trigger.options["source"]]} if trigger.options["source"] else {}
    return json.dumps({"type": [trigger.resource], **source}, sort_keys=True)


Made = tuple[str, Json, Json]
"""A trigger's type, its configuration, and what else stands beside them."""


def _timer(trigger: Trigger, _: tuple[str, str], __: str) -> Made:
    """Cron there has seconds, and a time zone before it: https://www.alibabacloud.com/help/doc-detail/171746.htm"""
    schedule, zone = schedules.read(trigger.resource), trigger.options["timezone"]
    cron = f"0 {schedule.text}" if zone == "UTC" else f"CRON_TZ={zone} 0 {schedule.text}"
    expression = f"@every {schedule.minutes}m" if schedule.minutes else cron
    return "timer", {"cronExpression": expression, "enable": True, "payload": trigger.resource}, {}


def _oss(trigger: Trigger, place: tuple[str, str], _: str) -> Made:
    region, account = place
    key = {"prefix": trigger.options["prefix"], "suffix": trigger.options["suffix"]}
    beside = {
        "sourceArn": f"acs:oss:{region}:{account}:{trigger.resource}",
        "invocationRole": f"acs:ram::{account}:role/aliyunosseventnotificationrole",
    }
    return "oss", {"events": CHANGES[trigger.options["change"]], "filter": {"key": key}}, beside


def _topic(trigger: Trigger, place: tuple[str, str], _: str) -> Made:
    region, account = place
    beside = {
        "sourceArn": f"acs:mns:{region}:{account}:/topics/{trigger.resource}",
        "invocationRole": f"acs:ram::{account}:role/aliyunmnsnotificationrole",
    }
    return "mns_topic", {"notifyContentFormat": "JSON", "notifyStrategy": AGAIN}, beside


def _queue(trigger: Trigger, place: tuple[str, str], _: str) -> Made:
    """What has failed for a day is given up, so that the queue goes on."""
    source = {"QueueName": trigger.resource, "RegionId": place[0], "IsBase64Decode": True}
    return _streamed(trigger, "MNS", {"sourceMNSParameters": source}, "ALL")


def _kafka(trigger: Trigger, place: tuple[str, str], name: str) -> Made:
    """A record that fails stops what follows it."""
    source = {
        "InstanceId": trigger.options["connection"],
        "RegionId": place[0],
        "Topic": trigger.resource,
        "ConsumerGroup": name,
        "OffsetReset": trigger.options["start"],
        "Network": "Default",
    }
    return _streamed(trigger, "Kafka", {"sourceKafkaParameters": source}, "NONE")


def _streamed(trigger: Trigger, kind: str, parameters: Json, tolerance: str) -> Made:
    options = {
        "mode": "event-streaming",
        "errorsTolerance": tolerance,
        "batchWindow": {"CountBasedWindow": trigger.options["batch"], "TimeBasedWindow": 0},
        "retryStrategy": {"PushRetryStrategy": AGAIN},
    }
    return _bridged(kind, parameters, "{}", options)


def _event(trigger: Trigger, _: tuple[str, str], __: str) -> Made:
    return _bridged("Default", {}, _pattern(trigger), {"mode": "event-driven"})


def _bridged(kind: str, parameters: Json, pattern: str, options: Json) -> Made:
    configuration = {
        "triggerEnable": True,
        "asyncInvocationType": False,
        "eventRuleFilterPattern": pattern,
        "eventSourceConfig": {"eventSourceType": kind, "eventSourceParameters": parameters},
        "eventSinkConfig": {"deliveryOption": {"eventSchema": "CloudEvents"}},
        "runOptions": options,
    }
    return "eventbridge", configuration, {}


_MAKE: Mapping[str, Any] = {
    "schedule": _timer,
    "blob": _oss,
    "topic": _topic,
    "queue": _queue,
    "stream": _kafka,
    "event": _event,
}
