"""What Google's services send to a function, for `hyfn emit`."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hyfn.cloud import Notification
from hyfn.clouds.gcp.on import PUBLISHED, STORED
from hyfn.host import cloudevents
from hyfn.model import Trigger
from hyfn.wire.carrier import Endpoint, Request, Response

PROJECT, LOCATION = "hyfn", "us-central1"
OF_STREAMS = ("partition", "partitionkey", "sequence")
CHANGES = {ours: theirs for theirs, ours in STORED.items()}

Event = Mapping[str, Any]
Sent = tuple[dict[str, str], bytes]


class GcpEmitter:
    """See hyfn.cloud.Emitter. One request for each event."""

    def notify(self, endpoint: Endpoint, trigger: Trigger, events: Sequence[Event]) -> Sequence[Notification]:
        make = _SENT[trigger.kind]
        return [
            Notification(Request("POST", endpoint.url, *make(trigger.resource, event, number)), [event["id"]])
            for number, event in enumerate(events)
        ]

    def failed(self, notification: Notification, response: Response) -> Sequence[str]:
        return [] if response.status // 100 == 2 else notification.ids


emitter = GcpEmitter()


def _tick(when: str, event: Event, _: int) -> Sent:
    return {
        "User-Agent": "Google-Cloud-Scheduler",
        "X-CloudScheduler": "true",
        "X-CloudScheduler-JobName": "hyfn",
        "X-CloudScheduler-ScheduleTime": event["time"],
        "Content-Type": "application/octet-stream",
    }, when.encode()


def _blob(bucket: str, event: Event, _: int) -> Sent:
    about = event["data"]
    data = {"kind": "storage#object", "bucket": bucket, "name": about["name"], "size": str(about.get("size", 0))}
    data |= {"generation": "1", "metageneration": "1", "timeCreated": event["time"], "updated": event["time"]}
    return cloudevents.binary(
        {
            "specversion": "1.0",
            "id": event["id"],
            "type": CHANGES[event["type"]],
            "source": f"//storage.googleapis.com/projects/_/buckets/{bucket}",
            "subject": f"objects/{about['name']}",
            "time": event["time"],
            "bucket": bucket,
            "data": data,
        }
    )


def _task(queue: str, event: Event, number: int) -> Sent:
    eta = datetime.fromisoformat(event["time"]).timestamp()
    return {
        "User-Agent": "Google-Cloud-Tasks",
        "X-CloudTasks-QueueName": queue,
        "X-CloudTasks-TaskName": event["id"],
        "X-CloudTasks-TaskRetryCount": str(event.get("attempt", 1) - 1),
        "X-CloudTasks-TaskExecutionCount": "0",
        "X-CloudTasks-TaskETA": f"{eta + number / 1e6:.6f}",
        "Content-Type": event.get("datacontenttype") or "application/octet-stream",
    }, event["data_base64"]


def _topic(topic: str, event: Event, _: int) -> Sent:
    subscription = f"projects/{PROJECT}/subscriptions/eventarc-{LOCATION}-hyfn-sub-000"
    return cloudevents.binary(
        {
            "specversion": "1.0",
            "id": event["id"],
            "type": PUBLISHED,
            "source": f"//pubsub.googleapis.com/projects/{PROJECT}/topics/{topic}",
            "time": event["time"],
            "data": {"subscription": subscription, "message": _message(event)},
        }
    )


def _stream(stream: str, event: Event, _: int) -> Sent:
    message = {**_message(event), "orderingKey": event.get("partitionkey", "")}
    pushed = {"message": message, "subscription": f"projects/{PROJECT}/subscriptions/{stream}.hyfn"}
    return {"User-Agent": "APIs-Google", "Content-Type": "application/json"}, json.dumps(pushed).encode()


def _message(event: Event) -> dict[str, Any]:
    known = ("specversion", "type", "source", "id", "subject", "time", "datacontenttype", "data_base64", *OF_STREAMS)
    return {
        "data": b64encode(event["data_base64"]).decode(),
        "messageId": event["id"],
        "publishTime": event["time"],
        "attributes": {name: str(value) for name, value in event.items() if name not in known},
    }


def _bus(type: str, event: Event, _: int) -> Sent:  # noqa: ARG001
    return cloudevents.binary(event)


_SENT: Mapping[str, Callable[[str, Event, int], Sent]] = {
    "schedule": _tick,
    "blob": _blob,
    "queue": _task,
    "topic": _topic,
    "stream": _stream,
    "event": _bus,
}
