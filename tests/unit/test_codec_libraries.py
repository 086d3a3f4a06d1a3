"""Classes of attrs, pydantic, msgspec and numpy, there and back."""

from __future__ import annotations

import datetime as dt
from typing import Any, Generic, TypeVar

import attrs
import msgspec
import numpy as np
import numpy.typing as npt
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyfn import contract
from hyfn.errors import Malformed
from hyfn.wire import codec
from hyfn.wire.packing import ExtType, pack
from tests.unit import codec_types as types
from tests.unit.codec_types import from_json, through, typed

T = TypeVar("T")


@attrs.define
class Parcel:
    id: str
    _secret: bytes = b""
    weight: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    label: str = attrs.field(init=False, default="none")


@attrs.frozen
class Crate(Generic[T]):
    content: T
    parcels: list[Parcel] = attrs.field(factory=list)


class Customer(pydantic.BaseModel):
    id: int
    name: str = pydantic.Field(alias="fullName", max_length=10)
    colour: types.Colour = types.Colour.RED
    since: dt.date | None = None
    line: types.Line | None = None

    @pydantic.field_validator("id")
    @classmethod
    def positive(cls, id: int) -> int:
        if id < 1:
            raise ValueError("not positive")
        return id


class Page(pydantic.BaseModel, Generic[T]):
    items: list[T]


class Chain(pydantic.BaseModel):
    name: str
    next: Chain | None = None


class Ids(pydantic.RootModel[list[int]]):
    pass


