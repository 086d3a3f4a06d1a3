"""hyfn.Event as a value: on the wire, from JSON, and its data as the type that a function wants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hyfn import Blob, Event
from hyfn.errors import Malformed
from hyfn.event import occurrence
from hyfn.wire import codec
from hyfn.wire.packing import pack
from tests.unit.test_events import Order

FULL = Event(
    "com.acme.order",
    "/shop",
    Order("a", 1),
    id="42",
    subject="order/1",
    time=datetime(2026, 1, 2, 3, 4, 5, 600, UTC),
    datacontenttype="application/json",
    dataschema="https://acme.example/order.json",
    extensions={"tenant": "t7", "attempt": 2},
)


def taking(annotation: Any) -> codec.Arguments:
    def function(event: Any) -> None: ...

    function.__annotations__["event"] = annotation
    return codec.arguments(function)


def test_an_event_comes_back_as_it_went() -> None:
    arguments = taking(Event[Order])
    assert arguments.unpack(arguments.pack((FULL,), {})) == ([FULL], {})
    assert (FULL.attempt, FULL.position) == (2, "")


def test_a_function_may_return_one() -> None:
    def function() -> Event[Blob]: ...  # type: ignore[empty-body]

    result, event = codec.result(function), Event("t", "/s", Blob("c", "n", 3), id="1")
    assert result.unpack(result.pack(event)) == event


@pytest.mark.parametrize(
    "annotation, body, content_type, data",
    [
        (Event[Order], b'{"id": "x", "n": 3}', "", Order("x", 3)),
        (Event[dict[str, int]], b'{"n": 3}', "application/vnd.acme+json; charset=utf-8", {"n": 3}),
        (Event[bytes], b"\xff\x00", "", b"\xff\x00"),
        (Event[bytes], b"[1]", "application/json", b"[1]"),
        (Event[str], b"[1]", "", "[1]"),
        (Event[str], b'"hi"', "application/json", "hi"),
        (Event[int], b"7", "", 7),
        (Event, b'{"n": 3}', "", {"n": 3}),
        (Event, b"plain", "", "plain"),
        (Event, b"\xff\x00", "", b"\xff\x00"),
        (Event[str | None], b'"hi"', "application/json", "hi"),
        (Event[str | int], b"7", "", 7),
    ],
)
def test_the_wanted_type_says_how_a_body_is_read(annotation: Any, body: bytes, content_type: str, data: object) -> None:
    event = occurrence("t", "/s", "1", body=body, datacontenttype=content_type)
    [], given = taking(annotation).unpack(pack([[], {"event": event}]), is_json=True)
    assert given["event"].data == data


@pytest.mark.parametrize(
    "change, words",
    [
        ({"id": ""}, "an event needs id"),
        ({"source": None}, "an event needs source"),
        ({"type": 7}, "an event needs type"),
        ({"specversion": "0.3"}, "specversion is 1.0, not '0.3'"),
        ({"time": "yesterday"}, "time is one of RFC 3339"),
        ({"subject": 7}, "an event's subject is a text"),
        ({"tenant": {"a": 1}}, "attribute 'tenant' is a text or a whole number"),
        ({"data": None, "data_base64": "!"}, "data_base64 is not base64"),
        ({"data_base64": b"{"}, "the event's data is not JSON"),
        ({"data": {"id": "a"}}, "Order lacks n at .data"),
    ],
)
def test_what_is_no_event_is_refused(change: dict[str, object], words: str) -> None:
    event = {**occurrence("t", "/s", "1", data={"id": "a", "n": 1}), **change}
    with pytest.raises(Malformed) as raised:
        taking(Event[Order]).unpack(pack([[], {"event": event}]), is_json=True)
    assert words in str(raised.value)


def test_a_time_without_a_zone_is_utc() -> None:
    event = occurrence("t", "/s", "1", time="2026-01-02T03:04:05")
    _, given = taking(Event).unpack(pack([[], {"event": event}]), is_json=True)
    assert given["event"].time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
