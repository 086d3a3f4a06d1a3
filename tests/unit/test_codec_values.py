"""Every type of the protocol, there and back."""

from __future__ import annotations

import collections
import collections.abc as abc
import datetime as dt
import sys
import typing
import uuid
from decimal import Decimal
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal, Optional, Union
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyfn.wire import codec
from tests.unit import codec_types as types
from tests.unit.codec_types import through

ZONE = dt.timezone(dt.timedelta(hours=5, minutes=30))
INVOICE = types.Invoice("1", [types.Line(1.5), types.Line(2.0, 3)], types.Invoice("0", []), {"a": 1})

VALUES: list[tuple[Any, Any]] = [
    (str, "äöü 🙂\x00"),
    (int, -5),
    (int, 2**64 - 1),
    (int, -(2**63)),
    (int, 2**64),
    (int, -(2**200)),
    (float, 1.5),
    (float, float("inf")),
    (bool, True),
    (bytes, b"\x00\xff"),
    (bytearray, bytearray(b"abc")),
    (None, None),
    (complex, 1 - 2j),
    (list[int], [1, 2**70, 3]),
    (list[str], []),
    (list, [1, "a", None, (2,)]),
    (tuple[int, ...], (1, 2)),
    (tuple[int, str], (1, "a")),
    (tuple[()], ()),
    (tuple, (1, "a")),
    (set[int], {1, 2}),
    (frozenset[str], frozenset("ab")),
    (dict[str, int], {"a": 1}),
    (dict[int, str], {1: "a"}),
    (dict[tuple[int, int], list[str]], {(1, 2): ["a"]}),
    (dict, {"a": 1, 2: (3,)}),
    (abc.Sequence[int], [1, 2]),
    (abc.Iterable[int], [1, 2]),
    (abc.Mapping[str, int], {"a": 1}),
    (abc.Set[int], {1}),
    (typing.List[int], [1]),  # noqa: UP006
    (typing.Dict[str, int], {"a": 1}),  # noqa: UP006
    (typing.Sequence[str], ["a"]),
    (typing.Tuple, (1, "a")),  # noqa: UP006
    (collections.deque[int], collections.deque([1, 2])),
    (collections.OrderedDict[str, int], collections.OrderedDict(b=1, a=2)),
    (collections.Counter[str], collections.Counter("aab")),
    (dt.datetime, dt.datetime(2026, 1, 2, 3, 4, 5, 6)),
    (dt.datetime, dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
    (dt.datetime, dt.datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=ZONE)),
    (dt.datetime, dt.datetime(2026, 7, 2, 3, tzinfo=ZoneInfo("Europe/Berlin"))),
    (dt.date, dt.date(1, 1, 1)),
    (dt.time, dt.time(23, 59, 59, 999999)),
    (dt.time, dt.time(1, 2, tzinfo=ZONE)),
    (dt.timedelta, dt.timedelta(days=-3, microseconds=1)),
    (dt.timedelta, dt.timedelta.max),
    (dt.timedelta, dt.timedelta.min),
    (uuid.UUID, uuid.UUID(int=7)),
    (Decimal, Decimal("1.50")),
    (Decimal, Decimal("-Infinity")),
    (Decimal, Decimal("1E-100")),
    (Path, Path("/a/b c")),
    (PurePath, PurePosixPath("a/b")),
    (PurePosixPath, PurePosixPath("a")),
    (PureWindowsPath, PureWindowsPath("c:\\x\\y")),
    (Path, Path("/tmp/\udcff")),
    (types.Colour, types.Colour.BLUE),
    (types.Level, types.Level.HIGH),
    (types.Access, types.Access.READ | types.Access.WRITE),
    (types.Access, types.Access(0)),
    (types.Shape, types.Shape.LINE),
    (Literal["a", 1, True, None, b"x"], True),
    (Literal["a", 1, True, None, b"x"], b"x"),
    (Literal[types.Colour.RED], types.Colour.RED),
    (Optional[int], None),  # noqa: UP045
    (Optional[int], 3),  # noqa: UP045
    (int | str | None, "x"),
    (int | float, 3),
    (int | float, 3.0),
    (float | int, 3),
    (bool | int, True),
    (Union[list[int], list[str]], ["a"]),  # noqa: UP007
    (list[int] | dict[str, int] | str, {"a": 1}),
    (types.Cat | types.Dog, types.Dog("d")),
    (types.Cat | types.Dog | None, types.Cat("c")),
    (list[types.Cat | types.Dog | int], [types.Dog("d"), 1, types.Cat("c")]),
    (types.Colour | str, "red"),
    (types.Colour | str, types.Colour.RED),
    (dt.date | dt.datetime, dt.datetime(2026, 1, 1)),
    (dt.date | dt.datetime, dt.date(2026, 1, 1)),
    (Path | str, "x"),
    (Path | str, Path("x")),
    (Path | None, Path("x")),
    (uuid.UUID | str, uuid.UUID(int=1)),
    (bytes | bytearray, bytearray(b"x")),
    (types.Line, types.Line(1.0, 2)),
    (types.Invoice, INVOICE),
    (types.Frozen, types.Frozen(id=3, note="n")),
    (types.Derived, types.Derived(4)),
    (types.Growing, types.Growing(4)),
    (types.Seeded, types.Seeded(1, 2)),
    (types.Box[int], types.Box(1, [2])),
    (types.Box[list[types.Line]], types.Box([types.Line(1.0)])),
    (types.Box, types.Box("anything", [1])),
    (types.IntBox, types.IntBox(1, [2], "l")),
    (types.Tree, types.Tree(1, [types.Tree(2), types.Tree(3, [types.Tree(4)])])),
    (types.Point, types.Point(1, 2.0)),
    (types.Pair, types.Pair(1, (2, "x"))),
    (types.Movie, {"title": "M"}),
    (types.Movie, {"title": "M", "year": 1931}),
    (types.Partial, {"title": "M", "colour": types.Colour.RED}),
    (types.UserId, 7),
    (Annotated[int, "metres", []], 7),
    (types.Bounded, 7),
    (typing.LiteralString, "x"),
    (Any, {"a": [1, (2, {3}), dt.date(2026, 1, 1)], 5: Decimal(1)}),
    (object, frozenset({1, (2, 3)})),
    (Any, 2**100),
    (Any, uuid.UUID(int=3)),
    (Any, Path("/x")),
    (Any, PureWindowsPath("x")),
    (Any, dt.timedelta(1)),
    (Any, [bytearray(b"x"), b"y", 1j, None, dt.time(1)]),
]


