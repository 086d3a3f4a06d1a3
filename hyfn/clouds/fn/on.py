"""What wakes a function on Oracle Functions besides a call: rules of OCI Events, and Connector Hub reading a stream.

Events are CloudEvents 0.1: https://docs.oracle.com/en-us/iaas/Content/Events/Reference/eventenvelopereference.htm, with
those of Object Storage at .../eventsproducers.htm. Connector Hub hands over a list of messages, each as Streaming's API
has it: https://docs.oracle.com/en-us/iaas/Content/connector-hub/create-service-connector-streaming-source.htm and
https://docs.oracle.com/en-us/iaas/api/#/en/streaming/20180418/Message/
"""

from __future__ import annotations

from binascii import Error, a2b_base64

from hyfn.errors import Malformed
from hyfn.event import BLOB_CREATED, BLOB_DELETED, STREAM_RECORD, occurrence
from hyfn.host import events
from hyfn.host.events import Delivery, Item
from hyfn.wire import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hyfn.host.events import Outcome
    from hyfn.host.run import Runner

STORED = {
    "com.oraclecloud.objectstorage.createobject": BLOB_CREATED,
    "com.oraclecloud.objectstorage.updateobject": BLOB_CREATED,
    "com.oraclecloud.objectstorage.deleteobject": BLOB_DELETED,
}
VERSION = "0.1"


def handle(runner: Runner, body: bytes) -> None:
    """Run what waits for it. Raises Malformed, and what a function raised: Oracle knows no more than that a call
    failed, and makes all of it again."""
    answer(events.deliver(runner, delivery(body)))


def answer(outcome: Outcome) -> None:
    """Raises why the first failed."""
    if outcome.error is not None:
        raise outcome.error


def delivery(body: bytes) -> Delivery:
    """Raises Malformed for what neither of the two sends."""
    try:
        said = json_text.read(body.decode())
        return _stream(said) if isinstance(said, list) else _event(said)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, Error) as error:
        raise Malformed(f"not an event of Oracle Cloud: {type(error).__name__}: {error}") from error


def _event(said: Any) -> Delivery:
    if said["cloudEventsVersion"] != VERSION:
        raise Malformed(f"OCI's events are CloudEvents {VERSION}")
    kind, id, data = said["eventType"], said["eventID"], said.get("data")
    if kind in STORED:
        return _blob(said, data)
    made = occurrence(
        kind,
        said["source"],
        id,
        time=said.get("eventTime"),
        subject=data.get("resourceId") if isinstance(data, dict) else None,
        datacontenttype=said.get("contentType"),
        data=data,
    )
    return Delivery("event", "", [Item(id, made)])


def _blob(said: Any, data: Any) -> Delivery:
    details = data["additionalDetails"]
    bucket, name = details["bucketName"], data["resourceName"]
    about = {"container": bucket, "name": name, "etag": details.get("eTag"), "version": details.get("versionId")}
    made = occurrence(
        STORED[said["eventType"]],
        f"/blob/{bucket}",
        said["eventID"],
        subject=name,
        time=said.get("eventTime"),
        data={field: value for field, value in about.items() if value is not None},
    )
    return Delivery("blob", bucket, [Item(said["eventID"], made)])


def _stream(said: list[Any]) -> Delivery:
    stream = said[0]["stream"]
    return Delivery("stream", stream, [_record(message, stream) for message in said])


def _record(message: Any, stream: str) -> Item:
    partition, offset, key = str(message["partition"]), str(message["offset"]), message.get("key")
    id = f"{stream}/{partition}@{offset}"
    record = occurrence(
        STREAM_RECORD,
        f"/stream/{stream}",
        id,
        body=a2b_base64(message["value"]),
        time=_time(message["timestamp"]),
        partition=partition,
        partitionkey=None if key is None else a2b_base64(key).decode("utf-8", "replace"),
        sequence=offset,
    )
    return Item(id, record, partition)


def _time(said: Any) -> str:
    """Milliseconds since the epoch, or RFC 3339's text, as the API itself has it."""
    if isinstance(said, str):
        return said
    from datetime import UTC, datetime

    return datetime.fromtimestamp(said / 1000, UTC).isoformat()
