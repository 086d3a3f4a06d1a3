"""Reading values as JSON has them: bytes as base64, times and numbers as text, keys as text. Writing is as ever."""

from __future__ import annotations

from hyfn.wire.builtin import STR
from hyfn.wire.builtin import mapping as typed_mapping
from hyfn.wire.form import Form, Misfit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hyfn.wire.form import Convert

_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}


def leaf(form: Form) -> Form:
    """The form of a builtin leaf that also reads what JSON has for it."""
    if form.name not in ("bytes", "bytearray"):
        return form
    kind: Callable[[bytes], object] = bytes if form.name == "bytes" else bytearray
    return reading(form, str, lambda text: kind(from_base64(text)), "base64 text")


def reading(form: Form, kind: type | tuple[type, ...], read: Callable[[Any], object], expected: str) -> Form:
    """A copy of `form` that also takes what JSON has: a `kind`, given to `read`, whose ValueErrors become Misfits."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    lenient = Form(form.name, form.accepts, frozenset(kinds))
    unpack_wire = form.unpack

    def unpack(raw: object) -> object:
        if type(raw) not in kinds:
            return unpack_wire(raw)
        try:
            return read(raw)
        except (ValueError, OverflowError) as error:
            raise Misfit(form.name, raw, f"expected {expected} for {form.name}: {error}") from None

    return lenient.ready(form.shape, form.pack, unpack)


def from_base64(text: str) -> bytes:
    """Raises ValueError unless `text` is base64, of either alphabet."""
    from binascii import a2b_base64

    standard = text.replace("-", "+").replace("_", "/")
    return a2b_base64(standard + "=" * (-len(standard) % 4), strict_mode=True)


def mapping(name: str, accepts: tuple[type, ...], key: Form, value: Form, build: type | None) -> Form:
    """As builtin.mapping. An object whose keys are read from their text, or a list of [key, value] pairs."""
    if key is STR:
        return typed_mapping(name, accepts, key, value, build)
    typed = typed_mapping(name, accepts, key, value, None)
    form = Form(typed.name, accepts, frozenset((dict, list)))
    form.is_deep = typed.is_deep
    read_key, read_value = _key_reader(key.unpacker()), value.unpacker()
    plain_key = key.unpacker()

    def unpack(raw: Any) -> object:
        if type(raw) is dict:
            made = {read_key(k): read_value(v) for k, v in raw.items()}
        elif type(raw) is list and all(type(pair) is list and len(pair) == 2 for pair in raw):
            made = {plain_key(k): read_value(v) for k, v in raw}
        else:
            made = typed.unpack(raw)
        return made if build is None else build(made)

    return form.ready(typed.shape, typed.pack, unpack)


def _key_reader(unpack: Convert) -> Convert:
    """Reads a key from its text: as text, as a word, as a number."""

    def read(text: str) -> object:
        for attempt in (str, _WORDS.__getitem__, int, float):
            try:
                return unpack(attempt(text))
            except (Misfit, ValueError, KeyError):
                continue
        raise Misfit("a key", text, f"{text[:40]!r} is not a key of this map")

    return read
