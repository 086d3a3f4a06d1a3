"""The form of hyfn.Event: as CloudEvents' JSON format has one, extension attributes beside the others."""

from __future__ import annotations

from datetime import datetime

from hyfn.event import RESERVED, SPECVERSION, Blob, Event
from hyfn.wire import json_text
from hyfn.wire.annotation import CannotTravel, Scope
from hyfn.wire.form import Form, Misfit
from hyfn.wire.record import Field, begin
from hyfn.wire.record import fill as fill_record
from hyfn.wire.table import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hyfn.wire.annotation import Forms

_TEXTS = ("subject", "datacontenttype", "dataschema")
_KNOWN = (RESERVED | {"data_base64"}) - {"database64"}


def of(forms: Forms, cls: type, args: tuple[Any, ...], scope: Scope) -> Form:
    """The form of Event, Event[T] or Blob. Raises CannotTravel for another class of hyfn's."""
    if cls is Blob:
        return _blob(forms, scope)
    if cls is not Event:
        raise CannotTravel(f"a hyfn.{cls.__qualname__} cannot travel")
    return _event(forms.of(args[0] if args else object, scope))


def _blob(forms: Forms, scope: Scope) -> Form:
    form = Form("Blob", (Blob,))
    begin(form)
    text, optional = forms.of(str, scope), forms.of(str | None, scope)
    fields = [
        Field("container", text, True),
        Field("name", text, True),
        Field("size", forms.of(int | None, scope), False),
    ]
    fields += [Field(name, optional, False) for name in ("etag", "content_type", "version")]
    return fill_record(form, fields, lambda value: type(value) is Blob, lambda values: Blob(**values))


def _event(data: Form) -> Form:
    form = Form("Event", (Event,), frozenset((dict,)))
    form.is_named, form.is_deep = True, data.may_nest
    pack_data, unpack_data = data.packer(), data.unpacker()

    def pack(event: Any) -> object:
        if type(event) is not Event:
            raise Misfit("Event", event)
        try:
            packed = pack_data(event.data)
        except Misfit as misfit:
            misfit.within(event, ((".data", event.data),))
            raise
        time = event.time.isoformat() if event.time is not None else None
        made = {"specversion": SPECVERSION, "type": event.type, "source": event.source, "id": event.id, "time": time}
        made |= {name: getattr(event, name) for name in _TEXTS}
        return {
            **event.extensions,
            **{name: value for name, value in made.items() if value is not None},
            "data": packed,
        }

    def unpack(raw: object) -> object:
        _check(raw)
        given: dict[str, Any] = raw  # type: ignore[assignment]
        try:
            if "data_base64" in given:
                value = _decoded(data, given["data_base64"], given.get("datacontenttype") or "")
            else:
                value = given.get("data")
            made = unpack_data(value)
        except Misfit as misfit:
            misfit.within(raw, ((".data", misfit.at),))
            raise
        return Event(
            given["type"],
            given["source"],
            made,
            id=given["id"],
            time=_time(given.get("time")),
            extensions={name: value for name, value in given.items() if name not in _KNOWN},
            **{name: given.get(name) for name in _TEXTS},
        )

    return form.ready(["event", data], pack, unpack)


def _check(raw: object) -> None:
    """Raise Misfit for what is no event of CloudEvents 1.0."""
    if type(raw) is not dict:
        raise Misfit("Event", raw)
    for name in ("id", "source", "type"):
        if type(raw.get(name)) is not str or not raw[name]:
            raise Misfit("Event", raw, f"an event needs {name}, a text that is not empty")
    if raw.get("specversion") != SPECVERSION:
        raise Misfit("Event", raw, f"an event's specversion is {SPECVERSION}, not {raw.get('specversion')!r}")
    for name, value in raw.items():
        if name in _TEXTS and not isinstance(value, (str, type(None))):
            raise Misfit("Event", raw, f"an event's {name} is a text")
        if name not in _KNOWN and not isinstance(value, (str, int, bool)):
            raise Misfit("Event", raw, f"an event's attribute {name[:40]!r} is a text or a whole number")


def _time(text: object) -> datetime | None:
    """RFC 3339's time, the zone of which may be left out: then it is UTC."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Misfit("Event", text, f"an event's time is one of RFC 3339, not {text!r:.60}") from None
    if time.tzinfo is None:
        from datetime import UTC

        return time.replace(tzinfo=UTC)
    return time


def _decoded(data: Form, body: object, content_type: str) -> object:
    """The value in bytes as they came, which the wanted type and the content type tell how to read."""
    raw = _bytes(body)
    kind = content_type.partition(";")[0].strip().lower()
    is_json = kind in ("application/json", "text/json") or kind.endswith("+json")
    takes_bytes, takes_text = bytes in data.accepts, str in data.accepts
    if takes_bytes and not takes_text:
        return raw
    if takes_text and not is_json and not data.accepts[1:]:
        return _text(raw)
    try:
        return json_text.read(_text(raw))
    except (ValueError, Misfit):
        if is_json or not (takes_text or takes_bytes or data is ANY):
            raise Misfit("JSON", raw, "the event's data is not JSON") from None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _bytes(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    from hyfn.wire.from_json import from_base64

    try:
        return from_base64(body)  # type: ignore[arg-type]
    except (TypeError, ValueError, AttributeError):
        raise Misfit("base64", body, "the event's data_base64 is not base64") from None


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Misfit("text", raw, "the event's data is not UTF-8") from None
