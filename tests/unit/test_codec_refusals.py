"""What does not fit is refused, there as a TypeError that says where, here as Malformed."""

from __future__ import annotations

import collections.abc as abc
import datetime as dt
import typing
import uuid
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PureWindowsPath
from typing import Any, Generic, Literal, TypeVar

import pytest

from hyfn.errors import Malformed
from hyfn.wire import codec
from hyfn.wire.packing import ExtType, pack
from tests.unit import codec_types as types
from tests.unit.codec_types import typed

if typing.TYPE_CHECKING:
    from nowhere import Missing  # type: ignore[import-not-found]

WRONG: list[tuple[Any, Any]] = [
    (str, b"x"),
    (str, 1),
    (str, types.Colour.RED),
    (bytes, "x"),
    (bytes, bytearray(b"x")),
    (bytes, [1]),
    (int, 1.0),
    (int, True),
    (int, "1"),
    (float, "1"),
    (float, True),
    (float, 10**400),
    (bool, 1),
    (None, 0),
    (list[int], (1, 2)),
    (list[int], [1, "2"]),
    (list[str], "abc"),
    (abc.Sequence[str], "abc"),
    (tuple[int, str], (1,)),
    (tuple[int, str], (1, "a", 2)),
    (tuple[int, ...], [1]),
    (set[int], [1]),
    (dict[str, int], {1: 1}),
    (dict[int, int], {"1": 1}),
    (dict[str, int], {"a": "b"}),
    (dict[str, int], [("a", 1)]),
    (dt.date, dt.datetime(2026, 1, 1)),
    (dt.datetime, dt.date(2026, 1, 1)),
    (dt.datetime, "2026-01-01"),
    (uuid.UUID, "00000000-0000-0000-0000-000000000000"),
    (Decimal, 1),
    (Decimal, 1.5),
    (Decimal, Decimal("1e999999")),
    (Decimal, Decimal("1e-999999")),
    (Decimal, Decimal("1" * 10_001)),
    (Path, "x"),
    (Path, PureWindowsPath("x")),
    (types.Colour, "red"),
    (types.Colour, types.Level.LOW),
    (types.Level, 1),
    (types.Access, 1),
    (Literal["a", 1], True),
    (Literal["a", 1], "b"),
    (Literal["a"], ["a"]),
    (int | str, 1.5),
    (list[int] | list[str], [1, "a"]),
    (types.Cat | types.Dog, types.Line(1.0)),
    (types.Line, types.Cat("x")),
    (types.Line, {"price": 1.0, "count": 1}),
    (types.Line, types.Line("1", 1)),  # type: ignore[arg-type]
    (types.Box[int], types.Box("x")),
    (types.IntBox, types.IntBox("x")),  # type: ignore[arg-type]
    (types.Box[int], types.IntBox(1)),
    (types.Point, (1, 2.0)),
    (types.Point, types.Point("x")),  # type: ignore[arg-type]
    (types.Movie, {"year": 1}),
    (types.Movie, {"title": "x", "more": 1}),
    (types.Movie, {"title": "x", "year": "y"}),
    (Any, types.Colour.RED),
    (Any, types.Level.LOW),
    (Any, types.Line(1.0)),
    (Any, [object()]),
    (Any, {"a": print}),
    (Any, types.Point(1)),
    (Any, defaultdict(int)),
    (str, "\ud800"),
]


@pytest.mark.parametrize("annotation, value", WRONG, ids=lambda part: str(part)[:40])
def test_a_value_of_another_type_is_never_sent(annotation: Any, value: Any) -> None:
    function = typed(annotation)
    with pytest.raises(TypeError, match=r"^typed\.<locals>\.given\(\) argument"):
        codec.arguments(function).pack((value,), {})
    with pytest.raises(TypeError, match=r"^typed\.<locals>\.given\(\) result: "):
        codec.result(function).pack(value)


