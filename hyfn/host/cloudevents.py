"""CloudEvents 1.0 over HTTP: binary, structured and batched.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from __future__ import annotations

from hyfn.errors import Malformed, UnsupportedEncoding
from hyfn.event import SPECVERSION
from hyfn.wire import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
PREFIX = "ce-"


def read(headers: Mapping[str, str], body: bytes) -> list[dict[str, Any]]:
    """The events in a request, as hyfn.event.occurrence makes them; header names are lower case.

    Raises Malformed for what is none, UnsupportedEncoding for a format other than JSON.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == BATCH:
        events = _json(body)
        if not isinstance(events, list):
            raise Malformed("a batch of events is a JSON array")
        return [structured(event) for event in events]
    if kind == STRUCTURED:
        return [structured(_json(body))]
    if kind.startswith("application/cloudevents"):
        raise UnsupportedEncoding(f"events are taken as JSON, not as {kind}")
    return [_binary(headers, body)]


def structured(event: Any) -> dict[str, Any]:
    """The event that a document of the JSON format is. Raises Malformed."""
    if not isinstance(event, dict):
        raise Malformed("an event in JSON is an object")
    return _checked({name: value for name, value in event.items() if value is not None})


def _binary(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    event: dict[str, Any] = {
        name.removeprefix(PREFIX): _decoded(value) for name, value in headers.items() if name.startswith(PREFIX)
    }
    event.pop("datacontenttype", None)
    if content_type := headers.get("content-type"):
        event["datacontenttype"] = content_type
    if body:
        event["data_base64"] = body
    return _checked(event)


def _checked(event: dict[str, Any]) -> dict[str, Any]:
    for name in ("id", "source", "type"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise Malformed(f"an event of CloudEvents has {name}")
    if event.get("specversion") != SPECVERSION:
        raise Malformed(f"only events of CloudEvents {SPECVERSION} are taken")
    return event


def _decoded(value: str) -> str:
    """A header's value, in which the binding writes what is not printable ASCII in percent encoding of its UTF-8."""
    if "%" not in value:
        return value
    first, *rest = value.encode("utf-8", "surrogateescape").split(b"%")
    decoded = bytearray(first)
    for part in rest:
        try:
            decoded += bytes((int(part[:2], 16),)) + part[2:]
        except ValueError:
            decoded += b"%" + part
    try:
        return decoded.decode()
    except UnicodeDecodeError as error:
        raise Malformed("an attribute of the event is not UTF-8") from error


def _json(body: bytes) -> Any:
    try:
        return json_text.read(body.decode())
    except (ValueError, RecursionError) as error:
        raise Malformed("the event is not JSON") from error


def binary(event: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a request that carries `event`, which is as hyfn.event.occurrence makes it."""
    import json

    headers = {
        PREFIX + name: _encoded(str(value))
        for name, value in event.items()
        if name not in ("data", "data_base64", "datacontenttype")
    }
    if "data_base64" in event:
        body, default = event["data_base64"], ""
    elif "data" in event:
        body, default = json.dumps(event["data"]).encode(), "application/json"
    else:
        return headers, b""
    content_type = event.get("datacontenttype") or default
    return {**headers, **({"Content-Type": content_type} if content_type else {})}, body


def reply(value: Any) -> bytes | None:
    """An event that a function returned, in structured mode; None for what is no event."""
    from hyfn.event import Event

    if not isinstance(value, Event):
        return None
    import json

    from hyfn.wire import plain
    from hyfn.wire.codec import to_wire

    event = {
        name: getattr(value, name) for name in ("type", "source", "id", "subject", "datacontenttype", "dataschema")
    }
    event |= {"specversion": SPECVERSION, **value.extensions, "data": plain.as_json(to_wire(value.data))}
    event["time"] = None if value.time is None else value.time.isoformat()
    return json.dumps({name: each for name, each in event.items() if each is not None}).encode()


def _encoded(value: str) -> str:
    """The inverse of _decoded."""
    return "".join(
        letter if " " < letter < "\x7f" and letter not in '"%' else "".join(f"%{byte:02X}" for byte in letter.encode())
        for letter in value
    )
