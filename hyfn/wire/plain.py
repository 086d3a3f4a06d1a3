"""A wire value as JSON has it, for those who do not know its type: a person at the door of `hyfn dev`."""

from __future__ import annotations

from hyfn.wire import table
from hyfn.wire.packing import ExtType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def as_json(wire: Any) -> Any:
    """`wire` as packing.unpack gives it. Bytes become base64, times and numbers beyond JSON's text, keys text.

    Raises an Exception for what the table does not have.
    """
    if isinstance(wire, list):
        return _list(wire)
    if isinstance(wire, dict):
        return {str(key): as_json(value) for key, value in wire.items()}
    if isinstance(wire, ExtType):
        return _scalar(table.ext_hook(wire.code, wire.data))
    return _scalar(wire)


def _list(wire: list[Any]) -> Any:
    tag = wire[0] if wire else None
    if not isinstance(tag, ExtType) or tag.code < table.TUPLE:
        return [as_json(item) for item in wire]
    if tag.code == table.DICT:
        return _object(wire[1::2], wire[2::2])
    if tag.code in (table.MEMBER, table.BYTEARRAY):
        return as_json(wire[1])
    if tag.code == table.NDARRAY:
        return as_json(table.from_wire(wire).tolist())
    return [as_json(item) for item in wire[1:]]


def _object(keys: list[Any], values: list[Any]) -> Any:
    """An object where all keys are written as plain text or numbers, else a list of pairs."""
    plain = [as_json(key) for key in keys]
    written = [as_json(value) for value in values]
    if any(isinstance(key, (list, dict)) for key in plain):
        return [list(pair) for pair in zip(plain, written, strict=True)]
    return {_key(key): value for key, value in zip(plain, written, strict=True)}


def _key(key: object) -> str:
    words = {True: "true", False: "false", None: "null"}
    return words[key] if isinstance(key, (bool, type(None))) else str(key)


def _scalar(value: Any) -> Any:
    from datetime import date, datetime, time, timedelta

    if isinstance(value, bytes):
        from binascii import b2a_base64

        return b2a_base64(value, newline=False).decode()
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # JSON has neither NaN nor infinity
    if isinstance(value, (bool, int, str, type(None))):
        return value
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return as_json(value.item()) if hasattr(value, "dtype") else str(value)