TAG_TUPLE, TAG_DICT, TAG_MEMBER = ExtType(16, b""), ExtType(19, b""), ExtType(22, b"Cat")

HOSTILE: list[tuple[Any, Any]] = [
    (str, b"x"),
    (bytes, "x"),
    (int, 1.0),
    (int, True),
    (float, "1.0"),
    (bool, 0),
    (list[int], {"a": 1}),
    (list[int], [TAG_TUPLE, 1]),
    (list[int], [1, None]),
    (dict[str, int], [1, 2]),
    (dict[str, int], {b"a": 1}),
    (dict[int, int], [TAG_DICT, 1]),
    (dict[int, int], [TAG_DICT, [1], 1]),
    (dict[int, int], {"1": 1}),
    (set[Any], [[1]]),
    (tuple[int, str], [1]),
    (bytearray, [ExtType(20, b"")]),
    (bytearray, b"x"),
    (types.Colour, "green"),
    (types.Colour, ["red"]),
    (types.Level, 1.0),
    (types.Level, True),
    (types.Access, 4),
    (types.Access, -1),
    (Literal[1], True),
    (types.Line, {"count": 1}),
    (types.Line, {"price": 1.0, "cost": 1}),
    (types.Line, {"price": 1.0, "count": 1, "extra": 1}),
    (types.Line, {"price": 1.0, "__class__": 1}),
    (types.Line, [1.0, 1]),
    (types.Derived, {"a": 1, "total": "2"}),
    (types.Growing, {"a": 101}),
    (types.Point, [1, 2.0, 3]),
    (types.Point, []),
    (types.Movie, {"year": 1}),
    (types.Cat | types.Dog, {"name": "x"}),
    (types.Cat | types.Dog, [ExtType(22, b"Line"), {"name": "x"}]),
    (types.Cat | types.Dog, [TAG_MEMBER]),
    (types.Cat | types.Dog, [TAG_MEMBER, [TAG_MEMBER, {"name": "x"}]]),
    (int | str, 1.5),
    (int | str, ExtType(16, b"")),
    (Decimal, ExtType(6, b"1e999999999")),
    (Decimal, ExtType(6, b"9" * 20_000)),
    (Decimal, ExtType(6, b"one")),
    (dt.datetime, ExtType(1, b"yesterday")),
    (dt.datetime, ExtType(1, b"2026-01-01T00:00:00[../../etc/passwd]")),
    (dt.datetime, ExtType(1, b"2026-01-01T00:00:00[No/Where]")),
    (dt.datetime, ExtType(1, b"\xff")),
    (dt.datetime, ExtType(2, b"2026-01-01")),
    (dt.timedelta, ExtType(4, b"\x7f\xff\xff\xff" * 3)),
    (uuid.UUID, ExtType(5, b"short")),
    (complex, ExtType(8, b"short")),
    (Path, ExtType(9, b"")),
    (Path, ExtType(9, b"wc:\\x")),
    (int, ExtType(10, b"<f8;12345678")),
    (Any, ExtType(99, b"")),
    (Any, ExtType(16, b"")),
    (Any, [1, ExtType(16, b"")]),
    (Any, [ExtType(17, b""), [1]]),
    (Any, [ExtType(19, b""), 1]),
    (Any, [ExtType(20, b""), "x"]),
    (Any, [ExtType(21, b"|O;1"), b"12345678"]),
    (Any, [ExtType(22, b"Cat"), {}]),
    (Any, [ExtType(23, b"pandas.DataFrame"), b""]),
]


@pytest.mark.parametrize("annotation, wire", HOSTILE, ids=lambda part: str(part)[:40])
def test_a_body_that_does_not_fit_is_malformed(annotation: Any, wire: Any) -> None:
    function = typed(annotation)
    with pytest.raises(Malformed):
        codec.arguments(function).unpack(pack([[wire], {}]))
    with pytest.raises(Malformed):
        codec.result(function).unpack(pack([wire]))


