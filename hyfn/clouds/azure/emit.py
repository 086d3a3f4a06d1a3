"""What Azure's functions host tells a worker of events, for `hyfn emit`: InvocationRequests of its FunctionRpc.

Which metadata comes with which trigger: the converters of Azure/azure-functions-python-library read it, and Azure's
extensions write it. What the host makes of a value: a text is `string`, an array of texts, bytes or numbers a
collection, all else `json` (RpcMessageConversionExtensions in Azure/azure-functions-host).
"""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from hyfn.cloud import Notification
from hyfn.clouds.azure import bindings
from hyfn.clouds.azure.on import BLOBS, CHANGES
from hyfn.event import BLOB_DELETED, RESERVED
from hyfn.model import Trigger
from hyfn.wire.carrier import Endpoint, Request, Response

ACCOUNT = "/subscriptions/local/resourceGroups/local/providers/Microsoft.Storage/storageAccounts/local"
STORE = "https://local.blob.core.windows.net"
KEPT = timedelta(days=7)
"""How long a queue keeps a message."""
HIDDEN = timedelta(minutes=10)
"""How long it hides one that is being worked on."""
ATTRIBUTES = (RESERVED | {"data_base64"}) - {"database64"}
"""Of a CloudEvent; all others are extensions."""
POSITION = frozenset(("partition", "partitionkey", "sequence"))

Event = Mapping[str, Any]
Told = tuple[dict[str, Any], dict[str, Any]]
"""The data of an invocation, and its metadata, each value as one of the forms of TypedData."""


class AzureEmitter:
    """See hyfn.cloud.Emitter. A stream's records of one partition come in batches, all else by itself."""

    def notify(self, endpoint: Endpoint, trigger: Trigger, events: Sequence[Event]) -> Sequence[Notification]:
        name = bindings.name(endpoint.function, trigger.kind, trigger.options)
        return [
            Notification(_request(endpoint.url + name, *told), [event["id"] for event in batch])
            for batch, told in _told(trigger, events)
        ]

    def failed(self, notification: Notification, response: Response) -> Sequence[str]:
        """An invocation that fails, fails for all that it brought. Azure delivers all but a timer's tick again."""
        return [] if response.status == 200 else notification.ids


emitter = AzureEmitter()


def _request(url: str, data: dict[str, Any], metadata: dict[str, Any]) -> Request:
    system = {"MethodName": url.rpartition("/")[2], "UtcNow": _now(), "RandGuid": secrets.token_hex(16)}
    told = {"inputData": [{"name": "event", "data": data}], "triggerMetadata": metadata | {"sys": _json(system)}}
    return Request("POST", url, {"Content-Type": "application/json"}, json.dumps(told).encode())


def _told(trigger: Trigger, events: Sequence[Event]) -> list[tuple[Sequence[Event], Told]]:
    if trigger.kind == "stream":
        make = _kafka if trigger.options["via"] == "kafka" else _event_hub
        batches = _batches(_placed(events), trigger.options["batch"])
        return [(batch, make(trigger.resource, batch)) for batch in batches]
    return [([event], _SINGLE[trigger.kind](trigger.resource, event)) for event in events]


