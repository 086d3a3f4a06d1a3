"""A Lambda and what wakes it, as an AWS CloudFormation template in JSON. Pure.

Types and properties: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hyfn.clouds.aws.on import S3_CHANGES
from hyfn.clouds.aws.triggers import UNWINDOWED, expression, is_kafka
from hyfn.model import FunctionSpec, Target, Trigger

Json = dict[str, Any]

STARTS = {"latest": "LATEST", "earliest": "TRIM_HORIZON"}
MSK = "arn:"
"""A cluster of Amazon's own Kafka is known by its ARN, any other by its servers."""
REPORTING: Json = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
TICK = {
    "version": "0",
    "id": "<aws.scheduler.schedule-arn>@<aws.scheduler.scheduled-time>",
    "detail-type": "Scheduled Event",
    "source": "aws.scheduler",
    "time": "<aws.scheduler.scheduled-time>",
    "resources": ["<aws.scheduler.schedule-arn>"],
}
"""What EventBridge Scheduler is to send: its own form, but with an id that a second attempt has too.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html"""
PARAMETERS: Json = {
    "CodeBucket": {"Type": "String", "Description": "The bucket that the artifact was uploaded to"},
    "CodeKey": {"Type": "String", "Description": "The artifact's name in it"},
    "FunctionRole": {"Type": "String", "Description": "The ARN of the role that the function runs by"},
    "KafkaAccess": {
        "Type": "String",
        "Default": "SASL_SCRAM_512_AUTH",
        "Description": "How Lambda is let in to Kafka, a type of SourceAccessConfiguration",
    },
    "KafkaSecret": {"Type": "String", "Description": "The ARN of the secret by which it is, in AWS Secrets Manager"},
    "SchedulerRole": {"Type": "String", "Description": "The ARN of a role by which schedules invoke the function"},
}
"""Those that may be wanted. What a connection names is one more."""


def template(function: FunctionSpec, target: Target, name: str, image: str, made: Mapping[str, Any]) -> Json:
    """`made` are the function's own properties: Runtime, Handler, MemorySize, Timeout, Architectures.

    What this project does not own (queues, topics, streams, buckets) is named, never made: those of the account and
    region that the template is deployed to. A bucket must have EventBridge turned on
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html); a queue must
    hide a message for as long as the function may run; the role must be allowed to read queues and streams.
    """
    env = target.options.get("env") or {}
    code = {"ImageUri": image} if image else {"S3Bucket": _ref("CodeBucket"), "S3Key": _ref("CodeKey")}
    properties = {**made, "FunctionName": name, "Role": _ref("FunctionRole"), "Code": code}
    properties |= {"PackageType": "Image"} if image else {}
    properties |= {"Environment": {"Variables": dict(sorted(env.items()))}} if env else {}
    resources: Json = {"Function": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    if target.options.get("url"):
        resources["Url"] = _url("AWS_IAM")
    for key, triggers in together(function.triggers).items():
        resources |= _MAKE[triggers[0].kind](triggers, _id(key))
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": _parameters(function.triggers, json.dumps(resources)),
        "Resources": resources,
    }


def _parameters(triggers: Sequence[Trigger], resources: str) -> Json:
    named = {_parameter(trigger.options["connection"]) for trigger in triggers if trigger.options.get("connection")}
    servers = {"Type": "CommaDelimitedList", "Description": "The bootstrap servers of Kafka, host:port"}
    wanted = {**PARAMETERS, **dict.fromkeys(sorted(named), servers)}
    return {name: each for name, each in wanted.items() if json.dumps(_ref(name)) in resources}


Key = tuple[str, ...]


def together(triggers: Sequence[Trigger]) -> dict[Key, list[Trigger]]:
    """Those of one source, for which AWS is told once: an event that two functions of the artifact wait for comes once,
    and the artifact gives it to both."""
    found: dict[Key, list[Trigger]] = {}
    for trigger in triggers:
        own = [str(trigger.options.get(option, "")) for option in ("timezone", "change", "via", "connection")]
        path = "" if trigger.kind == "http" else trigger.resource
        found.setdefault((trigger.kind, path, *own), []).append(trigger)
    return dict(sorted(found.items()))


def _id(key: Key) -> str:
    return f"{key[0].capitalize()}{hashlib.sha256(repr(key).encode()).hexdigest()[:6]}"


def _ref(name: str) -> Json:
    return {"Ref": name}


def _arn(name: str = "Function") -> Json:
    return {"Fn::GetAtt": [name, "Arn"]}


def _named(service: str, name: str) -> Json:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{name}"}


def _permission(principal: str, source: Json) -> Json:
    """For one source of this account, which its ARN tells."""
    return _allowed("lambda:InvokeFunction", Principal=principal, SourceArn=source)


def _allowed(action: str, **properties: Any) -> Json:
    given = {"Action": action, "FunctionName": _ref("Function"), **properties}
    return {"Type": "AWS::Lambda::Permission", "Properties": given}


