"""numpy's arrays and scalars. Numbers, times and fixed text only: never an object dtype, never a pickle.

An array is [tag "<f8;2,3", its buffer in C order]. It is copied once each way, and may be written to.
"""

from __future__ import annotations

from math import prod
from sys import modules

from hyfn.wire.form import Form, Misfit
from hyfn.wire.packing import ExtType
from hyfn.wire.table import NDARRAY, NUMPY_SCALAR, kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SIZES = {"b": "1", "i": "1248", "u": "1248", "f": "248", "c": ("8", "16")}
_UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns")
MAX_TEXT = 1 << 20
"""Characters of one item of a fixed-width text dtype."""
MAX_DIMENSIONS = 32


def dtype_of(text: str) -> Any:
    """The dtype that `text` ("<f8", "<M8[ns]", "|S10") names. Raises ValueError unless it is on the list."""
    import numpy

    order, kind, size = text[:1], text[1:2], text[2:]
    if order not in ("<", ">", "|"):
        raise ValueError("not a dtype that can travel")
    if kind in ("M", "m"):
        known = size in [f"8[{unit}]" for unit in _UNITS]
    elif kind in ("S", "U"):
        known = size.isascii() and size.isdigit() and 1 <= int(size[:9]) <= MAX_TEXT and len(size) < 9
    else:
        known = bool(size) and size in _SIZES.get(kind, "")
    if not known:
        raise ValueError("not a dtype that can travel")
    return numpy.dtype(text)


def _dtype_text(dtype: Any) -> str:
    """Raises Misfit for a dtype that is not on the list."""
    text: str = dtype.str
    try:
        if dtype_of(text) == dtype:
            return text
    except (ValueError, TypeError):
        pass
    raise Misfit("", None, f"a numpy dtype {dtype} cannot travel")


def pack(value: Any) -> object:
    """An array or a scalar. Raises Misfit for a dtype that is not on the list, and for masked arrays."""
    numpy = modules["numpy"]
    text = _dtype_text(value.dtype)
    if isinstance(value, numpy.generic):
        return ExtType(NUMPY_SCALAR, f"{text};".encode() + value.tobytes())
    if isinstance(value, numpy.ma.MaskedArray):
        raise Misfit("", value, "a masked array cannot travel: its mask would be lost")
    shape = ",".join(map(str, value.shape))
    contiguous = numpy.ascontiguousarray(value)
    content = contiguous.reshape(-1).view("u1").data if contiguous.size else b""
    return [ExtType(NDARRAY, f"{text};{shape}".encode()), content]


def unpack(data: bytes, raw: list[Any]) -> Any:
    """The array of a tag's `data` and the list that it opens. Raises ValueError where they do not agree."""
    import numpy

    text, _, dimensions = data.decode("ascii").partition(";")
    dtype = dtype_of(text)
    shape = [int(size) for size in dimensions.split(",")] if dimensions else []
    if len(raw) != 2 or type(raw[1]) is not bytes or len(shape) > MAX_DIMENSIONS or any(size < 0 for size in shape):
        raise ValueError("not an array")
    if prod(shape) * dtype.itemsize != len(raw[1]):
        raise ValueError("an array's shape and its content do not agree")
    if not raw[1]:
        return numpy.empty(shape, dtype)
    array = numpy.frombuffer(raw[1], dtype).reshape(shape).copy()
    _check_content(array)
    return array


def _check_content(array: Any) -> None:
    """Bits that numpy trusts: a bool of neither 0 nor 1, a character beyond Unicode."""
    if array.dtype.kind == "b" and array.view("u1").max() > 1:
        raise ValueError("an array of bool holds something else")
    if array.dtype.kind == "U":
        points = array.reshape(-1).view(array.dtype.byteorder.replace("|", "=") + "u4")
        if points.max() > 0x10FFFF:
            raise ValueError("an array of text holds something else")


def scalar_of(data: bytes) -> Any:
    text, _, content = data.partition(b";")
    array = unpack(text + b";", [None, content])
    return array[()]


def form(cls: Any, args: tuple[Any, ...], is_json: bool) -> Form:
    """The form of ndarray, of NDArray[dtype], or of a scalar class. Abstract ones (np.floating) take any below them."""
    numpy = modules["numpy"]
    if issubclass(cls, numpy.generic):
        return _scalar(cls, is_json)
    item = _item_class(args, numpy)
    name = "ndarray" if item is numpy.generic else f"ndarray[{item.__name__}]"

    def check(value: Any) -> Any:
        if not isinstance(value, numpy.ndarray):
            raise Misfit(name, value)
        if not issubclass(value.dtype.type, item):
            raise Misfit(name, value, f"expected {name}, got an array of {value.dtype}")
        return value

    def read(raw: Any) -> Any:
        if kind_of(raw) == NDARRAY:
            return check(unpack(raw[0].data, raw))
        if is_json and type(raw) is list:
            return check(_from_lists(raw, item, numpy))
        raise Misfit(name, raw)

    made = Form(name, (numpy.ndarray,), frozenset((NDARRAY,)))
    return made.ready(["ndarray", _stable(item)], lambda value: pack(check(value)), read)


def _stable(cls: Any) -> str:
    """numpy 1 says bool_ where numpy 2 says bool."""
    name: str = cls.__name__
    return name.rstrip("_")


def _from_lists(raw: list[Any], item: Any, numpy: Any) -> Any:
    is_concrete = item is not numpy.generic and not item.__subclasses__() and item not in (numpy.str_, numpy.bytes_)
    array = numpy.array(raw, dtype=item if is_concrete else None)
    _dtype_text(array.dtype)
    return array


def _item_class(args: tuple[Any, ...], numpy: Any) -> Any:
    """float64 of `ndarray[Any, dtype[float64]]`; np.generic where it is not said."""
    dtype = args[1] if len(args) > 1 else None
    inner = getattr(dtype, "__args__", (None,))[0]
    inner = getattr(inner, "__origin__", inner)
    return inner if isinstance(inner, type) and issubclass(inner, numpy.generic) else numpy.generic


def _scalar(cls: Any, is_json: bool) -> Form:
    name = f"numpy.{cls.__name__}"

    def check(value: Any) -> Any:
        if isinstance(value, cls):
            return value
        raise Misfit(name, value)

    def read(raw: Any) -> Any:
        return cls(raw) if is_json and type(raw) in (bool, int, float, str) else check(raw)

    made = Form(name, (cls,), frozenset((cls,)))
    return made.ready(f"numpy.{_stable(cls)}", lambda value: pack(check(value)), read)
