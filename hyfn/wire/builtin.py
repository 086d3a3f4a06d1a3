"""The forms of builtin values and of the containers of them."""

from __future__ import annotations

from hyfn.wire.form import Form, Misfit, plain
from hyfn.wire.packing import ExtType
from hyfn.wire.table import BIG_INT, BYTEARRAY, DICT, Tag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from hyfn.wire.form import Convert

MIN_INT, MAX_INT = -(2**63), 2**64 - 1
"""What msgpack has itself; others travel as an extension."""


def _pack_str(value: object) -> object:
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    raise Misfit("str", value)


def _pack_bytes(value: object) -> object:
    if type(value) is bytes:
        return value
    if isinstance(value, bytes):
        return bytes(memoryview(value))
    raise Misfit("bytes", value)


def _pack_int(value: object) -> object:
    if type(value) is not int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Misfit("int", value)
        value = int.__int__(value)
    if MIN_INT <= value <= MAX_INT:
        return value
    return pack_big_int(value)


def pack_big_int(value: int) -> ExtType:
    return ExtType(BIG_INT, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def _pack_float(value: object) -> object:
    if type(value) is float:
        return value
    if isinstance(value, float):
        return float.__float__(value)
    return _whole_float(value)


def _unpack_float(value: object) -> object:
    return value if type(value) is float else _whole_float(value)


def _whole_float(value: object) -> float:
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise Misfit("float", value, "the int is too large for a float") from None
    raise Misfit("float", value)


def _bytearray() -> Form:
    def pack(value: object) -> object:
        if isinstance(value, bytearray):
            return [ExtType(BYTEARRAY, b""), value]
        raise Misfit("bytearray", value)

    def unpack(raw: object) -> object:
        if type(raw) is list and len(raw) == 2 and _tag(raw) == BYTEARRAY and type(raw[1]) is bytes:
            return bytearray(raw[1])
        raise Misfit("bytearray", raw)

    return Form("bytearray", (bytearray,), frozenset((BYTEARRAY,))).ready("bytearray", pack, unpack)


def _tag(raw: list[object]) -> int:
    first = raw[0] if raw else None
    return first.code if type(first) is Tag else 0


def _float() -> Form:
    form = Form("float", (float,), frozenset((float,))).ready("float", _pack_float, _unpack_float)
    form.plain_in = form.plain_out = float
    return form


def _int() -> Form:
    form = plain("int", int, _pack_int)
    form.plain_in = None  # one beyond 64 bits is not plain
    return form


NONE = plain("None", type(None))
STR = plain("str", str, _pack_str)
LEAVES: dict[type, Form] = {
    str: STR,
    int: _int(),
    float: _float(),
    bool: plain("bool", bool),
    bytes: plain("bytes", bytes, _pack_bytes),
    bytearray: _bytearray(),
    type(None): NONE,
}


def _numbered(values: Iterable[object]) -> Iterator[tuple[str, object]]:
    return ((f"[{index}]", value) for index, value in enumerate(values))


def collection(name: str, accepts: tuple[Any, ...], item: Form, build: Callable[[list[Any]], Any] | None) -> Form:
    """A list on the wire, of any length. `build` makes the value of its items; None leaves them a list."""
    pack_item, unpack_item, plain_in, plain_out = item.packer(), item.unpacker(), item.plain_in, item.plain_out
    whole = f"{name}[{item.name}]"

    def pack(value: Any) -> object:
        if not isinstance(value, accepts) or isinstance(value, (str, bytes, bytearray)):
            raise Misfit(whole, value)
        if type(value) is not list:
            value = list(value)
        if plain_in is not None and set(map(type, value)) == {plain_in}:
            return value
        try:
            return [pack_item(element) for element in value]
        except Misfit as misfit:
            misfit.within(value, _numbered(value))
            raise

    def unpack(raw: Any) -> object:
        if type(raw) is not list:
            raise Misfit(whole, raw)
        if plain_out is None or set(map(type, raw)) != {plain_out}:
            raw = _each(raw, unpack_item)
        return raw if build is None else build(raw)

    form = Form(whole, accepts, frozenset((list,)))
    form.is_deep = item.may_nest
    return form.ready([name, item], pack, unpack)


def _each(raw: list[Any], unpack_item: Convert) -> list[Any]:
    try:
        return [unpack_item(element) for element in raw]
    except Misfit as misfit:
        misfit.within(raw, _numbered(raw))
        raise


def fixed_tuple(items: list[Form]) -> Form:
    """tuple[int, str]: a list of exactly these on the wire."""
    name = f"tuple[{', '.join(item.name for item in items) or '()'}]"
    packers, unpackers = [item.packer() for item in items], [item.unpacker() for item in items]

    def each(values: Any, converters: list[Convert]) -> list[Any]:
        if len(values) != len(converters):
            raise Misfit(name, values, f"expected {name}, got {len(values)} items")
        try:
            return [convert(value) for convert, value in zip(converters, values, strict=True)]
        except Misfit as misfit:
            misfit.within(values, _numbered(values))
            raise

    def pack(value: object) -> object:
        if not isinstance(value, tuple):
            raise Misfit(name, value)
        return each(value, packers)

    def unpack(raw: object) -> object:
        if type(raw) is not list:
            raise Misfit(name, raw)
        return tuple(each(raw, unpackers))

    form = Form(name, (tuple,), frozenset((list,)))
    form.is_deep = any(item.may_nest for item in items)
    return form.ready(["tuple", *items], pack, unpack)


def mapping(name: str, accepts: tuple[Any, ...], key: Form, value: Form, build: type | None) -> Form:
    """A map on the wire where keys are text, else a list of keys and values in turn. `build` None leaves a dict."""
    form = Form(f"{name}[{key.name}, {value.name}]", accepts, frozenset((dict if key is STR else DICT,)))
    form.is_deep = key.may_nest or value.may_nest
    make = _text_keys if key is STR else _any_keys
    pack, unpack = make(form.name, accepts, key, value)
    if build is None:
        return form.ready([name, key, value], pack, unpack)
    return form.ready([name, key, value], pack, lambda raw: build(unpack(raw)))


def _text_keys(name: str, accepts: tuple[Any, ...], key: Form, value: Form) -> tuple[Convert, Convert]:
    pack_key, unpack_key = key.pack, key.unpack
    pack_value, unpack_value = value.packer(), value.unpacker()

    def pack(given: Any) -> object:
        if not isinstance(given, accepts):
            raise Misfit(name, given)
        try:
            return {pack_key(k): pack_value(v) for k, v in given.items()}
        except Misfit as misfit:
            misfit.within(given, _entries(given))
            raise

    def unpack(raw: Any) -> object:
        if type(raw) is not dict:
            raise Misfit(name, raw)
        try:
            return {unpack_key(k): unpack_value(v) for k, v in raw.items()}
        except Misfit as misfit:
            misfit.within(raw, _entries(raw))
            raise

    return pack, unpack


def _any_keys(name: str, accepts: tuple[Any, ...], key: Form, value: Form) -> tuple[Convert, Convert]:
    pack_key, pack_value, unpack_key, unpack_value = key.packer(), value.packer(), key.unpacker(), value.unpacker()

    def pack(given: Any) -> object:
        if not isinstance(given, accepts):
            raise Misfit(name, given)
        flat: list[object] = [ExtType(DICT, b"")]
        try:
            for k, v in given.items():
                flat += (pack_key(k), pack_value(v))
        except Misfit as misfit:
            misfit.within(given, _entries(given))
            raise
        return flat

    def unpack(raw: Any) -> object:
        if type(raw) is not list or _tag(raw) != DICT or not len(raw) % 2:
            raise Misfit(name, raw)
        return {unpack_key(k): unpack_value(v) for k, v in zip(raw[1::2], raw[2::2], strict=True)}

    return pack, unpack


def _entries(given: Any) -> Iterator[tuple[str, object]]:
    for key, value in given.items():
        yield "<key>", key
        yield f"[{key!r}]" if type(key) is str else "[…]", value