def _http(_: Sequence[Trigger], __: str) -> Json:
    """Open to anybody: that is what @on.http says. A URL wants both permissions
    (https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html)."""
    return {
        "Url": _url("NONE"),
        "UrlPermission": _allowed("lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE"),
        "UrlInvokePermission": _allowed("lambda:InvokeFunction", Principal="*", InvokedViaFunctionUrl=True),
    }


def _url(auth: str) -> Json:
    return {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": auth, "TargetFunctionArn": _arn()}}


def _schedule(triggers: Sequence[Trigger], id: str) -> Json:
    when = triggers[0].resource
    properties = {
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ScheduleExpression": expression(when),
        "ScheduleExpressionTimezone": triggers[0].options["timezone"],
        "Target": {"Arn": _arn(), "RoleArn": _ref("SchedulerRole"), "Input": tick(when)},
    }
    return {id: {"Type": "AWS::Scheduler::Schedule", "Properties": properties}}


def tick(when: str) -> str:
    """What a schedule sends: `when` says which."""
    return json.dumps({**TICK, "detail": {"when": when}})


def pattern(triggers: Sequence[Trigger]) -> Json:
    """The events that those of one source wait for, as EventBridge has it."""
    return _changes(triggers) if triggers[0].kind == "blob" else _events(triggers)


def _changes(triggers: Sequence[Trigger]) -> Json:
    """By EventBridge, since a notification of the bucket's own is the bucket's, and that one is not ours."""
    wanted = sorted({f"{_plain(each.options['prefix'])}*{_plain(each.options['suffix'])}" for each in triggers})
    keys = {} if "*" in wanted else {"object": {"key": [{"wildcard": each} for each in wanted]}}
    [change] = [kind for kind, made in S3_CHANGES.items() if made.endswith(triggers[0].options["change"])]
    detail = {"bucket": {"name": [triggers[0].resource]}, **keys}
    return {"source": ["aws.s3"], "detail-type": [change], "detail": detail}


def _plain(text: str) -> str:
    """As itself in a wildcard of EventBridge's
    (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html)."""
    return text.replace("\\", "\\\\").replace("*", "\\*")


def _events(triggers: Sequence[Trigger]) -> Json:
    sources = sorted({trigger.options["source"] for trigger in triggers})
    return {"detail-type": [triggers[0].resource], **({} if "" in sources else {"source": sources})}


def _rule(triggers: Sequence[Trigger], id: str) -> Json:
    target = {"Arn": _arn(), "Id": "Function"}
    rule = {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": pattern(triggers), "Targets": [target]}}
    return {id: rule, f"{id}Permission": _permission("events.amazonaws.com", _arn(id))}


def _topic(triggers: Sequence[Trigger], id: str) -> Json:
    topic = _named("sns", triggers[0].resource)
    subscription = {"TopicArn": topic, "Protocol": "lambda", "Endpoint": _arn()}
    return {
        id: {"Type": "AWS::SNS::Subscription", "Properties": subscription},
        f"{id}Permission": _permission("sns.amazonaws.com", topic),
    }


def _queue(triggers: Sequence[Trigger], id: str) -> Json:
    batch = _batch(triggers)
    window = {"MaximumBatchingWindowInSeconds": 1} if batch > UNWINDOWED else {}
    source = {"EventSourceArn": _named("sqs", triggers[0].resource)}
    return _mapping(id, {**source, "BatchSize": batch, **window, **REPORTING})


def _stream(triggers: Sequence[Trigger], id: str) -> Json:
    starts = {trigger.options["start"] for trigger in triggers}
    start = STARTS["earliest" if "earliest" in starts else "latest"]
    common = {"BatchSize": _batch(triggers), "StartingPosition": start}
    if is_kafka(triggers[0]):
        return _mapping(id, {**_kafka(triggers[0].options["connection"]), "Topics": [triggers[0].resource], **common})
    return _mapping(id, {"EventSourceArn": _named("kinesis", f"stream/{triggers[0].resource}"), **common, **REPORTING})


def _kafka(connection: str) -> Json:
    if connection.startswith(MSK):
        return {"EventSourceArn": connection}
    servers: Any = [server.strip() for server in connection.split(",")]
    if ":" not in connection:
        servers = _ref(_parameter(connection))
    return {
        "SelfManagedEventSource": {"Endpoints": {"KafkaBootstrapServers": servers}},
        "SourceAccessConfigurations": [{"Type": _ref("KafkaAccess"), "URI": _ref("KafkaSecret")}],
    }


def _parameter(setting: str) -> str:
    """A parameter's name has letters and digits only."""
    return "".join(letter for letter in setting.title() if letter.isascii() and letter.isalnum())


def _batch(triggers: Sequence[Trigger]) -> int:
    return max(int(trigger.options["batch"]) for trigger in triggers)


def _mapping(id: str, properties: Json) -> Json:
    named = {"FunctionName": _ref("Function"), **properties}
    return {id: {"Type": "AWS::Lambda::EventSourceMapping", "Properties": named}}


_MAKE: Mapping[str, Callable[[Sequence[Trigger], str], Json]] = {
    "http": _http,
    "schedule": _schedule,
    "blob": _rule,
    "queue": _queue,
    "topic": _topic,
    "stream": _stream,
    "event": _rule,
}
