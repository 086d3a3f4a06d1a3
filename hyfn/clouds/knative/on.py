"""Knative's events: CloudEvents over HTTP, from its broker's triggers and its sources.

Which source makes which event: https://knative.dev/docs/eventing/sources/ and knative/eventing's
pkg/apis/sources/v1/ping_types.go, knative-extensions/eventing-kafka-broker's receiver (dev.knative.kafka.event) and
eventing-rabbitmq's source (dev.knative.rabbitmq.event).
"""

from __future__ import annotations

from hyfn.errors import Malformed
from hyfn.event import QUEUE_MESSAGE, SCHEDULE_TICK, STREAM_RECORD, occurrence
from hyfn.host import cloudevents, event_door
from hyfn.host.events import Delivery, Item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PING = "dev.knative.sources.ping"
KAFKA = "dev.knative.kafka.event"
RABBITMQ = "dev.knative.rabbitmq.event"
PLAIN = "text/plain"

Door = event_door.Events
"""What takes them, in a process of its own."""
answer = event_door.said
"""What is tried again, and what becomes a dead letter: https://knative.dev/docs/eventing/event-delivery/"""


def delivery(headers: Mapping[str, str], body: bytes) -> Delivery:
    """What came in one request. Raises Malformed or UnsupportedEncoding."""
    found = cloudevents.read(headers, body)
    if not found:
        raise Malformed("an empty batch")
    kind = found[0]["type"]
    if len(found) == 1 and kind in _SOURCES:
        return _SOURCES[kind](found[0])
    return Delivery("event", "", [Item(event["id"], event) for event in found])


def _ping(event: dict[str, Any]) -> Delivery:
    """Its data is the schedule, as a function has it: so that a tick wakes those alone that wait for it."""
    tick = occurrence(SCHEDULE_TICK, "/schedule", event["id"], time=event.get("time"))
    is_ours = event.get("datacontenttype") == PLAIN
    when = event["data_base64"].decode() if is_ours and "data_base64" in event else ""
    return Delivery("schedule", when, [Item(event["id"], tick)])


def _kafka(event: dict[str, Any]) -> Delivery:
    """Its source ends in "#TOPIC", its subject is "partition:P#OFFSET"."""
    topic = event["source"].rpartition("#")[2]
    partition, _, offset = str(event.get("subject") or "").removeprefix("partition:").partition("#")
    if not partition or not offset.isdigit():
        raise Malformed("a record of Kafka has its partition and offset in its subject")
    record = occurrence(
        STREAM_RECORD,
        f"/stream/{topic}",
        event["id"],
        time=event.get("time"),
        partition=partition,
        sequence=offset,
        partitionkey=event.get("key"),
        datacontenttype=event.get("datacontenttype"),
    )
    return Delivery("stream", topic, [Item(event["id"], record | _content(event), partition)])


def _rabbitmq(event: dict[str, Any]) -> Delivery:
    """Its source ends in "#QUEUE", or in the source's own name before eventing-rabbitmq named queues there."""
    named, _, queue = event["source"].partition("#")
    message = occurrence(
        QUEUE_MESSAGE,
        f"/queue/{queue or named.rpartition('/')[2]}",
        event["id"],
        time=event.get("time"),
        datacontenttype=event.get("datacontenttype"),
    )
    return Delivery("queue", queue, [Item(event["id"], message | _content(event))])


def _content(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in ("data", "data_base64") if name in event}


_SOURCES = {PING: _ping, KAFKA: _kafka, RABBITMQ: _rabbitmq}
