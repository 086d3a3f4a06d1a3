"""What wakes a Lambda besides a call: the events of S3, SQS, SNS, Kinesis, Kafka, EventBridge and its Scheduler.

Their forms: https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html and its page of each service.
"""

from __future__ import annotations

from binascii import Error, a2b_base64

from hyfn.errors import Malformed
from hyfn.event import (
    BLOB_CREATED,
    BLOB_DELETED,
    QUEUE_MESSAGE,
    SCHEDULE_TICK,
    STREAM_RECORD,
    TOPIC_MESSAGE,
    extensions,
    occurrence,
)
from hyfn.host import events
from hyfn.host.events import Delivery, Item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hyfn.host.events import Outcome
    from hyfn.host.run import Runner

MARGIN = 0.5
"""Seconds, a tenth of what is left at most, before Lambda ends an invocation by which nothing more of it is begun: what
is done by then is told as done."""
SCHEDULERS = ("aws.events", "aws.scheduler")
CHANGES = {"ObjectCreated": BLOB_CREATED, "ObjectRemoved": BLOB_DELETED, "LifecycleExpiration": BLOB_DELETED}
"""What S3's notifications begin with, of those that tell of a file written or gone.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html"""
S3_CHANGES = {"Object Created": BLOB_CREATED, "Object Deleted": BLOB_DELETED}
"""The detail types that S3 gives EventBridge."""
KAFKA = ("aws:kafka", "SelfManagedKafka")


def handle(runner: Runner, event: Any, context: Any) -> dict[str, Any]:
    """Run what waits for the event. Raises Malformed, and what a function raised, where Lambda knows no other way."""
    came = delivery(event)
    left: float = context.get_remaining_time_in_millis() / 1000
    return answer(came.kind, _source(event), events.deliver(runner, came, left - min(MARGIN, left / 10)))


def answer(kind: str, source: str, outcome: Outcome) -> dict[str, Any]:
    """Of a queue and of Kinesis, the items that Lambda keeps for another try; of all else the invocation has failed.

    Of a FIFO queue those too that were not run because one before them failed, so that they keep their order
    (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html); in a shard of Kinesis Lambda itself
    goes back to the first. Lambda reads such an answer only where the event source mapping asks for it, as those of
    `resources` do; elsewhere it would take failures for successes. Kafka's mappings can ask for it in provisioned mode
    alone (https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html), which costs by the hour: of
    Kafka the whole batch comes again.
    """
    if kind == "queue":
        return _failures(list(dict.fromkeys([*outcome.failed, *outcome.skipped])))
    if kind == "stream" and source not in KAFKA:
        return _failures(list(outcome.failed))
    if outcome.error is not None:
        raise outcome.error
    return {}


