"""What Function Compute's triggers bring, for `hyfn emit`: the bodies of invocations.

On the platform some of them invoke a function without waiting for it; here all wait, so that what failed is known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hyfn.cloud import Notification
from hyfn.clouds.alibaba.on import KAFKA, OF_A_MESSAGE, QUEUE
from hyfn.clouds.alibaba.triggers import named
from hyfn.event import BLOB_DELETED, RESERVED
from hyfn.model import Trigger
from hyfn.wire.carrier import Endpoint, Request, Response

ACCOUNT, REGION = "1000000000000000", "cn-hangzhou"
JSON = "application/json; charset=utf-8"
STREAMED = ("queue", "stream")
ATTRIBUTES = (RESERVED | {"data_base64"}) - {"database64"}
"""Of a CloudEvent; all others are extensions."""

Event = Mapping[str, Any]


class AlibabaEmitter:
    """See hyfn.cloud.Emitter. Messages of a queue and records of a stream come in batches, all else by itself."""

    def notify(self, endpoint: Endpoint, trigger: Trigger, events: Sequence[Event]) -> Sequence[Notification]:
        size = trigger.options["batch"] if trigger.kind in STREAMED else 1
        placed = [{"partition": "0", "sequence": str(number), **event} for number, event in enumerate(events)]
        batches = [placed[first : first + size] for first in range(0, len(placed), size)]
        return [
            Notification(_request(endpoint, _MAKE[trigger.kind](trigger, batch)), [event["id"] for event in batch])
            for batch in batches
        ]

    def failed(self, notification: Notification, response: Response) -> Sequence[str]:
        """An invocation that fails, fails for all that it brought."""
        is_good = response.status == 200 and "x-fc-error-type" not in response.headers
        return [] if is_good else notification.ids


emitter = AlibabaEmitter()


def _request(endpoint: Endpoint, body: Any) -> Request:
    headers = {"Content-Type": "application/octet-stream", "X-Fc-Invocation-Type": "Sync"}
    return Request("POST", endpoint.url, headers, json.dumps(body, ensure_ascii=False).encode())


def _timer(trigger: Trigger, events: Sequence[Event]) -> Any:
    [event] = events
    at = f"{_time(event):%Y-%m-%dT%H:%M:%SZ}"
    return {"triggerTime": at, "triggerName": named(trigger), "payload": trigger.resource}


def _oss(trigger: Trigger, events: Sequence[Event]) -> Any:
    [event] = events
    about = event["data"]
    known = {"size": about.get("size"), "eTag": about.get("etag")}
    kind = {"mimeType": about["content_type"]} if about.get("content_type") else {}
    notified = {
        "eventName": "ObjectRemoved:DeleteObject" if event["type"] == BLOB_DELETED else "ObjectCreated:PutObject",
        "eventSource": "acs:oss",
        "eventTime": f"{_time(event):%Y-%m-%dT%H:%M:%S.000Z}",
        "eventVersion": "1.0",
        "oss": {
            "bucket": {
                "arn": f"acs:oss:{REGION}:{ACCOUNT}:{about['container']}",
                "name": about["container"],
                "ownerIdentity": ACCOUNT,
            },
            "object": {
                "key": about["name"],
                "deltaSize": about.get("size") or 0,
                "objectMeta": {**kind, "userMeta": {}},
                **{name: value for name, value in known.items() if value is not None},
            },
            "ossSchemaVersion": "1.0",
            "ruleId": named(trigger),
        },
        "region": REGION,
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"requestId": event["id"]},
        "userIdentity": {"principalId": ACCOUNT},
    }
    return {"events": [notified]}


def _topic(trigger: Trigger, events: Sequence[Event]) -> Any:
    [event] = events
    told = {
        **{name: value for name, value in event.items() if name not in ATTRIBUTES | {"partition", "sequence"}},
        "TopicOwner": ACCOUNT,
        "Message": _text(event),
        "Subscriber": ACCOUNT,
        "PublishTime": int(_time(event).timestamp() * 1000),
        "SubscriptionName": named(trigger),
        "MessageMD5": "",
        "TopicName": trigger.resource,
        "MessageId": event["id"],
    }
    tag = {"MessageTag": event["subject"]} if event.get("subject") else {}
    assert told.keys() >= OF_A_MESSAGE - {"MessageTag"}
    return told | tag


def _queue(trigger: Trigger, events: Sequence[Event]) -> Any:
    return [
        {
            **_streamed(event, QUEUE, "acs:mns", f"acs:mns:{REGION}:{ACCOUNT}:queues/{trigger.resource}"),
            "data": {"requestId": event["id"], "messageId": event["id"], "messageBody": _text(event)},
        }
        for event in events
    ]


def _kafka(trigger: Trigger, events: Sequence[Event]) -> Any:
    return [
        {
            **_streamed(event, KAFKA, "acs:alikafka", f"acs:alikafka:hyfn:topic:{trigger.resource}"),
            "data": {
                "topic": trigger.resource,
                "partition": int(event["partition"]),
                "offset": int(event["sequence"]),
                "timestamp": int(_time(event).timestamp() * 1000),
                "headers": {"headers": [], "isReadOnly": False},
                "key": event.get("partitionkey"),
                "value": _text(event),
            },
        }
        for event in events
    ]


def _streamed(event: Event, kind: str, source: str, subject: str) -> dict[str, Any]:
    return {
        "id": event["id"],
        "source": source,
        "specversion": "1.0",
        "type": kind,
        "datacontenttype": JSON,
        "time": _time(event).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "subject": subject,
        "aliyunaccountid": ACCOUNT,
    }


def _cloudevent(_: Trigger, events: Sequence[Event]) -> Any:
    """EventBridge's data is JSON; a text is one of its strings."""
    [event] = events
    content = {"data": _text(event)} if "data_base64" in event else {}
    kept = {name: value for name, value in event.items() if name not in ("data_base64", "partition", "sequence")}
    return {**kept, **content, "aliyunaccountid": ACCOUNT, "aliyunregionid": REGION}


def _text(event: Event) -> str:
    if "data_base64" in event:
        body: bytes = event["data_base64"]
        return body.decode("utf-8", "replace")
    return json.dumps(event["data"]) if "data" in event else ""


def _time(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"]).astimezone(UTC) if event.get("time") else datetime.now(UTC)


_MAKE = {
    "schedule": _timer,
    "blob": _oss,
    "topic": _topic,
    "queue": _queue,
    "stream": _kafka,
    "event": _cloudevent,
}
