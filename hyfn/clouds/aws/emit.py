"""The events of AWS's services, for `hyfn emit`: as each gives them to a Lambda."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from hyfn.cloud import Notification
from hyfn.event import BLOB_DELETED
from hyfn.model import Trigger
from hyfn.wire.carrier import Endpoint, Request, Response

REGION, ACCOUNT = "us-east-1", "123456789012"
SHARD = "shardId-000000000000"
FIRST = 49545115243490985018280067714973144582180062593244200961
"""A sequence number as Kinesis makes them."""
HEADERS = {"Content-Type": "application/json", "X-Amz-Invocation-Type": "RequestResponse"}

Event = Mapping[str, Any]
Json = dict[str, Any]


class LambdaEmitter:
    """See hyfn.cloud.Emitter. What comes in batches comes in one invocation, of Kinesis those of one shard; all else
    comes one by one."""

    def notify(self, endpoint: Endpoint, trigger: Trigger, events: Sequence[Event]) -> Sequence[Notification]:
        return [
            _notification(endpoint, _native(trigger, batch), batch)
            for batch in _batches(trigger, _filled(trigger, events))
        ]

    def failed(self, notification: Notification, response: Response) -> Sequence[str]:
        """Those of the batch that the function names, of Kinesis with what follows the first of them; all of them where
        the invocation failed, or names what it was not given."""
        if response.status != 200 or "x-amz-function-error" in response.headers:
            return notification.ids
        records = json.loads(notification.request.body).get("Records", ())
        keys = _keys(records)
        named = {each.get("itemIdentifier") for each in (_answer(response).get("batchItemFailures") or ())}
        if not keys or not named:
            return []
        if not named <= set(keys):
            return notification.ids
        if "kinesis" in records[0]:
            return notification.ids[min(map(keys.index, named)) :]
        return [id for id, key in zip(notification.ids, keys, strict=True) if key in named]


emitter = LambdaEmitter()


def _filled(trigger: Trigger, events: Sequence[Event]) -> list[Event]:
    """Each with a time, a record also with its place in the stream."""
    now = datetime.now(UTC).isoformat()
    timed: list[Event] = [{"time": now, **event} for event in events]
    if trigger.kind != "stream":
        return timed
    is_kafka = trigger.options["via"] == "kafka"
    partition, first = ("0", 0) if is_kafka else (SHARD, FIRST)
    return [{"partition": partition, "sequence": str(first + number), **event} for number, event in enumerate(timed)]


def _batches(trigger: Trigger, events: Sequence[Event]) -> list[list[Event]]:
    if trigger.kind not in ("queue", "stream"):
        return [[event] for event in events]
    size, batches = trigger.options["batch"], []
    is_sharded = trigger.kind == "stream" and trigger.options["via"] == "platform"
    shards: dict[str, list[Event]] = {}
    for event in events:
        shards.setdefault(str(event["partition"]) if is_sharded else "", []).append(event)
    for found in shards.values():
        batches += [found[start : start + size] for start in range(0, len(found), size)]
    return batches


def _keys(records: Sequence[Json]) -> list[str]:
    """By which Lambda knows the records of a batch that may fail in part; [] of all else."""
    found = [record.get("messageId") or record.get("kinesis", {}).get("sequenceNumber") for record in records]
    return found if all(found) else []


def _answer(response: Response) -> Json:
    answer = json.loads(response.body or b"null")
    return answer if isinstance(answer, dict) else {}


def _notification(endpoint: Endpoint, native: Json, events: Sequence[Event]) -> Notification:
    body = json.dumps(native).encode()
    return Notification(Request("POST", endpoint.url, HEADERS, body), [event["id"] for event in events])


def _native(trigger: Trigger, events: Sequence[Event]) -> Json:
    if trigger.kind == "stream" and trigger.options["via"] == "kafka":
        return _kafka(trigger.resource, events)
    if trigger.kind in _RECORDS:
        make = _RECORDS[trigger.kind]
        return {"Records": [make(trigger.resource, event) for event in events]}
    return _tick(trigger.resource, events[0]) if trigger.kind == "schedule" else _bridge(events[0])


def _s3(bucket: str, event: Event) -> Json:
    about = event["data"]
    named = {
        "key": quote_plus(event["subject"], safe="/"),
        "size": about.get("size"),
        "eTag": about.get("etag"),
        "versionId": about.get("version"),
    }
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": event["time"],
        "eventName": "ObjectRemoved:Delete" if event["type"] == BLOB_DELETED else "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:hyfn"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": event["id"], "x-amz-id-2": "hyfn"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "hyfn",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": "hyfn"}, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {name: value for name, value in named.items() if value is not None},
        },
    }


def _sqs(queue: str, event: Event) -> Json:
    sent = str(_milliseconds(event["time"]))
    group = {"MessageGroupId": event.get("partitionkey") or "hyfn"} if queue.endswith(".fifo") else {}
    return {
        "messageId": event["id"],
        "receiptHandle": "hyfn",
        "body": _body(event).decode(),
        "attributes": {
            "ApproximateReceiveCount": str(event.get("attempt", 1)),
            "SentTimestamp": sent,
            "SenderId": "hyfn",
            "ApproximateFirstReceiveTimestamp": sent,
            **group,
        },
        "messageAttributes": {
            name: {"stringValue": str(value), "stringListValues": [], "binaryListValues": [], "dataType": "String"}
            for name, value in _extensions(event)
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
        "awsRegion": REGION,
    }


def _sns(topic: str, event: Event) -> Json:
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:{topic}"
    return {
        "EventVersion": "1.0",
        "EventSubscriptionArn": f"{arn}:hyfn",
        "EventSource": "aws:sns",
        "Sns": {
            "Type": "Notification",
            "MessageId": event["id"],
            "TopicArn": arn,
            "Subject": event.get("subject"),
            "Message": _body(event).decode(),
            "Timestamp": event["time"],
            "MessageAttributes": {name: {"Type": "String", "Value": str(value)} for name, value in _extensions(event)},
        },
    }


def _kinesis(stream: str, event: Event) -> Json:
    sequence = event["sequence"]
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": event.get("partitionkey") or event["id"],
            "sequenceNumber": sequence,
            "data": b64encode(_body(event)).decode(),
            "approximateArrivalTimestamp": _milliseconds(event["time"]) / 1000,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{event['partition']}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/hyfn",
        "awsRegion": REGION,
        "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{stream}",
    }


def _kafka(topic: str, events: Sequence[Event]) -> Json:
    records: dict[str, list[Json]] = {}
    for event in events:
        partition, key = int(event["partition"]), event.get("partitionkey")
        record = {
            "topic": topic,
            "partition": partition,
            "offset": int(event["sequence"]),
            "timestamp": _milliseconds(event["time"]),
            "timestampType": "CREATE_TIME",
            "key": None if key is None else b64encode(key.encode()).decode(),
            "value": b64encode(_body(event)).decode(),
            "headers": [{name: list(str(value).encode())} for name, value in _extensions(event)],
        }
        records.setdefault(f"{topic}-{partition}", []).append(record)
    return {"eventSource": "SelfManagedKafka", "bootstrapServers": "localhost:9092", "records": records}


def _tick(when: str, event: Event) -> Json:
    """As the templates of `resources` have EventBridge Scheduler send it."""
    arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/hyfn"
    told = {"detail-type": "Scheduled Event", "source": "aws.scheduler", "resources": [arn], "detail": {"when": when}}
    return {**_envelope(event), **told}


def _bridge(event: Event) -> Json:
    """What EventBridge has no field for, it carries as a CloudEvent in the detail."""
    envelope = {**_envelope(event), "detail-type": event["type"], "source": event["source"], "resources": []}
    plain = {"specversion", "type", "source", "id", "time", "data", "datacontenttype"}
    if event.keys() <= plain and isinstance(event.get("data"), dict):
        return {**envelope, "detail": event["data"]}
    body = {"data_base64": b64encode(event["data_base64"]).decode()} if "data_base64" in event else {}
    return {**envelope, "detail": {**event, **body}}


def _envelope(event: Event) -> Json:
    return {"version": "0", "id": event["id"], "account": ACCOUNT, "time": event["time"], "region": REGION}


def _body(event: Event) -> bytes:
    if "data_base64" in event:
        body: bytes = event["data_base64"]
        return body
    return json.dumps(event["data"]).encode() if "data" in event else b""


def _extensions(event: Event) -> list[tuple[str, Any]]:
    known = "specversion type source id subject time datacontenttype dataschema data data_base64 attempt partition"
    return [(name, each) for name, each in event.items() if name not in f"{known} partitionkey sequence".split()]


def _milliseconds(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)


_RECORDS: Mapping[str, Callable[[str, Event], Json]] = {
    "blob": _s3,
    "queue": _sqs,
    "topic": _sns,
    "stream": _kinesis,
}