@pytest.mark.parametrize("annotation, value", VALUES, ids=lambda part: str(part)[:40])
def test_a_value_comes_back_equal_and_of_its_own_type(annotation: Any, value: Any) -> None:
    back = through(annotation, value)
    assert back == value
    assert type(back) is type(value)


def test_types_within_a_value_are_kept() -> None:
    back = through(types.Invoice, INVOICE)
    assert type(back.lines[0]) is types.Line
    assert type(back.parent) is types.Invoice


def test_nan_comes_back() -> None:
    assert str(through(float, float("nan"))) == "nan"
    assert through(Decimal, Decimal("sNaN123")).is_snan()


def test_the_sign_of_zero_comes_back() -> None:
    assert str(through(float, -0.0)) == "-0.0"
    assert str(through(complex, complex(-0.0, -0.0))) == str(complex(-0.0, -0.0))


def test_an_int_for_a_float_becomes_one() -> None:
    assert type(through(float, 3)) is float
    assert type(through(float | None, 3)) is float


def test_a_subclass_of_a_builtin_becomes_the_builtin() -> None:
    class Text(str):
        __slots__ = ()

    assert type(through(str, Text("x"))) is str
    assert type(through(int, types.Level.HIGH)) is int
    assert type(through(dict[str, int], collections.Counter("a"))) is dict


def test_a_sequence_is_given_as_a_list_and_an_iterable_may_be_a_generator() -> None:
    assert through(abc.Sequence[int], (1, 2)) == [1, 2]
    arguments = codec.arguments(types.typed(abc.Iterable[int]))
    assert arguments.unpack(arguments.pack((iter([1, 2]),), {}))[0] == [[1, 2]]


