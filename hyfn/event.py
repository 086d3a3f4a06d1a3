"""What woke a function: one CloudEvents 1.0 event, whatever the platform. Imports nothing: every trigger pays for it.

Attributes are those of the specification (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md). Of a
platform's own notification, hyfn makes these:

    kind      type                     source              subject     data
    schedule  dev.hyfn.schedule.tick   /schedule           –           –
    blob      dev.hyfn.blob.created    /blob/CONTAINER     its name    Blob
              dev.hyfn.blob.deleted
    queue     dev.hyfn.queue.message   /queue/NAME         –           the message
    topic     dev.hyfn.topic.message   /topic/NAME         its title   the message
    stream    dev.hyfn.stream.record   /stream/NAME        –           the record
    event     as it was sent           as it was sent      as sent     as sent

`id` is the platform's own, so that who remembers ids sees a repeated delivery. Extension attributes: of a queue's
message "attempt" (counts from 1); of a stream's record "partition", "partitionkey" and "sequence", its position.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any, Generic, TypeVar

    T = TypeVar("T", covariant=True)
else:

    class Generic:
        """Stands for typing's: importing typing costs 4 ms."""

        def __class_getitem__(cls, item: object) -> object:
            return type(list[int])(cls, item)

    T = None

SCHEDULE_TICK = "dev.hyfn.schedule.tick"
BLOB_CREATED = "dev.hyfn.blob.created"
BLOB_DELETED = "dev.hyfn.blob.deleted"
QUEUE_MESSAGE = "dev.hyfn.queue.message"
TOPIC_MESSAGE = "dev.hyfn.topic.message"
STREAM_RECORD = "dev.hyfn.stream.record"

SPECVERSION = "1.0"


class Event(Generic[T]):
    """One event, its `data` converted to T. Never changes.

    `time` has a zone, or is None where the platform does not tell. `extensions` holds extension attributes by their
    lower-case names.
    """

    __slots__ = ("data", "datacontenttype", "dataschema", "extensions", "id", "source", "subject", "time", "type")

    def __init__(
        self,
        type: str,
        source: str,
        data: T = None,  # type: ignore[assignment]
        *,
        id: str,
        subject: str | None = None,
        time: datetime | None = None,
        datacontenttype: str | None = None,
        dataschema: str | None = None,
        extensions: Mapping[str, str | int | bool] | None = None,
    ) -> None:
        self.type = type
        self.source = source
        self.data = data
        self.id = id
        self.subject = subject
        self.time = time
        self.datacontenttype = datacontenttype
        self.dataschema = dataschema
        self.extensions: Mapping[str, str | int | bool] = extensions or {}

    @property
    def attempt(self) -> int:
        """Which delivery of it this is, from 1 on; 1 where the platform does not tell."""
        return int(self.extensions.get("attempt", 1))

    @property
    def position(self) -> str:
        """Where a record stands in its stream: the platform's sequence number or offset; "" for what is no record."""
        return str(self.extensions.get("sequence", ""))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and all(getattr(self, name) == getattr(other, name) for name in Event.__slots__)

    def __hash__(self) -> int:
        return hash((self.source, self.id))

    def __repr__(self) -> str:
        given = ((name, getattr(self, name)) for name in Event.__slots__)
        return f"Event({', '.join(f'{name}={value!r}' for name, value in given if value not in (None, {}))})"


class Blob:
    """A file in a store: what an event of kind blob is about. Its content is not in it.

    `size` is in bytes; what the platform does not tell is None. Two of them are equal where all of this is.
    """

    __slots__ = ("container", "content_type", "etag", "name", "size", "version")

    def __init__(
        self,
        container: str,
        name: str,
        size: int | None = None,
        etag: str | None = None,
        content_type: str | None = None,
        version: str | None = None,
    ) -> None:
        self.container = container
        self.name = name
        self.size = size
        self.etag = etag
        self.content_type = content_type
        self.version = version

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blob) and all(getattr(self, name) == getattr(other, name) for name in Blob.__slots__)

    def __hash__(self) -> int:
        return hash((self.container, self.name, self.version))

    def __repr__(self) -> str:
        return f"Blob({', '.join(f'{name}={getattr(self, name)!r}' for name in Blob.__slots__)})"


def occurrence(
    kind: str,
    source: str,
    id: str,
    *,
    data: Any = None,
    body: bytes | None = None,
    **attributes: Any,
) -> dict[str, Any]:
    """An event as the JSON format of CloudEvents has it, but that `body`, bytes as they came, stands in data_base64.

    Attributes that are None or "" are left out, and the rest made what the format takes.
    """
    made: dict[str, Any] = {"specversion": SPECVERSION, "type": kind, "source": source, "id": id}
    made |= {name: value for name, value in attributes.items() if value is not None and value != ""}
    if body is not None:
        made["data_base64"] = body
    elif data is not None:
        made["data"] = data
    return made


def extensions(headers: Mapping[str, Any]) -> dict[str, str]:
    """A platform's message attributes as extension attributes: names of lower-case letters and digits only, as the
    specification wants them; two that become one name, and those that the specification has, are left out."""
    made: dict[str, str] = {}
    for name, value in headers.items():
        plain = "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum())
        if plain and plain not in RESERVED:
            made.setdefault(plain, str(value))
    return made


RESERVED = frozenset(
    ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data", "database64")
)


def matches(trigger: Mapping[str, Any], kind: str, resource: str, event: Mapping[str, Any]) -> bool:
    """Whether `trigger` ("kind" and the options of hyfn.on) waits for `event`, which came from `resource`: a container,
    queue, topic or stream, "" where the platform does not tell. Of kind event its type and source decide."""
    if trigger["kind"] != kind:
        return False
    if kind == "event":
        return bool(trigger["type"] == event["type"] and trigger["source"] in ("", event["source"]))
    if kind == "schedule":
        return resource in ("", trigger["when"])
    if kind == "blob":
        name, change = event.get("subject") or "", BLOB_DELETED if trigger["change"] == "deleted" else BLOB_CREATED
        is_wanted = name.startswith(trigger["prefix"]) and name.endswith(trigger["suffix"]) and event["type"] == change
        return is_wanted and resource in ("", trigger["container"])
    return resource in ("", trigger["name"])