def _timer(_: str, event: Event) -> Told:
    due = event.get("time") or _now()
    status = {"Last": due, "LastUpdated": due, "Next": due}
    return _json({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": False}), {}


def _queue(_: str, event: Event) -> Told:
    body, came = _body(event), _time(event)
    return {"bytes": _base64(body)}, {
        "QueueTrigger": {"string": body.decode("utf-8", "replace")},
        "Id": {"string": event["id"]},
        "PopReceipt": {"string": secrets.token_hex(16)},
        "DequeueCount": _json(event.get("attempt", 1)),
        "InsertionTime": _json(came.isoformat()),
        "ExpirationTime": _json((came + KEPT).isoformat()),
        "NextVisibleTime": _json((came + HIDDEN).isoformat()),
    }


def _topic(_: str, event: Event) -> Told:
    said = {"MessageId": event["id"], "ContentType": event.get("datacontenttype"), "Subject": event.get("subject")}
    texts = {name: {"string": text} for name, text in said.items() if text is not None}
    own = _json(_extensions(event))
    return {"bytes": _base64(_body(event))}, {
        **texts,
        "DeliveryCount": _json(1),
        "EnqueuedTimeUtc": _json(_time(event).isoformat()),
        "ApplicationProperties": own,
        "UserProperties": own,
    }


def _blob(_: str, event: Event) -> Told:
    about = event["data"]
    [kind] = [native for native, change in CHANGES.items() if change == event["type"]]
    api = "DeleteBlob" if event["type"] == BLOB_DELETED else "PutBlob"
    known = {"contentType": about.get("content_type"), "contentLength": about.get("size"), "eTag": about.get("etag")}
    data = {"api": api, "blobType": "BlockBlob", "url": f"{STORE}/{about['container']}/{about['name']}"}
    native = {
        "topic": ACCOUNT,
        "subject": f"{BLOBS}{about['container']}/blobs/{about['name']}",
        "eventType": kind,
        "eventTime": event.get("time") or _now(),
        "id": event["id"],
        "data": data | {name: value for name, value in known.items() if value is not None},
        "dataVersion": "",
        "metadataVersion": "1",
    }
    return _json(native), {}


def _event_grid(_: str, event: Event) -> Told:
    content = {"data_base64": _base64(event["data_base64"])} if "data_base64" in event else {}
    return _json({**event, **content}), {}


_SINGLE = {"schedule": _timer, "queue": _queue, "topic": _topic, "blob": _blob, "event": _event_grid}


def _placed(events: Sequence[Event]) -> list[Event]:
    """Each with its place in the stream."""
    return [{"partition": "0", "sequence": str(number), **event} for number, event in enumerate(events)]


def _batches(events: Sequence[Event], size: int) -> list[list[Event]]:
    by_partition = sorted(events, key=lambda event: str(event["partition"]))
    batches = []
    for _, found in groupby(by_partition, key=lambda event: str(event["partition"])):
        records = list(found)
        batches += [records[first : first + size] for first in range(0, len(records), size)]
    return batches


def _event_hub(hub: str, records: Sequence[Event]) -> Told:
    system = [
        {
            "SequenceNumber": int(record["sequence"]),
            "Offset": record["sequence"],
            "PartitionKey": record.get("partitionkey"),
            "EnqueuedTimeUtc": _zulu(record),
        }
        for record in records
    ]
    context = {"EventHubName": hub, "ConsumerGroup": "local", "PartitionId": str(records[0]["partition"])}
    return {"collectionBytes": {"bytes": [_base64(_body(record)) for record in records]}}, {
        "PartitionContext": _json(context),
        "SystemPropertiesArray": _json(system),
        "PropertiesArray": _json([_extensions(record) for record in records]),
        "SequenceNumberArray": {"collectionSint64": {"sint64": [one["SequenceNumber"] for one in system]}},
        "OffsetArray": {"collectionString": {"string": [one["Offset"] for one in system]}},
        "PartitionKeyArray": {"collectionString": {"string": [one["PartitionKey"] or "" for one in system]}},
        "EnqueuedTimeUtcArray": _json([one["EnqueuedTimeUtc"] for one in system]),
    }


def _kafka(topic: str, records: Sequence[Event]) -> Told:
    headers = [
        [{"Key": name, "Value": _base64(str(value).encode())} for name, value in _extensions(record).items()]
        for record in records
    ]
    return {"collectionBytes": {"bytes": [_base64(_body(record)) for record in records]}}, {
        "TopicArray": {"collectionString": {"string": [topic] * len(records)}},
        "PartitionArray": _json([int(record["partition"]) for record in records]),
        "OffsetArray": {"collectionSint64": {"sint64": [int(record["sequence"]) for record in records]}},
        "KeyArray": _json([record.get("partitionkey") for record in records]),
        "TimestampArray": _json([_zulu(record) for record in records]),
        "HeadersArray": _json(headers),
    }


def _extensions(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ATTRIBUTES | POSITION | {"attempt"}}


def _body(event: Event) -> bytes:
    if "data_base64" in event:
        body: bytes = event["data_base64"]
        return body
    return json.dumps(event["data"]).encode() if "data" in event else b""


def _json(value: Any) -> dict[str, str]:
    return {"json": json.dumps(value)}


def _base64(body: bytes) -> str:
    return b64encode(body).decode()


def _time(event: Event) -> datetime:
    return datetime.fromisoformat(event.get("time") or _now()).astimezone(UTC)


def _zulu(event: Event) -> str:
    return _time(event).isoformat().replace("+00:00", "Z")


def _now() -> str:
    return datetime.now(UTC).isoformat()
