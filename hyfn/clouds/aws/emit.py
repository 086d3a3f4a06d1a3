"""The events of AWS's services, for `hyfn emit`: as each gives them to a Lambda."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
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
    """See hyfn.cloud.Emitter. What comes in batches comes in one invocation, all else one by one."""

    def notify(self, endpoint: Endpoint, trigger: Trigger, events: Sequence[Event]) -> Sequence[Notification]:
        if trigger.kind in ("queue", "stream"):
            size = trigger.options["batch"]
            batches = [events[start : start + size] for start in range(0, len(events), size)]
        else:
            batches = [[event] for event in events]
        return [_notification(endpoint, _native(trigger, batch), batch) for batch in batches]

    def failed(self, notification: Notification, response: Response) -> Sequence[str]:
        """Those of the batch that the function names, or all of them where the invocation failed."""
        if response.status != 200 or "x-amz-function-error" in response.headers:
            return notification.ids
        answer = json.loads(response.body or b"null")
        named = {each["itemIdentifier"] for each in (answer or {}).get("batchItemFailures", ())}
        records = json.loads(notification.request.body).get("Records", ())
        keys = [record.get("messageId") or record["kinesis"]["sequenceNumber"] for record in records] if named else []
        return [id for id, key in zip(notification.ids, keys, strict=False) if key in named]


emitter = LambdaEmitter()


def _notification(endpoint: Endpoint, native: Json, events: Sequence[Event]) -> Notification:
    body = json.dumps(native).encode()
    return Notification(Request("POST", endpoint.url, HEADERS, body), [event["id"] for event in events])


def _native(trigger: Trigger, events: Sequence[Event]) -> Json:
    if trigger.kind == "stream" and trigger.options["via"] == "kafka":
        return _kafka(trigger.resource, events)
    if trigger.kind in _RECORDS:
        make = _RECORDS[trigger.kind]
        return {"Records": [make(trigger.resource, event, number) for number, event in enumerate(events)]}
    return _tick(events[0]) if trigger.kind == "schedule" else _bridge(events[0])


def _s3(bucket: str, event: Event, _: int) -> Json:
    about = event["data"]
    named = {"key": quote_plus(event["subject"], safe="/"), "size": about.get("size"), "eTag": about.get("etag")}
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


def _sqs(queue: str, event: Event, _: int) -> Json:
    sent = str(_milliseconds(event["time"]))
    return {
        "messageId": event["id"],
        "receiptHandle": "hyfn",
        "body": event["data_base64"].decode(),
        "attributes": {
            "ApproximateReceiveCount": str(event.get("attempt", 1)),
            "SentTimestamp": sent,
            "SenderId": "hyfn",
            "ApproximateFirstReceiveTimestamp": sent,
        },
        "messageAttributes": {
            name: {"stringValue": str(value), "stringListValues": [], "binaryListValues": [], "dataType": "String"}
            for name, value in _extensions(event)
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
        "awsRegion": REGION,
    }


def _sns(topic: str, event: Event, _: int) -> Json:
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
            "Message": event["data_base64"].decode(),
            "Timestamp": event["time"],
            "MessageAttributes": {name: {"Type": "String", "Value": str(value)} for name, value in _extensions(event)},
        },
    }


def _kinesis(stream: str, event: Event, number: int) -> Json:
    sequence, shard = str(event.get("sequence") or FIRST + number), str(event.get("partition") or SHARD)
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": event.get("partitionkey") or event["id"],
            "sequenceNumber": sequence,
            "data": b64encode(event["data_base64"]).decode(),
            "approximateArrivalTimestamp": _milliseconds(event["time"]) / 1000,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/hyfn",
        "awsRegion": REGION,
        "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{stream}",
    }


def _kafka(topic: str, events: Sequence[Event]) -> Json:
    records: dict[str, list[Json]] = {}
    for number, event in enumerate(events):
        partition = int(event.get("partition") or 0)
        key = str(event.get("partitionkey") or event["id"])
        record = {
            "topic": topic,
            "partition": partition,
            "offset": int(event.get("sequence") or number),
            "timestamp": _milliseconds(event["time"]),
            "timestampType": "CREATE_TIME",
            "key": b64encode(key.encode()).decode(),
            "value": b64encode(event["data_base64"]).decode(),
            "headers": [{name: list(str(value).encode())} for name, value in _extensions(event)],
        }
        records.setdefault(f"{topic}-{partition}", []).append(record)
    return {"eventSource": "SelfManagedKafka", "bootstrapServers": "localhost:9092", "records": records}


def _tick(event: Event) -> Json:
    arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/hyfn"
    return {
        **_envelope(event),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "resources": [arn],
        "detail": "{}",
    }


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


def _extensions(event: Event) -> list[tuple[str, Any]]:
    known = "specversion type source id subject time datacontenttype dataschema data data_base64 attempt partition"
    return [(name, each) for name, each in event.items() if name not in f"{known} partitionkey sequence".split()]


def _milliseconds(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)


_RECORDS: Mapping[str, Callable[[str, Event, int], Json]] = {
    "blob": _s3,
    "queue": _sqs,
    "topic": _sns,
    "stream": _kinesis,
}