def test_a_time_in_a_zone_keeps_zone_and_fold() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    second = dt.datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1)
    back = through(dt.datetime, second)
    assert (back.tzinfo, back.fold, back.utcoffset()) == (berlin, 1, second.utcoffset())
    assert through(dt.time, dt.time(2, fold=1, tzinfo=berlin)).tzinfo is berlin


def test_a_field_that_init_derives_is_kept_as_it_was() -> None:
    derived = types.Derived(4)
    derived.total = 99
    assert through(types.Derived, derived).total == 99


def test_a_post_init_does_not_change_a_value_twice() -> None:
    assert through(types.Growing, types.Growing(4)).a == 5


def test_a_generator_function_has_the_type_of_its_items() -> None:
    def count() -> abc.Iterator[int]:
        yield 1

    result = codec.result(count)
    assert result.unpack(result.pack(3)) == 3
    with pytest.raises(TypeError, match=r"count\(\) result: expected int, got str"):
        result.pack("x")


def test_an_async_function_has_the_type_that_it_is_awaited_for() -> None:
    async def fetch() -> int:
        return 1

    assert codec.result(fetch).unpack(codec.result(fetch).pack(3)) == 3


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type statements are new in 3.12")
def test_a_recursive_alias_travels() -> None:
    names: dict[str, Any] = {"__name__": __name__}
    exec("type Json = None | int | str | list[Json] | dict[str, Json]\ntype Pair[T] = tuple[T, T]", names)
    value = {"a": [1, None, {"b": ["x"]}]}
    assert through(names["Json"], value) == value
    assert through(names["Pair"][int], (1, 2)) == (1, 2)
    with pytest.raises(TypeError):
        through(names["Json"], {"a": [1.5]})


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.complex_numbers(allow_nan=False),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(dt.UTC) | st.just(ZONE)),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.decimals(allow_nan=False).filter(lambda d: abs(d.adjusted()) < 6000),
    st.builds(PurePosixPath, st.text(alphabet="abc./ ", max_size=8)),
)
HASHABLE = st.recursive(SCALARS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=4)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.sets(HASHABLE, max_size=4)
        | st.dictionaries(st.text() | HASHABLE, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_whatever_the_closed_table_has_comes_back_without_an_annotation(value: object) -> None:
    back = through(Any, value)
    assert back == value
    assert _kinds(back) == _kinds(value)


def _kinds(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value), [_kinds(item) for item in value]
    if isinstance(value, dict):
        return dict, [(_kinds(key), _kinds(item)) for key, item in value.items()]
    return type(value)


INVOICES = st.recursive(
    st.builds(
        types.Invoice,
        st.text(),
        st.lists(st.builds(types.Line, st.floats(allow_nan=False), st.integers())),
        st.none(),
        st.dictionaries(st.text(), st.integers(), max_size=3),
    ),
    lambda parent: st.builds(types.Invoice, st.text(), st.just([]), parent),
    max_leaves=3,
)


@given(INVOICES)
def test_any_dataclass_comes_back(invoice: types.Invoice) -> None:
    assert through(types.Invoice, invoice) == invoice


@given(st.dictionaries(st.tuples(st.integers(), st.text()) | st.integers(), st.sets(st.text())))
def test_any_typed_dict_with_any_keys_comes_back(value: dict[Any, set[str]]) -> None:
    assert through(dict[tuple[int, str] | int, set[str]], value) == value


@given(st.datetimes(timezones=st.timezones(), allow_imaginary=False))
def test_any_time_in_any_zone_comes_back(moment: dt.datetime) -> None:
    back = through(dt.datetime, moment)
    assert back == moment
    assert (back.fold, back.utcoffset(), str(back.tzinfo)) == (moment.fold, moment.utcoffset(), str(moment.tzinfo))


@given(st.lists(st.integers() | st.floats(allow_nan=False) | st.booleans() | st.text() | st.none()))
def test_a_union_keeps_each_value_s_own_type(values: list[Any]) -> None:
    back = through(list[float | int | bool | str | None], values)
    assert [*map(type, back)] == [*map(type, values)]
    assert back == values