class Loose(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    id: int


class Event(msgspec.Struct, frozen=True, tag=True, rename="camel"):
    event_id: int
    colour: types.Colour
    payload: bytes | None = None
    tags: list[str] = msgspec.field(default_factory=list)


VALUES: list[tuple[Any, Any]] = [
    (Parcel, Parcel("1", b"s", 2.5)),
    (Crate[int], Crate(1, [Parcel("1")])),
    (list[Crate[Parcel]], [Crate(Parcel("x"))]),
    (Customer, Customer(id=1, fullName="Ann")),
    (
        Customer,
        Customer(id=1, fullName="Ann", colour=types.Colour.BLUE, since=dt.date(2026, 1, 1), line=types.Line(1.0)),
    ),
    (Page[int], Page[int](items=[1, 2])),
    (Page[types.Line], Page[types.Line](items=[types.Line(1.0)])),
    (Chain, Chain(name="a", next=Chain(name="b"))),
    (Ids, Ids([1, 2])),
    (Ids | None, Ids([])),
    (Event, Event(1, types.Colour.RED, b"x", ["a"])),
    (Event | Parcel, Parcel("1")),
]


@pytest.mark.parametrize("annotation, value", VALUES, ids=lambda part: str(part)[:40])
def test_a_record_of_another_library_comes_back(annotation: Any, value: Any) -> None:
    back = through(annotation, value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("annotation, value", VALUES, ids=lambda part: str(part)[:40])
def test_a_record_of_another_library_has_a_contract(annotation: Any, value: Any) -> None:
    assert contract.digest(typed(annotation)) != contract.digest(typed(int))


def test_what_attrs_derives_and_hides_is_kept() -> None:
    parcel = Parcel("1", b"secret")
    parcel.label = "mine"
    back = through(Parcel, parcel)
    assert (back.label, back._secret) == ("mine", b"secret")


@pytest.mark.parametrize(
    "annotation, wire",
    [
        (Parcel, {"id": "1", "weight": -1.0}),
        (Parcel, {"id": 1}),
        (Parcel, {}),
        (Parcel, {"id": "1", "colour": 1}),
        (Customer, {"id": 0, "name": "Ann"}),
        (Customer, {"id": 1, "name": "A name that is too long"}),
        (Customer, {"id": "1", "name": "Ann"}),
        (Customer, {"id": 1, "fullName": "Ann"}),
        (Ids, ["1"]),
        (Event, {"event_id": "1", "colour": "red"}),
        (Event, {"event_id": 1, "colour": "green"}),
        (Event, {"event_id": 1, "colour": "red", "payload": "text"}),
        (Loose, {"id": 1, "more": 2}),
    ],
    ids=lambda part: str(part)[:40],
)
def test_a_record_that_does_not_fit_is_malformed(annotation: Any, wire: Any) -> None:
    with pytest.raises(Malformed):
        codec.arguments(typed(annotation)).unpack(pack([[wire], {}]))


def test_extra_fields_of_a_model_are_not_dropped_in_silence() -> None:
    assert through(Loose, Loose(id=1)) == Loose(id=1)
    with pytest.raises(TypeError, match="extra fields of Loose cannot travel"):
        through(Loose, Loose.model_validate({"id": 1, "more": 2}))


def test_json_makes_records_of_other_libraries() -> None:
    assert from_json(Customer, {"id": 1, "name": "Ann", "since": "2026-01-01"}).since == dt.date(2026, 1, 1)
    assert from_json(Event, {"event_id": 1, "colour": "red", "payload": "aGk="}).payload == b"hi"
    assert from_json(Parcel, {"id": "1", "_secret": "aGk="})._secret == b"hi"


DTYPES = [
    "?",
    "<i1",
    "<u2",
    "<i4",
    "<i8",
    "<u8",
    "<f2",
    "<f4",
    "<f8",
    "<c8",
    "<c16",
    ">f8",
    "<M8[ns]",
    "<m8[s]",
    "S3",
    "<U4",
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("annotation", [np.ndarray, Any], ids=str)
def test_an_array_comes_back(dtype: str, annotation: Any) -> None:
    for array in (
        np.arange(6).reshape(2, 3).astype(dtype),
        np.zeros((0, 3), dtype),
        np.ones((), dtype),
        np.arange(24).reshape(2, 3, 4).astype(dtype).T,
        np.arange(10).astype(dtype)[::-2],
    ):
        back = through(annotation, array)
        assert (back.dtype, back.shape) == (array.dtype, array.shape)
        assert back.tobytes() == array.tobytes()
        assert back.flags.writeable
        assert back.flags.owndata


@given(st.sampled_from(["<i8", "<f8", "?", "<c8"]), st.lists(st.integers(0, 4), max_size=4))
def test_an_array_of_any_shape_comes_back(dtype: str, shape: list[int]) -> None:
    array = np.ones(shape, dtype)
    assert np.array_equal(through(np.ndarray, array), array)
    assert through(np.ndarray, array).shape == array.shape


def test_scalars_of_numpy_keep_their_type() -> None:
    for scalar in (
        np.float32(1.5),
        np.int64(-3),
        np.bool_(True),
        np.datetime64("2026-01-01"),
        np.str_("ä"),
        np.complex64(1j),
    ):
        for annotation in (type(scalar), np.generic, Any):
            back = through(annotation, scalar)
            assert type(back) is type(scalar)
            assert back == scalar


def test_an_array_s_dtype_is_checked_by_its_annotation() -> None:
    wanted = npt.NDArray[np.float64]
    assert through(wanted, np.ones(3)).dtype == np.float64
    assert through(npt.NDArray[np.floating[Any]], np.ones(3, "<f4")).dtype == np.float32
    with pytest.raises(TypeError, match=r"expected ndarray\[float64\], got an array of int64"):
        through(wanted, np.ones(3, "<i8"))
    sent = codec.arguments(typed(np.ndarray)).pack((np.ones(3, "<i8"),), {})
    with pytest.raises(Malformed):
        codec.arguments(typed(wanted)).unpack(sent)


@pytest.mark.parametrize(
    "array",
    [np.array([object()]), np.array([1, "a"], object), np.ma.masked_array([1], [True]), np.zeros(1, [("a", "<i4")])],
    ids=["objects", "mixed", "masked", "structured"],
)
@pytest.mark.parametrize("annotation", [np.ndarray, Any], ids=str)
def test_an_array_of_objects_is_never_sent(array: Any, annotation: Any) -> None:
    with pytest.raises(TypeError, match="cannot travel"):
        codec.arguments(typed(annotation)).pack((array,), {})


@pytest.mark.parametrize(
    "tag, content",
    [
        (b"|O;1", b"12345678"),
        (b"O;1", b"12345678"),
        (b"<i4,<i4;1", b"12345678"),
        (b"<f8;2", b"12345678"),
        (b"<f8;-1", b"12345678"),
        (b"<f8;-1,-1", b"12345678"),
        (b"<f8;1;1", b"12345678"),
        (b"<f16;1", b"1234567812345678"),
        (b"|V8;1", b"12345678"),
        (b"<f8;9999999999,0", b""),
        (b"<f8;99999999999999999999,0", b""),
        (b"|S0;3", b""),
        (b"|S99999999999;0", b""),
        (b"|b1;1", b"\x02"),
        (b"<U1;1", b"\xff\xff\xff\xff"),
        (b"<M8[xs];1", b"12345678"),
        (b"<f8;" + b"1," * 64 + b"1", b"12345678"),
        (b"", b""),
        (b"\xff", b""),
        (b"<f8;1", "text"),
    ],
)
@pytest.mark.parametrize("annotation", [np.ndarray, Any], ids=str)
def test_a_hostile_array_is_malformed(tag: bytes, content: Any, annotation: Any) -> None:
    body = pack([[[ExtType(21, tag), content]], {}])
    if tag == b"<f8;9999999999,0":
        assert codec.arguments(typed(annotation)).unpack(body)[0][0].size == 0
        return
    with pytest.raises(Malformed):
        codec.arguments(typed(annotation)).unpack(body)


def test_ten_megabytes_of_numbers_come_back() -> None:
    array = np.random.default_rng(1).random(1_250_000)
    assert np.array_equal(through(np.ndarray, array), array)
    assert np.array_equal(through(Any, {"a": [array]})["a"][0], array)


def test_json_makes_an_array_of_lists() -> None:
    made = from_json(npt.NDArray[np.float64], [[1, 2], [3, 4]])
    assert made.dtype == np.float64
    assert made.shape == (2, 2)
    ragged: list[Any] = [[[1], [2, 3]], ["a"], [{}]]
    for wrong in ragged:
        with pytest.raises(Malformed):
            from_json(npt.NDArray[np.float64], wrong)


FRAMES = [
    "pandas.DataFrame",
    "pandas.Series",
    "polars.DataFrame",
    "polars.Series",
    "pyarrow.Table",
    "pyarrow.RecordBatch",
]


@pytest.mark.parametrize("name", FRAMES)
def test_a_table_comes_back(name: str) -> None:
    library, _, kind = name.partition(".")
    pytest.importorskip("pyarrow", reason="the extras pandas, polars and pyarrow are not installed")
    module = pytest.importorskip(library, reason="the extras pandas, polars and pyarrow are not installed")
    columns: dict[str, Any] = {"a": [1, 2, 3], "b": ["x", None, "z"]}
    if kind == "Series":
        value = module.Series([1, 2, 3], name="a") if library == "pandas" else module.Series("a", [1, 2, 3])
    elif library == "pyarrow":
        value = getattr(module, kind).from_pydict(columns)
    else:
        value = module.DataFrame(columns)
    back = through(type(value), value)
    assert type(back) is type(value)
    assert back.equals(value)
    with pytest.raises(Malformed):
        codec.arguments(typed(type(value))).unpack(pack([[[ExtType(23, name.encode()), b"garbage"]], {}]))
