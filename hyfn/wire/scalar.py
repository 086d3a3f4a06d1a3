"""The scalars of the closed table beyond msgpack's own: how each is written in its extension, and in JSON's text.

The classes come from this process, never by a name from the wire. Numbers are written exactly; times in ISO 8601, with
`[zone]` for a ZoneInfo and `~` for the second of two equal wall times.
"""

from __future__ import annotations

import sys
from datetime import date, datetime, time, timedelta
from struct import Struct

from hyfn.wire import table
from hyfn.wire.builtin import pack_big_int
from hyfn.wire.packing import ExtType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal
    from pathlib import PurePath
    from typing import Any
    from uuid import UUID

MAX_EXPONENT = 6176
"""Of a Decimal, either way: decimal128's range. int(Decimal("1e999999999")) would fill the memory."""
MAX_DIGITS = 10_000

_DELTA = Struct(">iII")
_COMPLEX = Struct(">dd")


def time_text(value: datetime | time) -> str:
    """ISO 8601 with zone and fold, for `time_of`."""
    kind = datetime if isinstance(value, datetime) else time
    text: str = kind.isoformat(value)  # type: ignore[arg-type]
    zone = getattr(value.tzinfo, "key", None)
    return f"{text}{'~' if value.fold else ''}{f'[{zone}]' if zone else ''}"


def datetime_of(text: str) -> datetime:
    text, zone, fold = _split(text)
    value: datetime = _zoned(datetime.fromisoformat(text), zone, fold)
    return value


def time_of(text: str) -> time:
    text, zone, fold = _split(text)
    value: time = _zoned(time.fromisoformat(text), zone, fold)
    return value


def _split(text: str) -> tuple[str, str, int]:
    text, _, zone = text.removesuffix("]").partition("[")
    return text.removesuffix("~"), zone, int(text.endswith("~"))


def _zoned(value: Any, zone: str, fold: int) -> Any:
    if not zone:
        return value.replace(fold=fold) if fold else value
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return value.replace(tzinfo=ZoneInfo(zone), fold=fold)
    except ZoneInfoNotFoundError as error:
        raise ValueError(f"no time zone {zone!r} is known here: add tzdata to the dependencies") from error


def decimal_of(text: str) -> Decimal:
    """Raises ValueError where digits or exponent are beyond the bounds."""
    from decimal import Decimal, InvalidOperation

    if len(text) > MAX_DIGITS + 20:
        raise ValueError("the Decimal has too many digits")
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("not a Decimal") from error
    return bounded(value)


def bounded(value: Decimal) -> Decimal:
    """`value`, if its digits and exponent are within the bounds; else ValueError."""
    _, digits, exponent = value.as_tuple()
    if len(digits) > MAX_DIGITS or (isinstance(exponent, int) and abs(exponent) > MAX_EXPONENT):
        raise ValueError(f"a Decimal of more than {MAX_DIGITS} digits or an exponent beyond {MAX_EXPONENT}")
    return value


def _decimal(value: Decimal) -> bytes:
    return str(bounded(value)).encode()


def path_of(data: bytes) -> PurePath:
    import pathlib

    kinds: dict[bytes, type[PurePath]] = {
        b"P": pathlib.Path,
        b"p": pathlib.PurePosixPath,
        b"w": pathlib.PureWindowsPath,
    }
    kind = kinds[data[:1]]
    return kind(data[1:].decode("utf-8", "surrogateescape"))


def pack_path(value: PurePath) -> ExtType:
    import pathlib

    flavour = b"w" if isinstance(value, pathlib.PureWindowsPath) else b"p"
    mark = b"P" if isinstance(value, pathlib.Path) else flavour
    return ExtType(table.PATH, mark + str(value).encode("utf-8", "surrogateescape"))


def _uuid(data: bytes) -> UUID:
    from uuid import UUID

    return UUID(bytes=data)


def _numpy(data: bytes) -> object:
    from hyfn.wire import array

    return array.scalar_of(data)


def delta_of(data: bytes) -> timedelta:
    return timedelta(*_DELTA.unpack(data))


def _big_int(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


def _complex(data: bytes) -> complex:
    return complex(*_COMPLEX.unpack(data))


_DECODE: dict[int, Callable[[bytes], object]] = {
    table.DATETIME: lambda data: datetime_of(data.decode()),
    table.DATE: lambda data: date.fromisoformat(data.decode()),
    table.TIME: lambda data: time_of(data.decode()),
    table.TIMEDELTA: delta_of,
    table.UUID: _uuid,
    table.DECIMAL: lambda data: decimal_of(data.decode()),
    table.BIG_INT: _big_int,
    table.COMPLEX: _complex,
    table.PATH: path_of,
    table.NUMPY_SCALAR: _numpy,
}

_ENCODE: dict[type, tuple[int, Callable[[Any], bytes]]] = {
    datetime: (table.DATETIME, lambda value: time_text(value).encode()),
    date: (table.DATE, lambda value: date.isoformat(value).encode()),
    time: (table.TIME, lambda value: time_text(value).encode()),
    timedelta: (table.TIMEDELTA, lambda value: _DELTA.pack(value.days, value.seconds, value.microseconds)),
    complex: (table.COMPLEX, lambda value: _COMPLEX.pack(value.real, value.imag)),
}


def decode(code: int, data: bytes) -> object:
    """The value of a scalar's extension. Raises an Exception for any that is not one."""
    return _DECODE[code](data)


def encode_as(kind: type, value: object) -> ExtType:
    """`value` as a `kind`, one of the table's classes or (of datetime and others) a subclass of it."""
    if kind not in _ENCODE:
        _learn(kind)
    code, write = _ENCODE[kind]
    return ExtType(code, write(value))


def encode(value: object) -> ExtType | None:
    """The extension of a value by its own class, or None where the table has no such class."""
    kind = type(value)
    if kind is int:
        return pack_big_int(value)  # type: ignore[arg-type]
    pathlib = sys.modules.get("pathlib")
    if pathlib is not None and isinstance(value, pathlib.PurePath):
        return pack_path(value)
    if kind in _ENCODE or _learn(kind):
        return encode_as(kind, value)
    return None


def _learn(kind: type) -> bool:
    """Take UUID and Decimal into the table once a value of them is seen: their modules cost a cold start 4 ms."""
    if kind is getattr(sys.modules.get("uuid"), "UUID", None):
        _ENCODE[kind] = (table.UUID, lambda value: value.bytes)
    elif kind is getattr(sys.modules.get("decimal"), "Decimal", None):
        _ENCODE[kind] = (table.DECIMAL, _decimal)
    return kind in _ENCODE