def _failures(keys: list[str]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": key} for key in keys]}


def delivery(event: Any) -> Delivery:
    """Raises Malformed for what none of these services sends."""
    try:
        return _checked(_read(event))
    except (AttributeError, KeyError, IndexError, OverflowError, TypeError, ValueError, Error) as error:
        raise Malformed(f"not an event of a service of AWS: {type(error).__name__}: {error}") from error


def _read(event: Any) -> Delivery:
    source = _source(event)
    if source in KAFKA:
        return _kafka([record for records in event["records"].values() for record in records])
    return _RECORDS[source](event["Records"]) if source else _bridge(event)


def _checked(found: Delivery) -> Delivery:
    """Names that are no text name nothing. Raises TypeError."""
    for item in found.items:
        named = (found.resource, item.key, item.group, *(item.event[name] for name in ("id", "source", "type")))
        if not all(isinstance(name, str) for name in named):
            raise TypeError("what names it is no text")
    return found


def _source(event: Any) -> str:
    if "Records" in event:
        first = event["Records"][0]
        return str(first.get("eventSource") or first["EventSource"])
    return str(event.get("eventSource", ""))


def _s3(records: list[Any]) -> Delivery:
    items = [_blob(record, str(index)) for index, record in enumerate(records)]
    return Delivery("blob", records[0]["s3"]["bucket"]["name"], items)


def _blob(record: Any, key: str) -> Item:
    """The name is encoded as in a form; of one request that deletes many, each record has its own sequencer. Where
    neither is told, the id is made of name and time."""
    about, bucket = record["s3"]["object"], record["s3"]["bucket"]["name"]
    change = CHANGES[record["eventName"].partition(":")[0]]
    request = (record.get("responseElements") or {}).get("x-amz-request-id", "")
    name, time = _unquoted(about["key"]), record["eventTime"]
    id = "-".join(part for part in (request, about.get("sequencer", "")) if part) or f"{name}@{time}"
    data = _about(bucket, name, about.get("size"), about.get("eTag"), about.get("versionId"))
    return Item(key, occurrence(change, f"/blob/{bucket}", id, subject=name, time=time, data=data))


def _about(bucket: str, name: str, size: Any, etag: Any, version: Any) -> dict[str, Any]:
    given = {"container": bucket, "name": name, "size": size, "etag": etag, "version": version}
    return {field: value for field, value in given.items() if value is not None and value != ""}


def _unquoted(text: str) -> str:
    first, *rest = text.replace("+", " ").encode().split(b"%")
    return (first + b"".join(bytes((int(part[:2], 16),)) + part[2:] for part in rest)).decode()


def _sqs(records: list[Any]) -> Delivery:
    name = _last(records[0]["eventSourceARN"])
    return Delivery("queue", name, [_message(record, name) for record in records])


def _message(record: Any, queue: str) -> Item:
    """Attributes of bytes are left out: an extension is a text."""
    about, attributes = record["attributes"], record.get("messageAttributes") or {}
    given = {name: each["stringValue"] for name, each in attributes.items() if each.get("stringValue") is not None}
    event = occurrence(
        QUEUE_MESSAGE,
        f"/queue/{queue}",
        record["messageId"],
        body=record["body"].encode(),
        time=_time(int(about["SentTimestamp"]) / 1000),
        attempt=int(about["ApproximateReceiveCount"]),
    )
    return Item(record["messageId"], {**extensions(given), **event}, about.get("MessageGroupId", ""))


def _sns(records: list[Any]) -> Delivery:
    name = _last(records[0]["Sns"]["TopicArn"])
    return Delivery("topic", name, [_notification(record["Sns"], name) for record in records])


def _notification(record: Any, topic: str) -> Item:
    attributes = record.get("MessageAttributes") or {}
    given = {name: each["Value"] for name, each in attributes.items() if each["Type"] != "Binary"}
    event = occurrence(
        TOPIC_MESSAGE,
        f"/topic/{topic}",
        record["MessageId"],
        body=record["Message"].encode(),
        subject=record.get("Subject"),
        time=record["Timestamp"],
    )
    return Item(record["MessageId"], {**extensions(given), **event})


def _kinesis(records: list[Any]) -> Delivery:
    name = records[0]["eventSourceARN"].rpartition("/")[2]
    return Delivery("stream", name, [_record(record, name) for record in records])


def _record(record: Any, stream: str) -> Item:
    about, shard = record["kinesis"], record["eventID"].partition(":")[0]
    event = occurrence(
        STREAM_RECORD,
        f"/stream/{stream}",
        record["eventID"],
        body=a2b_base64(about["data"]),
        time=_time(about["approximateArrivalTimestamp"]),
        partition=shard,
        partitionkey=about["partitionKey"],
        sequence=about["sequenceNumber"],
    )
    return Item(about["sequenceNumber"], event, shard)


def _kafka(records: list[Any]) -> Delivery:
    return Delivery("stream", records[0]["topic"], [_kafka_record(record) for record in records])


def _kafka_record(record: Any) -> Item:
    """Bytes of headers are numbers, as Java has them: from -128 on."""
    topic, place = record["topic"], f"{record['topic']}-{record['partition']}"
    key, headers = record.get("key"), [pair for each in record.get("headers") or () for pair in each.items()]
    event = occurrence(
        STREAM_RECORD,
        f"/stream/{topic}",
        f"{place}@{record['offset']}",
        body=a2b_base64(record.get("value") or ""),
        time=_time(record["timestamp"] / 1000),
        partition=str(record["partition"]),
        partitionkey=None if key is None else a2b_base64(key).decode("utf-8", "replace"),
        sequence=str(record["offset"]),
    )
    given = {name: bytes(code % 256 for code in value).decode("utf-8", "replace") for name, value in headers}
    return Item(event["id"], {**extensions(given), **event}, place)


def _bridge(event: Any) -> Delivery:
    """An event of EventBridge: a schedule's, S3's, or anybody's, whose detail type and source become its own."""
    id, kind, source, detail = event["id"], event["detail-type"], event["source"], event["detail"]
    if source in SCHEDULERS:
        return _schedule(event, detail)
    if source == "aws.s3" and kind in S3_CHANGES:
        return _bridged_blob(event, detail)
    if isinstance(detail, dict) and "specversion" in detail:
        return Delivery("event", "", [Item(id, _enclosed(detail))])
    made = occurrence(kind, source, id, time=event["time"], datacontenttype="application/json", data=detail)
    return Delivery("event", "", [Item(id, made)])


def _schedule(event: Any, detail: Any) -> Delivery:
    """Which of several it is stands in the detail, where `resources` had it put there."""
    when = detail.get("when", "") if isinstance(detail, dict) else ""
    tick = occurrence(SCHEDULE_TICK, "/schedule", event["id"], time=event["time"])
    return Delivery("schedule", when, [Item(event["id"], tick)])


def _enclosed(detail: dict[str, Any]) -> dict[str, Any]:
    """A whole CloudEvent in JSON as somebody's detail: then it is the event."""
    from hyfn.host.cloudevents import structured

    event = structured(detail)
    return {**event, "data_base64": a2b_base64(event["data_base64"])} if "data_base64" in event else event


def _bridged_blob(event: Any, detail: Any) -> Delivery:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html: here the name is not encoded."""
    bucket, about = detail["bucket"]["name"], detail["object"]
    data = _about(bucket, about["key"], about.get("size"), about.get("etag"), about.get("version-id"))
    change = S3_CHANGES[event["detail-type"]]
    made = occurrence(change, f"/blob/{bucket}", event["id"], subject=about["key"], time=event["time"], data=data)
    return Delivery("blob", bucket, [Item(event["id"], made)])


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]


def _time(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat()


_RECORDS: dict[str, Callable[[list[Any]], Delivery]] = {
    "aws:s3": _s3,
    "aws:sqs": _sqs,
    "aws:sns": _sns,
    "aws:kinesis": _kinesis,
}
