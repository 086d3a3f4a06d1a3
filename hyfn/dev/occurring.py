"""Events of a developer's making, as hyfn.event has them. Pure, but for the clock and fresh ids."""

from __future__ import annotations

import json
import uuid
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hyfn.event import (
    BLOB_CREATED,
    BLOB_DELETED,
    QUEUE_MESSAGE,
    SCHEDULE_TICK,
    STREAM_RECORD,
    TOPIC_MESSAGE,
    occurrence,
)

MESSAGES = {"queue": QUEUE_MESSAGE, "topic": TOPIC_MESSAGE, "stream": STREAM_RECORD}
EMIT = "/-/emit"
"""Where `hyfn dev` takes events: no function is called so."""
SOURCE = "/hyfn/emit"
"""Of an event for which nobody names one."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says happened. `kind` is one of hyfn.on, `resource` where: "container/name" of a blob, an event's
    type. `data` are texts, JSON or not, one for each event; `key` is a record's partition key. `id` and `subject` ""
    are hyfn's to choose."""

    kind: str
    resource: str
    data: Sequence[str] = ()
    id: str = ""
    subject: str = ""
    source: str = ""
    key: str = ""
    is_deleted: bool = False
    extensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Occurred:
    """`events` of one kind at one resource, as hyfn.event.occurrence makes them."""

    kind: str
    resource: str
    events: Sequence[Mapping[str, Any]]


def occurred(said: Said) -> Occurred:
    """Raises ValueError that says what is missing."""
    texts = list(said.data) or [""]
    if said.id and len(texts) > 1:
        raise ValueError("several events cannot have one id")
    resource = said.resource.partition("/")[0] if said.kind == "blob" else said.resource
    return Occurred(said.kind, resource, [_event(said, text) for text in texts])


def written(what: Occurred) -> dict[str, Any]:
    """As JSON has it: bytes as base64, as in CloudEvents' own JSON."""
    events = [
        {**event, "data_base64": b64encode(event["data_base64"]).decode()} if "data_base64" in event else dict(event)
        for event in what.events
    ]
    return {"kind": what.kind, "resource": what.resource, "events": events}


def read(document: Mapping[str, Any]) -> Occurred:
    """The inverse of `written`. Raises ValueError."""
    try:
        events = [dict(event) for event in document["events"]]
        for event in events:
            if "data_base64" in event:
                event["data_base64"] = b64decode(event["data_base64"], validate=True)
        if not events or not all(isinstance(event[name], str) for event in events for name in ("id", "source", "type")):
            raise ValueError("an event has id, source and type")
        return Occurred(str(document["kind"]), str(document["resource"]), events)
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no event: {error}") from error


def _event(said: Said, text: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    common: dict[str, Any] = {
        "id": said.id or str(uuid.uuid4()),
        "time": now,
        "subject": said.subject,
        **said.extensions,
    }
    if said.kind == "blob":
        return _blob(said, text, common)
    if said.kind == "schedule":
        return occurrence(SCHEDULE_TICK, "/schedule", **common)
    if said.kind == "event":
        return occurrence(said.resource, said.source or SOURCE, **common, **_content(text))
    key: dict[str, Any] = {"partitionkey": said.key} if said.key else {}
    return occurrence(MESSAGES[said.kind], f"/{said.kind}/{said.resource}", **common, **key, body=text.encode())


def _blob(said: Said, text: str, common: Mapping[str, Any]) -> dict[str, Any]:
    container, _, name = said.resource.partition("/")
    if not container or not name:
        raise ValueError(f"{said.resource!r} names no file in a container: write container/name")
    size = {} if said.is_deleted else {"size": len(text.encode())}
    change = BLOB_DELETED if said.is_deleted else BLOB_CREATED
    about = {"container": container, "name": name, **size}
    return occurrence(change, f"/blob/{container}", **{**common, "subject": name}, data=about)


def _content(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        return {"datacontenttype": "application/json", "data": json.loads(text)}
    except ValueError:
        return {"datacontenttype": "text/plain", "body": text.encode()}
