"""A Lambda and what wakes it, as an AWS CloudFormation template in JSON. Pure.

Types and properties: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from hyfn.discover import schedules
from hyfn.model import FunctionSpec, Offer, Problem, Target, Trigger

Json = dict[str, Any]

DOCS = "https://docs.aws.amazon.com/lambda/latest/dg"
OFFERS: Mapping[str, Offer] = {
    "http": Offer("a function URL", f"{DOCS}/urls-invocation.html", ("methods", "mount")),
    "schedule": Offer("EventBridge Scheduler", f"{DOCS}/with-eventbridge-scheduler.html", ("timezone",)),
    "blob": Offer("S3 event notifications", f"{DOCS}/with-s3.html", ("prefix", "suffix", "change")),
    "queue": Offer("Amazon SQS", f"{DOCS}/with-sqs.html", ("batch",)),
    "topic": Offer("Amazon SNS", f"{DOCS}/with-sns.html"),
    "stream": Offer("Kinesis, or Kafka", f"{DOCS}/with-kinesis.html", ("batch", "start", "via", "connection")),
    "event": Offer("EventBridge", f"{DOCS}/services-eventbridge.html", ("source",)),
}
UNWINDOWED = 10
"""A batch of more messages of SQS than this wants a window of a second at least.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""
STARTS = {"latest": "LATEST", "earliest": "TRIM_HORIZON"}
CODE: Json = {
    "CodeBucket": {"Type": "String", "Description": "The bucket that the artifact was uploaded to"},
    "CodeKey": {"Type": "String", "Description": "The artifact's name in it"},
}
ROLE: Json = {
    "FunctionRole": {"Type": "String", "Description": "The ARN of the role that the function runs by"},
}
SCHEDULER_ROLE: Json = {
    "SchedulerRole": {"Type": "String", "Description": "The ARN of a role by which schedules invoke the function"},
}


def problems(function: FunctionSpec) -> Iterator[Problem]:
    """What AWS would refuse of the function's triggers, beyond what it has not."""
    for trigger in function.triggers:
        is_kafka = trigger.options.get("via") == "kafka"
        if is_kafka and not trigger.options["connection"]:
            said = f"Lambda wants the bootstrap servers of the Kafka that has {trigger.resource}"
            yield Problem("error", said, trigger.place, 'connection="kafka.example:9092"')


def template(function: FunctionSpec, target: Target, name: str, image: str, made: Mapping[str, Any]) -> Json:
    """`made` are the function's own properties: Runtime, Handler, MemorySize, Timeout, Architectures.

    What this project does not own (queues, topics, streams, buckets) is named, never made.
    """
    env = target.options.get("env") or {}
    code = {"ImageUri": image} if image else {"S3Bucket": _ref("CodeBucket"), "S3Key": _ref("CodeKey")}
    properties = {**made, "FunctionName": name, "Role": _ref("FunctionRole"), "Code": code}
    properties |= {"PackageType": "Image"} if image else {}
    properties |= {"Environment": {"Variables": dict(sorted(env.items()))}} if env else {}
    resources: Json = {"Function": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    for trigger in function.triggers:
        resources |= _MAKE[trigger.kind](trigger, _id(trigger))
    if target.options.get("url") and "Url" not in resources:
        resources |= _url_resource("AWS_IAM")
    schedules_role = SCHEDULER_ROLE if any(trigger.kind == "schedule" for trigger in function.triggers) else {}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {**({} if image else CODE), **ROLE, **schedules_role},
        "Resources": resources,
    }


def expression(when: str) -> str:
    """A schedule as EventBridge has it: six fields, of which one day is "?", and days of the week from 1, Sunday.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """
    schedule = schedules.read(when)
    if schedule.minutes:
        return _rate(schedule.minutes)
    minute, hour, day, month, weekday = (_spelt(field) for field in schedule.cron)
    if weekday == "*":
        return f"cron({minute} {hour} {day} {month} ? *)"
    days = sorted({number % 7 + 1 for number in schedules.numbers(schedule.cron[4], 0, 6)})
    return f"cron({minute} {hour} ? {month} {','.join(map(str, days))} *)"


def _rate(minutes: int) -> str:
    for unit, length in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes % length == 0:
            count = minutes // length
            return f"rate({count} {unit}{'s' if count > 1 else ''})"
    raise AssertionError(minutes)


def _spelt(field: str) -> str:
    """Steps within a range are spelt out: EventBridge has steps only from a first number on."""
    if "-" not in field or "/" not in field:
        return field.replace("*/", "0/") if field.startswith("*/") else field
    return ",".join(map(str, sorted(schedules.numbers(field, 0, 59))))


