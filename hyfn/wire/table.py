"""The closed table: what a value without an annotation may be, and the msgpack extension that each travels as.

A scalar is one extension value. A container that msgpack has not is a list that opens with an empty extension value,
its tag, so that its items count and nest like all others. The numbers are the protocol's and keep their meaning.
"""

from __future__ import annotations

import sys

from hyfn.wire.form import Form, Misfit, type_name
from hyfn.wire.packing import MAX_DEPTH, ExtType, Timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

DATETIME, DATE, TIME, TIMEDELTA, UUID, DECIMAL, BIG_INT, COMPLEX, PATH, NUMPY_SCALAR = range(1, 11)
TUPLE, SET, FROZENSET, DICT, BYTEARRAY, NDARRAY, MEMBER, ARROW = range(16, 24)

_NATIVE = frozenset((str, bytes, bool, float, type(None)))


class Tag:
    """The first item of a list that is no list."""

    __slots__ = ("code", "data")

    def __init__(self, code: int, data: bytes) -> None:
        self.code = code
        self.data = data


def ext_hook(code: int, data: bytes) -> object:
    """What msgpack's decoder makes of an extension: a scalar's value, or a Tag. Raises for an unknown one."""
    if TUPLE <= code <= ARROW:
        return Tag(code, data)
    from hyfn.wire import scalar

    return scalar.decode(code, data)


def kind_of(raw: object) -> object:
    """The kind of a wire value after `ext_hook`: its class, or the code of its tag."""
    if type(raw) is list and raw and type(raw[0]) is Tag:
        return raw[0].code
    return type(raw)


def to_wire(value: object) -> object:
    """A value of the closed table as msgpack takes it. Raises TypeError for one that cannot travel."""
    return _pack(value, 0)


def from_wire(raw: object) -> Any:
    """The inverse of `to_wire`, whatever `ext_hook` `raw` was decoded with. Raises an Exception for what is none."""
    return _unpack(raw, 0)


def _pack(value: Any, depth: int) -> object:
    kind = type(value)
    if kind in _NATIVE:
        return value
    if kind is int and -(2**63) <= value < 2**64:
        return value
    if depth > MAX_DEPTH:
        raise Misfit("", value, f"it nests more than {MAX_DEPTH} deep, or contains itself")
    if kind is list:
        return [_pack(item, depth + 1) for item in value]
    if kind is dict:
        return _pack_dict(value, depth + 1)
    code = _CONTAINERS.get(kind)
    if code is not None:
        return [ExtType(code, b""), *[_pack(item, depth + 1) for item in value]]
    return _pack_other(value)


def _pack_dict(value: dict[Any, Any], depth: int) -> object:
    if set(map(type, value)) <= {str}:
        return {key: _pack(item, depth) for key, item in value.items()}
    flat: list[object] = [ExtType(DICT, b"")]
    for key, item in value.items():
        flat += (_pack(key, depth), _pack(item, depth))
    return flat


def _pack_other(value: object) -> object:
    from hyfn.wire import scalar

    if type(value) is bytearray:
        return [ExtType(BYTEARRAY, b""), value]
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        from hyfn.wire import array

        return array.pack(value)
    wire = scalar.encode(value)
    if wire is None:
        raise Misfit("", value, f"{type_name(value)} cannot travel without an annotation that names its type")
    return wire


def _unpack(raw: Any, depth: int) -> Any:
    kind = type(raw)
    if kind is list:
        if depth > MAX_DEPTH:
            raise Misfit("", raw, f"it nests more than {MAX_DEPTH} deep")
        if raw and type(raw[0]) in (Tag, ExtType):
            return _unpack_tagged(raw[0], raw, depth + 1)
        return [_unpack(item, depth + 1) for item in raw]
    if kind is dict:
        if depth > MAX_DEPTH or not set(map(type, raw)) <= {str}:
            raise Misfit("a map with text as keys", raw)
        return {key: _unpack(item, depth + 1) for key, item in raw.items()}
    if kind is ExtType and raw.code < TUPLE:
        return ext_hook(raw.code, raw.data)
    if kind is Tag or kind is ExtType or kind is Timestamp:
        raise Misfit("", raw, "an extension that no value has")
    return raw


def _unpack_tagged(tag: Tag | ExtType, raw: list[Any], depth: int) -> Any:
    if tag.code < TUPLE:
        return [_unpack(item, depth) for item in raw]
    make = _BUILD.get(tag.code)
    if make is not None:
        return make([_unpack(item, depth) for item in raw[1:]])
    if tag.code == NDARRAY:
        from hyfn.wire import array

        return array.unpack(tag.data, raw)
    raise Misfit("", raw, "a container's tag is unknown")


def _pairs(items: list[Any]) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


def _bytearray(items: list[Any]) -> bytearray:
    [content] = items
    if type(content) is not bytes:
        raise Misfit("bytes", content)
    return bytearray(content)


_CONTAINERS: dict[type, int] = {tuple: TUPLE, set: SET, frozenset: FROZENSET}
_BUILD: dict[int, Callable[[list[Any]], Any]] = {
    TUPLE: tuple,
    SET: set,
    FROZENSET: frozenset,
    DICT: _pairs,
    BYTEARRAY: _bytearray,
}


def untyped() -> Form:
    """The form of a value without an annotation, or annotated Any or object."""
    form = Form("Any")
    form.is_deep = True
    return form.ready("any", to_wire, from_wire)


ANY = untyped()
