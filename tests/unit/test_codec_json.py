"""Values as JSON has them, which only a marked caller may send."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hyfn.errors import Malformed
from hyfn.wire import codec
from hyfn.wire.packing import pack, unpack
from hyfn.wire.plain import as_json
from tests.unit import codec_types as types
from tests.unit.codec_types import from_json, typed

READ: list[tuple[Any, Any, Any]] = [
    (str, "x", "x"),
    (int, 3, 3),
    (float, 3, 3.0),
    (bytes, "aGk_", b"hi?"),
    (bytes, "aGk/", b"hi?"),
    (bytes, "aGk", b"hi"),
    (bytearray, "aGk=", bytearray(b"hi")),
    (dt.datetime, "2026-01-02T03:04:05Z", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
    (dt.date, "2026-01-02", dt.date(2026, 1, 2)),
    (dt.time, "03:04", dt.time(3, 4)),
    (dt.timedelta, 1.5, dt.timedelta(seconds=1.5)),
    (uuid.UUID, "00000000-0000-0000-0000-000000000007", uuid.UUID(int=7)),
    (Decimal, "1.50", Decimal("1.50")),
    (Decimal, 2, Decimal(2)),
    (Path, "/a/b", Path("/a/b")),
    (complex, [1, 2.5], 1 + 2.5j),
    (types.Colour, "red", types.Colour.RED),
    (types.Shape, "LINE", types.Shape.LINE),
    (list[bytes], ["aGk="], [b"hi"]),
    (set[int], [1, 1], {1}),
    (tuple[int, bytes], [1, "aGk="], (1, b"hi")),
    (dict[int, bytes], {"1": "aGk="}, {1: b"hi"}),
    (dict[bool, int], {"true": 1}, {True: 1}),
    (dict[uuid.UUID, int], {"00000000-0000-0000-0000-000000000007": 1}, {uuid.UUID(int=7): 1}),
    (dict[types.Level, int], {"2": 1}, {types.Level.HIGH: 1}),
    (dict[tuple[int, int], str], [[[1, 2], "x"]], {(1, 2): "x"}),
    (int | None, None, None),
    (float | int, 3, 3),
    (dt.date | int, "2026-01-02", dt.date(2026, 1, 2)),
    (types.Line | types.Cat, {"name": "x"}, types.Cat("x")),
    (types.Invoice, {"id": "1", "lines": [{"price": 2}]}, types.Invoice("1", [types.Line(2.0)])),
    (types.Growing, {"a": 1}, types.Growing(1)),
    (types.Derived, {"a": 1}, types.Derived(1)),
    (types.Point, {"x": 1}, types.Point(1)),
    (types.Point, [1, 2], types.Point(1, 2.0)),
    (types.Movie, {"title": "x"}, {"title": "x"}),
    (Any, {"a": [1, None, "x"]}, {"a": [1, None, "x"]}),
]


@pytest.mark.parametrize("annotation, value, expected", READ, ids=lambda part: str(part)[:40])
def test_a_json_value_becomes_the_annotated_one(annotation: Any, value: Any, expected: Any) -> None:
    made = from_json(annotation, value)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    "annotation, value",
    [
        (bytes, "no base64!"),
        (bytes, 1),
        (int, "1"),
        (int, 1.0),
        (str, 1),
        (dt.datetime, "tomorrow"),
        (dt.timedelta, 1e300),
        (uuid.UUID, "x"),
        (Decimal, "1e999999"),
        (Decimal, 1.5),
        (complex, [1]),
        (complex, ["a", 1]),
        (dict[int, int], {"a": 1}),
        (dict[int, int], [[1]]),
        (types.Colour, "RED"),
        (types.Line, {"price": 1, "cost": 2}),
        (types.Growing, {"a": 101}),
        (types.Line | types.Cat, {"title": "x"}),
    ],
    ids=lambda part: str(part)[:40],
)
def test_a_json_value_that_does_not_fit_is_malformed(annotation: Any, value: Any) -> None:
    with pytest.raises(Malformed):
        from_json(annotation, value)


def test_json_s_text_for_bytes_is_refused_where_the_caller_is_not_marked() -> None:
    with pytest.raises(Malformed, match="expected bytes, got str"):
        codec.arguments(typed(bytes)).unpack(pack([["aGk="], {}]))


def test_arguments_by_name_are_read() -> None:
    def settle(id: str, page: bytes, copies: int = 1) -> None: ...

    body = pack([[], {"page": "aGk=", "id": "1"}])
    assert codec.arguments(settle).unpack(body, is_json=True) == ([], {"page": b"hi", "id": "1"})
    with pytest.raises(Malformed, match="missing 1 required positional argument: 'page'"):
        codec.arguments(settle).unpack(pack([[], {"id": "1"}]), is_json=True)


@pytest.mark.parametrize(
    "annotation, value, expected",
    [
        (bytes, b"hi?", "aGk/"),
        (dt.datetime, dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00+00:00"),
        (dt.timedelta, dt.timedelta(seconds=90), 90.0),
        (uuid.UUID, uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (Decimal, Decimal("1.50"), "1.50"),
        (Path, Path("/a"), "/a"),
        (complex, 1j, [0.0, 1.0]),
        (int, 2**70, 2**70),
        (float, float("nan"), "nan"),
        (dict[int, str], {1: "a"}, {"1": "a"}),
        (dict[tuple[int, int], str], {(1, 2): "a"}, [[[1, 2], "a"]]),
        (set[int], {1}, [1]),
        (types.Line, types.Line(1.0), {"price": 1.0, "count": 1}),
        (types.Cat | types.Dog, types.Cat("x"), {"name": "x"}),
        (types.Colour, types.Colour.RED, "red"),
        (Any, (1, {2}, {3: b"x"}, bytearray(b"y")), [1, [2], {"3": "eA=="}, "eQ=="]),
    ],
    ids=lambda part: str(part)[:40],
)
def test_a_result_is_written_as_json_has_it_by_who_does_not_know_its_type(
    annotation: Any, value: Any, expected: Any
) -> None:
    body: Any = unpack(codec.result(typed(annotation)).pack(value))
    assert as_json(body) == [expected]
