"""What Google's services send to a function: Eventarc, Pub/Sub, Cloud Scheduler and Cloud Tasks, all by HTTP.

Forms: https://github.com/googleapis/google-cloudevents (Eventarc's data), https://cloud.google.com/pubsub/docs/push,
https://cloud.google.com/scheduler/docs/reference/rpc/google.cloud.scheduler.v1#httptarget and
https://cloud.google.com/tasks/docs/creating-http-target-tasks (the headers that the two set, and nobody else can).
"""

from __future__ import annotations

from binascii import Error, a2b_base64

from hyfn.errors import Malformed, NoSuchFunction
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
from hyfn.host import cloudevents, event_door
from hyfn.host.events import Delivery, Item
from hyfn.wire import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hyfn.host.door import Said
    from hyfn.host.events import Outcome

STORED = {
    "google.cloud.storage.object.v1.finalized": BLOB_CREATED,
    "google.cloud.storage.object.v1.deleted": BLOB_DELETED,
}
PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"

Door = event_door.Events
"""What takes them, in a deployment of its own."""


def delivery(headers: Mapping[str, str], body: bytes) -> Delivery:
    """What came in one request. Raises Malformed or UnsupportedEncoding."""
    try:
        if "x-cloudscheduler-scheduletime" in headers:
            return _tick(headers, body)
        if "x-cloudtasks-queuename" in headers:
            return _task(headers, body)
        if "ce-id" in headers or headers.get("content-type", "").startswith("application/cloudevents"):
            return _event(cloudevents.read(headers, body))
        return _push(json_text.read(body.decode()))
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, Error) as error:
        raise Malformed(f"not an event of Google's: {type(error).__name__}: {error}") from error


def answer(outcome: Outcome) -> Said:
    """What is no 2xx is sent again. What nobody waits for is taken: Eventarc cannot filter by an object's name, so that
    those with another prefix or suffix come here too.

    https://cloud.google.com/eventarc/docs/retry-events
    """
    if isinstance(outcome.error, NoSuchFunction):
        return 200, "text/plain", outcome.error.code.encode()
    return event_door.said(outcome)


def _tick(headers: Mapping[str, str], body: bytes) -> Delivery:
    """A job's body is the schedule, as a function has it: so that a tick wakes those alone that wait for it."""
    time = headers["x-cloudscheduler-scheduletime"]
    id = f"{headers.get('x-cloudscheduler-jobname', '')}@{time}"
    return Delivery("schedule", body.decode(), [Item(id, occurrence(SCHEDULE_TICK, "/schedule", id, time=time))])


def _task(headers: Mapping[str, str], body: bytes) -> Delivery:
    queue, name = headers["x-cloudtasks-queuename"], headers["x-cloudtasks-taskname"]
    eta = headers.get("x-cloudtasks-tasketa")
    message = occurrence(
        QUEUE_MESSAGE,
        f"/queue/{queue}",
        name,
        body=body,
        time=_time(float(eta)) if eta else None,
        datacontenttype=_content_type(headers),
        attempt=int(headers.get("x-cloudtasks-taskretrycount", "0")) + 1,
    )
    return Delivery("queue", queue, [Item(name, message)])


def _content_type(headers: Mapping[str, str]) -> str | None:
    """Cloud Tasks sends application/octet-stream where a task names none."""
    said = headers.get("content-type")
    return None if said == "application/octet-stream" else said


def _event(found: list[dict[str, Any]]) -> Delivery:
    first = found[0]
    if first["type"] in STORED:
        return _blob(first)
    if first["type"] == PUBLISHED:
        topic = first["source"].rpartition("/")[2]
        return Delivery("topic", topic, [Item(first["id"], _message(_data(first)["message"], topic))])
    return Delivery("event", "", [Item(event["id"], event) for event in found])


def _blob(event: dict[str, Any]) -> Delivery:
    about = _data(event)
    bucket, name = about["bucket"], about["name"]
    given = {
        "container": bucket,
        "name": name,
        "size": int(about["size"]) if "size" in about else None,
        "etag": about.get("etag"),
        "content_type": about.get("contentType"),
        "version": about.get("generation"),
    }
    data = {field: value for field, value in given.items() if value is not None}
    made = occurrence(
        STORED[event["type"]], f"/blob/{bucket}", event["id"], subject=name, time=event.get("time"), data=data
    )
    return Delivery("blob", bucket, [Item(event["id"], made)])


def _data(event: dict[str, Any]) -> Any:
    return json_text.read(event["data_base64"].decode()) if "data_base64" in event else event["data"]


def _message(message: Any, topic: str) -> dict[str, Any]:
    made = occurrence(
        TOPIC_MESSAGE,
        f"/topic/{topic}",
        message["messageId"],
        body=a2b_base64(message.get("data") or ""),
        time=message.get("publishTime"),
    )
    return {**extensions(message.get("attributes") or {}), **made}


def _push(request: Any) -> Delivery:
    """A message of a subscription with ordering, which is named TOPIC.FUNCTION: the one that a stream has."""
    message = request["message"]
    stream = request["subscription"].rpartition("/")[2].rpartition(".")[0]
    key = message.get("orderingKey", "")
    record = occurrence(
        STREAM_RECORD,
        f"/stream/{stream}",
        message["messageId"],
        body=a2b_base64(message.get("data") or ""),
        time=message.get("publishTime"),
        partitionkey=key,
        sequence=message["messageId"],
    )
    given = extensions(message.get("attributes") or {})
    return Delivery("stream", stream, [Item(message["messageId"], {**given, **record}, key)])


def _time(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat()
