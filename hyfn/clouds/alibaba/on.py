"""What Function Compute's triggers bring, each as the body of an invocation.

Their forms: https://www.alibabacloud.com/help/en/functioncompute/fc/formats-of-event-for-different-triggers-1. What
comes through EventBridge is a CloudEvent; of a queue or of Kafka an array of them, or of their texts, as logs in
Alibaba's own examples show (kafka-trigger-fc-event-python3 of github.com/devsapp).
"""

from __future__ import annotations

from time import gmtime, strftime

from hyfn.errors import CallError, Malformed
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
from hyfn.host import cloudevents, events
from hyfn.host.events import Delivery, Item
from hyfn.wire import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from hyfn.host.door import Said
    from hyfn.host.events import Outcome
    from hyfn.host.run import Runner

QUEUE, KAFKA = "mns:Queue:SendMessage", "alikafka:Topic:Message"
REMOVED = ("ObjectRemoved:DeleteObject", "ObjectRemoved:DeleteObjects")
OF_A_MESSAGE = frozenset(
    (
        "Message",
        "MessageId",
        "MessageMD5",
        "MessageTag",
        "PublishTime",
        "Subscriber",
        "SubscriptionName",
        "TopicName",
        "TopicOwner",
    )
)
"""All else in a topic's notification are the message's own attributes."""
HAS_FAILED = "x-fc-status: 404\r\n"
"""Without it Function Compute takes an invocation for a success, whatever its status:
https://www.alibabacloud.com/help/en/functioncompute/fc/user-guide/specification-details"""


def take(runner: Runner, body: bytes, remaining: float) -> Said:
    """Give what an invocation brings to each function that waits for it, and say what became of it."""
    try:
        came = delivery(body)
    except CallError as error:
        return _failure(error, [])
    return answer(events.deliver(runner, came, remaining))


def delivery(body: bytes) -> Delivery:
    """Raises Malformed."""
    try:
        document = json_text.read(body.decode())
        if isinstance(document, list):
            return _through_eventbridge(document)
        for key, make in _FORMS.items():
            if key in document:
                return make(document)
        return _through_eventbridge([document])
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise Malformed("no trigger of Function Compute's brings this") from error


def answer(outcome: Outcome) -> Said:
    """An invocation succeeds or fails as a whole, and Function Compute or EventBridge brings all of it again, or to a
    dead letter queue; which items failed is for whoever reads the response."""
    if outcome.error is None:
        return 200, "text/plain", b""
    return _failure(outcome.error, list(outcome.failed))


def _failure(error: Exception, failed: list[str]) -> Said:
    code = error.code if isinstance(error, CallError) else "USER_ERROR"
    return 404, "application/json", json_text.write({"errorMessage": code, "failed": failed}).encode(), HAS_FAILED


def _timer(document: dict[str, Any]) -> Delivery:
    """Its payload is what the trigger was given: by hyfn its schedule."""
    at, when = document["triggerTime"], document.get("payload") or ""
    id = f"{document['triggerName']}@{at}"
    return Delivery("schedule", when, [Item(id, occurrence(SCHEDULE_TICK, "/schedule", id, time=at))])


def _oss(document: dict[str, Any]) -> Delivery:
    """The id of the request that changed the store is the event's."""
    notified = document["events"]
    items = [_object(each, number if len(notified) > 1 else None) for number, each in enumerate(notified)]
    return Delivery("blob", notified[0]["oss"]["bucket"]["name"], items)


def _object(notified: dict[str, Any], number: int | None) -> Item:
    if notified["eventSource"] != "acs:oss":
        raise Malformed("these are no events of OSS")
    container, about = notified["oss"]["bucket"]["name"], notified["oss"]["object"]
    request = notified["responseElements"]["requestId"]
    id = request if number is None else f"{request}:{number}"
    blob = {
        "container": container,
        "name": about["key"],
        "size": about.get("size"),
        "etag": about.get("eTag"),
        "content_type": (about.get("objectMeta") or {}).get("mimeType"),
    }
    kind = _change(notified["eventName"])
    event = occurrence(kind, f"/blob/{container}", id, data=blob, subject=about["key"], time=notified.get("eventTime"))
    return Item(id, event)


def _change(name: str) -> str:
    if name.startswith("ObjectCreated:"):
        return BLOB_CREATED
    if name in REMOVED:
        return BLOB_DELETED
    raise Malformed("neither a file that was written nor one that was deleted")


def _topic(document: dict[str, Any]) -> Delivery:
    id, name = document["MessageId"], document["TopicName"]
    attributes = {key: value for key, value in document.items() if key not in OF_A_MESSAGE}
    event = occurrence(
        TOPIC_MESSAGE,
        f"/topic/{name}",
        id,
        body=document["Message"].encode(),
        time=_time(document["PublishTime"]),
        subject=document.get("MessageTag"),
    )
    return Delivery("topic", name, [Item(id, extensions(attributes) | event)])


def _through_eventbridge(documents: Sequence[Any]) -> Delivery:
    brought = [cloudevents.structured(json_text.read(each) if isinstance(each, str) else each) for each in documents]
    kind = brought[0]["type"]
    if kind not in _BROUGHT:
        return Delivery("event", "", [Item(event["id"], event) for event in brought])
    if any(event["type"] != kind for event in brought):
        raise Malformed("events of different sources at once")
    return _BROUGHT[kind](brought)


def _queue(brought: Sequence[dict[str, Any]]) -> Delivery:
    """The queue stands in the subject: acs:mns:REGION:ACCOUNT:queues/NAME."""
    name = brought[0]["subject"].rpartition("queues/")[2]
    return Delivery("queue", name, [_message(event, name) for event in brought])


def _message(event: dict[str, Any], name: str) -> Item:
    id = event["data"]["messageId"]
    content = _content(event["data"]["messageBody"])
    return Item(id, occurrence(QUEUE_MESSAGE, f"/queue/{name}", id, time=event.get("time"), **content))


def _kafka(brought: Sequence[dict[str, Any]]) -> Delivery:
    return Delivery("stream", brought[0]["data"]["topic"], [_record(event) for event in brought])


def _record(event: dict[str, Any]) -> Item:
    """A record is known by its place, which stays the same however often it comes."""
    data = event["data"]
    partition, offset = str(int(data["partition"])), str(int(data["offset"]))
    id = f"{partition}:{offset}"
    record = occurrence(
        STREAM_RECORD,
        f"/stream/{data['topic']}",
        id,
        time=event.get("time"),
        partition=partition,
        sequence=offset,
        partitionkey=data.get("key"),
        **_content(data["value"]),
    )
    return Item(id, record, partition)


def _content(value: Any) -> dict[str, Any]:
    """A text, or what EventBridge has read of one."""
    return {"body": value.encode()} if isinstance(value, str) else {"data": value}


def _time(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(seconds))}.{rest:03}Z"


_FORMS = {"triggerTime": _timer, "events": _oss, "TopicName": _topic}
"""By a key that no CloudEvent has, for its attributes are lower-case."""
_BROUGHT = {QUEUE: _queue, KAFKA: _kafka}