@pytest.mark.parametrize(
    "body", [b"", b"\xc1", pack(1), pack([]), pack([1, {}]), pack([[], []]), pack([[], {}, 1]), b"\xff"]
)
def test_a_body_that_is_no_call_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match=r"^the body "):
        codec.arguments(typed(int)).unpack(body)


@pytest.mark.parametrize("body", [b"", b"\xc1", pack(1), pack([]), pack([1, 2]), pack({"a": 1})])
def test_a_body_that_is_no_value_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        codec.result(typed(int)).unpack(body)


def test_an_error_says_which_argument_and_where_in_it() -> None:
    def settle(invoice: types.Invoice, *, note: str = "") -> None: ...

    arguments = codec.arguments(settle)
    wrong = types.Invoice("1", [types.Line(1.0), types.Line(2.0, "3")])  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=r"settle\(\) argument 'invoice': expected int, got str at \.lines\[1\]\.count$"
    ):
        arguments.pack((wrong,), {})
    with pytest.raises(TypeError, match=r"argument 'invoice': expected int, got float at \.tags\['a'\]$"):
        arguments.pack((types.Invoice("1", [], tags={"a": 1.5}),), {})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match=r"argument 'note': expected str, got int$"):
        arguments.pack((types.Invoice("1", []),), {"note": 3})


def test_malformed_says_which_argument_and_where_in_it() -> None:
    body = pack([[{"id": "1", "lines": [{"price": 1.0}, {"count": 1}]}], {}])
    with pytest.raises(Malformed, match=r"argument 'x': Line lacks price at \.lines\[1\]$"):
        codec.arguments(typed(types.Invoice)).unpack(body)


def test_no_value_stands_in_a_message() -> None:
    """A message may land in a log: it tells the class of what does not fit, never a text's content."""
    with pytest.raises(TypeError) as told:
        codec.arguments(typed(types.Line)).pack((types.Line("secret"),), {})  # type: ignore[arg-type]
    assert "secret" not in str(told.value)


CANNOT_TRAVEL: list[Any] = [
    abc.Callable[[int], int],
    abc.Iterator[int],
    defaultdict[str, int],
    type[int],
    typing.Self,
    typing.IO[str],
    object.__new__,
    type("Lock", (), {}),
    3,
    "no such name",
    "list[",
    "NoSuchName",
    list.__class_getitem__("NoSuchName"),
]


@pytest.mark.parametrize("annotation", CANNOT_TRAVEL, ids=lambda part: str(part)[:40])
def test_an_annotation_that_cannot_travel_is_told_before_any_call(annotation: Any) -> None:
    function = typed(annotation)
    with pytest.raises(TypeError, match=r"codec_types:typed\.<locals>\.given: parameter 'x': "):
        codec.arguments(function)
    with pytest.raises(TypeError, match=r"codec_types:typed\.<locals>\.given: result: "):
        codec.result(function)


def test_a_name_that_only_a_type_checker_sees_is_told_with_function_and_parameter() -> None:
    def settle(amount: int, missing: Missing) -> None: ...

    with pytest.raises(TypeError, match=r":.*settle: parameter 'missing': 'Missing' .*only under TYPE_CHECKING"):
        codec.arguments(settle)


def test_a_generic_type_that_grows_without_end_is_told() -> None:
    def settle(x: Growing[int]) -> None: ...

    with pytest.raises(TypeError, match=r"settle: parameter 'x': "):
        codec.arguments(settle)


def test_a_field_that_cannot_travel_is_told() -> None:
    def settle(x: types.Box[Lock]) -> None: ...

    with pytest.raises(TypeError, match=r"parameter 'x': Lock cannot travel"):
        codec.arguments(settle)


T = TypeVar("T")


@dataclass
class Growing(Generic[T]):
    inner: Growing[list[T]] | None = None


class Lock:
    """No type of the protocol."""