def _id(trigger: Trigger) -> str:
    digest = hashlib.sha256(f"{trigger.kind} {sorted(trigger.options.items())}".encode()).hexdigest()[:6]
    return f"{trigger.kind.capitalize()}{digest}"


def _ref(name: str) -> Json:
    return {"Ref": name}


def _arn(name: str = "Function") -> Json:
    return {"Fn::GetAtt": [name, "Arn"]}


def _sub(text: str) -> Json:
    return {"Fn::Sub": text}


def _permission(principal: str, source: Any) -> Json:
    properties = {"Action": "lambda:InvokeFunction", "FunctionName": _ref("Function"), "Principal": principal}
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {**properties, "SourceArn": source, "SourceAccount": _ref("AWS::AccountId")},
    }


def _url(trigger: Trigger, _: str) -> Json:  # noqa: ARG001
    """Open to anybody: that is what @on.http says."""
    permission = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunctionUrl",
            "FunctionName": _ref("Function"),
            "Principal": "*",
            "FunctionUrlAuthType": "NONE",
        },
    }
    return {**_url_resource("NONE"), "UrlPermission": permission}


def _url_resource(auth: str) -> Json:
    properties = {"AuthType": auth, "TargetFunctionArn": _arn()}
    return {"Url": {"Type": "AWS::Lambda::Url", "Properties": properties}}


def _schedule(trigger: Trigger, id: str) -> Json:
    properties = {
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ScheduleExpression": expression(trigger.resource),
        "ScheduleExpressionTimezone": trigger.options["timezone"],
        "Target": {"Arn": _arn(), "RoleArn": _ref("SchedulerRole")},
    }
    return {id: {"Type": "AWS::Scheduler::Schedule", "Properties": properties}}


def _blob(trigger: Trigger, id: str) -> Json:
    """By EventBridge, which the bucket's owner turns on: a notification of the bucket's own would be the bucket's."""
    options = trigger.options
    key = [{"wildcard": f"{options['prefix']}*{options['suffix']}"}] if options["prefix"] or options["suffix"] else []
    detail = {"bucket": {"name": [trigger.resource]}, **({"object": {"key": key}} if key else {})}
    change = "Object Deleted" if options["change"] == "deleted" else "Object Created"
    return _rule(id, {"source": ["aws.s3"], "detail-type": [change], "detail": detail})


def _rule(id: str, pattern: Json) -> Json:
    target = {"Arn": _arn(), "Id": "Function"}
    rule = {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": pattern, "Targets": [target]}}
    return {id: rule, f"{id}Permission": _permission("events.amazonaws.com", _arn(id))}


def _queue(trigger: Trigger, id: str) -> Json:
    batch = trigger.options["batch"]
    arn = _sub(f"arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:{trigger.resource}")
    window = {"MaximumBatchingWindowInSeconds": 1} if batch > UNWINDOWED else {}
    reported = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
    return _mapping(id, {"EventSourceArn": arn, "BatchSize": batch, **window, **reported})


def _mapping(id: str, properties: Json) -> Json:
    named = {"FunctionName": _ref("Function"), **properties}
    return {id: {"Type": "AWS::Lambda::EventSourceMapping", "Properties": named}}


def _topic(trigger: Trigger, id: str) -> Json:
    arn = _sub(f"arn:${{AWS::Partition}}:sns:${{AWS::Region}}:${{AWS::AccountId}}:{trigger.resource}")
    subscription = {"TopicArn": arn, "Protocol": "lambda", "Endpoint": _arn()}
    return {
        id: {"Type": "AWS::SNS::Subscription", "Properties": subscription},
        f"{id}Permission": _permission("sns.amazonaws.com", arn),
    }


def _stream(trigger: Trigger, id: str) -> Json:
    common = {"BatchSize": trigger.options["batch"], "StartingPosition": STARTS[trigger.options["start"]]}
    if trigger.options["via"] == "kafka":
        servers = [server.strip() for server in trigger.options["connection"].split(",")]
        source = {"Endpoints": {"KafkaBootstrapServers": servers}}
        return _mapping(id, {"SelfManagedEventSource": source, "Topics": [trigger.resource], **common})
    arn = _sub(f"arn:${{AWS::Partition}}:kinesis:${{AWS::Region}}:${{AWS::AccountId}}:stream/{trigger.resource}")
    reported = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
    return _mapping(id, {"EventSourceArn": arn, **common, **reported})


def _event(trigger: Trigger, id: str) -> Json:
    source = {"source": [trigger.options["source"]]} if trigger.options["source"] else {}
    return _rule(id, {"detail-type": [trigger.resource], **source})


_MAKE: Mapping[str, Any] = {
    "http": _url,
    "schedule": _schedule,
    "blob": _blob,
    "queue": _queue,
    "topic": _topic,
    "stream": _stream,
    "event": _event,
}
