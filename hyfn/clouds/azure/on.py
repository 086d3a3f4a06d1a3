"""What Microsoft's triggers hand over, as events. The objects are azure.functions', which has decoded them."""

from __future__ import annotations

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
from hyfn.host.events import Delivery, Item, adeliver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hyfn.host.events import Outcome
    from hyfn.host.run import Runner

BLOBS = "/blobServices/default/containers/"
"""What the subject of an event of a storage account begins with
(https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage)."""
CHANGES = {"Microsoft.Storage.BlobCreated": BLOB_CREATED, "Microsoft.Storage.BlobDeleted": BLOB_DELETED}
NEVER = "0001-01-01"
"""How .NET writes a time that there is not."""


async def take(runner: Runner, binding: Mapping[str, Any], brought: Any, invocation: str, remaining: float) -> None:
    """Give what one invocation brought to each function that waits for it. Raises what says that it failed.

    `binding` is as hyfn.clouds.azure.bindings makes it, `invocation` the invocation's id.
    """
    came = delivery(binding, brought, invocation)
    outcomes = []
    for function in binding["functions"]:
        came.function = function
        outcomes.append(await adeliver(runner, came, remaining))
    for outcome in outcomes:
        answer(outcome)


def delivery(binding: Mapping[str, Any], brought: Any, invocation: str) -> Delivery:
    """Raises Malformed."""
    try:
        items = _ITEMS[binding["trigger"]](binding, brought, invocation)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise Malformed(f"Azure's {binding['trigger']} brought something else: {error}") from error
    return Delivery(binding["kind"], binding["resource"], items)


def answer(outcome: Outcome) -> None:
    """An invocation succeeds or fails as a whole: raises the error of the first item that failed.

    Azure then delivers all of it again: a message of a queue or of a topic until its deliveries are used up and it
    becomes poison or a dead letter, an event as its subscription says, a batch of a stream by its retry policy.
    https://learn.microsoft.com/azure/azure-functions/functions-bindings-error-pages
    """
    if outcome.error is not None:
        raise outcome.error


def _timer(binding: Mapping[str, Any], timer: Any, invocation: str) -> list[Item]:
    """While a timer's function runs, `Next` is still the time that it was to run at (TimerListener.InvokeJobFunction in
    Azure/azure-webjobs-sdk-extensions). A schedule that is not monitored has no status."""
    due = timer.schedule_status.get("Next") or None
    if due is not None and due.startswith(NEVER):
        due = None
    id = f"{binding['name']}@{due or invocation}"
    return [Item(id, occurrence(SCHEDULE_TICK, "/schedule", id, time=due))]


def _queue(binding: Mapping[str, Any], message: Any, invocation: str) -> list[Item]:
    id = message.id or invocation
    event = occurrence(
        QUEUE_MESSAGE,
        f"/queue/{binding['resource']}",
        id,
        body=message.get_body(),
        time=_text(message.insertion_time),
        attempt=message.dequeue_count,
    )
    return [Item(id, event)]


def _topic(binding: Mapping[str, Any], message: Any, invocation: str) -> list[Item]:
    id = message.message_id or invocation
    event = occurrence(
        TOPIC_MESSAGE,
        f"/topic/{binding['resource']}",
        id,
        body=message.get_body(),
        time=_text(message.enqueued_time_utc),
        subject=message.subject or message.label,
        datacontenttype=message.content_type,
    )
    properties = message.application_properties
    return [Item(id, extensions(properties or message.user_properties or {}) | event)]


def _event_hub(binding: Mapping[str, Any], records: Any, _: str) -> list[Item]:
    """Those of one invocation are of one partition, which their common metadata names."""
    common = records[0].metadata or {}
    partition = str((common.get("PartitionContext") or {}).get("PartitionId", ""))
    properties = common.get("PropertiesArray") or [{}] * len(records)
    return [
        _record(
            binding,
            own,
            record.get_body(),
            partition=partition,
            sequence=str(int(record.sequence_number)),
            partitionkey=record.partition_key,
            time=_text(record.enqueued_time),
        )
        for record, own in zip(records, properties, strict=True)
    ]


def _kafka(binding: Mapping[str, Any], records: Any, _: str) -> list[Item]:
    return [
        _record(
            binding,
            _headers(record.headers or ()),
            record.get_body(),
            partition=str(int(record.partition)),
            sequence=str(int(record.offset)),
            partitionkey=record.key,
            time=record.timestamp,
        )
        for record in records
    ]


def _record(binding: Mapping[str, Any], properties: Any, body: bytes, **position: Any) -> Item:
    """A record has no id but its place."""
    partition, sequence = position["partition"], position["sequence"]
    id = f"{partition}:{sequence}"
    event = occurrence(STREAM_RECORD, f"/stream/{binding['resource']}", id, body=body, **position)
    return Item(id, extensions(properties or {}) | event, partition or binding["resource"])


def _headers(headers: Any) -> dict[str, str]:
    """Kafka's, whose values come in base64. Those that are no text are left out."""
    from binascii import a2b_base64

    found = {}
    for header in headers:
        try:
            found[header["Key"]] = a2b_base64(header["Value"]).decode()
        except (TypeError, ValueError):
            continue
    return found


def _event_grid(binding: Mapping[str, Any], event: Any, _: str) -> list[Item]:
    """In either of Event Grid's schemas: its own is that of stores, CloudEvents' that of all other events."""
    is_cloud = hasattr(event, "specversion")
    said = _cloud_event(event) if is_cloud else _own_schema(event)
    made = _stored(said, binding["resource"]) if binding["kind"] == "blob" else said
    return [Item(made["id"], made)]


def _cloud_event(event: Any) -> dict[str, Any]:
    attributes = {name: getattr(event, name) for name in ("subject", "datacontenttype", "dataschema")}
    made = occurrence(event.type, event.source, event.id, data=event.get_json(), time=_text(event.time), **attributes)
    return {**event.extension_attrs, **made, "specversion": event.specversion}


def _own_schema(event: Any) -> dict[str, Any]:
    if not event.event_type:
        raise Malformed("an event without a type; CloudEvents want an azure-functions that reads them")
    return occurrence(
        event.event_type,
        event.topic,
        event.id,
        data=event.get_json(),
        time=_text(event.event_time),
        subject=event.subject,
    )


def _stored(event: Mapping[str, Any], container: str) -> dict[str, Any]:
    """What a storage account tells of a blob."""
    within = f"{BLOBS}{container}/blobs/"
    path = f"/{event['subject'].removeprefix('/')}"  # Azure's pages have both
    name = path.removeprefix(within)
    if name in ("", path):
        raise Malformed(f"{event['subject']!r} names no blob in {container}")
    data = event["data"]
    etag = str(data.get("eTag") or "").strip('"')
    about = {
        "container": container,
        "name": name,
        "size": data.get("contentLength"),
        "etag": etag or None,
        "content_type": data.get("contentType") or None,
    }
    kind, source = CHANGES[event["type"]], f"/blob/{container}"
    return occurrence(kind, source, event["id"], data=about, subject=name, time=event.get("time"))


def _text(time: Any) -> str | None:
    return time.isoformat() if time is not None else None


_ITEMS = {
    "timer_trigger": _timer,
    "queue_trigger": _queue,
    "service_bus_topic_trigger": _topic,
    "event_hub_message_trigger": _event_hub,
    "kafka_trigger": _kafka,
    "event_grid_trigger": _event_grid,
}
