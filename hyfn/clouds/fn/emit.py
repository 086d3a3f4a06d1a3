"""What Oracle Cloud's Events and Connector Hub send to a function, for `hyfn emit`."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hyfn.cloud import Notification
from hyfn.clouds.fn.on import VERSION
from hyfn.event import BLOB_DELETED
from hyfn.model import Trigger
from hyfn.wire.carrier import Endpoint, Request, Response

STORAGE = "com.oraclecloud.objectstorage"
COMPARTMENT = "ocid1.compartment.oc1..hyfn"

Event = Mapping[str, Any]


class FnEmitter:
    """See hyfn.cloud.Emitter. A stream's records come as one list, all else one by one."""

    def notify(self, endpoint: Endpoint, trigger: Trigger, events: Sequence[Event]) -> Sequence[Notification]:
        if trigger.kind == "stream":
            records = [_record(trigger.resource, event, number) for number, event in enumerate(events)]
            return [_notification(endpoint, records, events)]
        make = _stored if trigger.kind == "blob" else _event
        return [_notification(endpoint, make(event), [event]) for event in events]

    def failed(self, notification: Notification, response: Response) -> Sequence[str]:
        """All of it, where the function failed: 502 is what Fn says then."""
        return [] if response.status // 100 == 2 else notification.ids


emitter = FnEmitter()


def _notification(endpoint: Endpoint, said: object, events: Sequence[Event]) -> Notification:
    headers = {"Content-Type": "application/json"}
    return Notification(
        Request("POST", endpoint.url, headers, json.dumps(said).encode()), [event["id"] for event in events]
    )


def _stored(event: Event) -> dict[str, Any]:
    about = event["data"]
    bucket, name = about["container"], about["name"]
    data = {
        "compartmentId": COMPARTMENT,
        "resourceName": name,
        "resourceId": f"/n/hyfn/b/{bucket}/o/{name}",
        "additionalDetails": {"namespace": "hyfn", "bucketName": bucket, "eTag": about.get("etag")},
    }
    change = "deleteobject" if event["type"] == BLOB_DELETED else "createobject"
    return _envelope(event, f"{STORAGE}.{change}", "ObjectStorage", data)


def _event(event: Event) -> dict[str, Any]:
    return _envelope(event, event["type"], event["source"], event.get("data"))


def _envelope(event: Event, kind: str, source: str, data: Any) -> dict[str, Any]:
    return {
        "cloudEventsVersion": VERSION,
        "eventID": event["id"],
        "eventType": kind,
        "eventTypeVersion": "2.0",
        "source": source,
        "eventTime": event["time"],
        "contentType": "application/json",
        "extensions": {"compartmentId": COMPARTMENT},
        "data": data,
    }


def _record(stream: str, event: Event, number: int) -> dict[str, Any]:
    key = event.get("partitionkey")
    return {
        "stream": stream,
        "partition": str(event.get("partition", "0")),
        "key": None if key is None else b64encode(str(key).encode()).decode(),
        "value": b64encode(event["data_base64"]).decode(),
        "offset": int(event.get("sequence", number)),
        "timestamp": round(datetime.fromisoformat(event["time"]).timestamp() * 1000),
    }
