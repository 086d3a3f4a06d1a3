"""The forms of classes other than dataclasses: the standard library's scalars, and records of other kinds."""

from __future__ import annotations

import sys
from datetime import date, datetime, time, timedelta

from hyfn.wire import scalar
from hyfn.wire.annotation import CannotTravel
from hyfn.wire.form import Form, Misfit
from hyfn.wire.from_json import reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from hyfn.wire.annotation import Forms

_ARROW = frozenset(("pandas", "polars", "pyarrow"))


def fill(forms: Forms, form: Form, cls: Any, bound: Mapping[Any, Any]) -> Form:
    """Make `form` that of `cls`. `bound` gives a generic class's variables their meaning. Raises CannotTravel."""
    made = _standard(form, cls)
    if made is not None:
        return made if not forms.is_json else _json(made, cls)
    if hasattr(cls, "__members__") and _is_a(cls, "enum", "Enum"):
        from hyfn.wire import choice

        return choice.enum(form, cls)
    if _is_a(cls, "numpy", "ndarray") or _is_a(cls, "numpy", "generic"):
        from hyfn.wire import array

        return array.form(cls, (), forms.is_json)
    if cls.__module__.partition(".")[0] in _ARROW:
        from hyfn.wire import arrow

        return arrow.fill(form, cls)
    from hyfn.wire import libraries

    return libraries.fill(forms, form, cls, bound)


def _is_a(cls: type, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and issubclass(cls, kind)


def _standard(form: Form, cls: type) -> Form | None:
    """The scalars of the closed table."""
    if cls in (datetime, date, time, timedelta, complex):
        return _scalar(form, cls)
    if cls is getattr(sys.modules.get("uuid"), "UUID", None):
        return _scalar(form, cls)
    if cls is getattr(sys.modules.get("decimal"), "Decimal", None):
        return _scalar(form, cls)
    if _is_a(cls, "pathlib", "PurePath"):
        return _path(form, cls)
    return None


def _scalar(form: Form, cls: type) -> Form:
    name = form.name

    def pack(value: object) -> object:
        if not isinstance(value, cls) or (cls is date and isinstance(value, datetime)):
            raise Misfit(name, value)
        try:
            return scalar.encode_as(cls, value)
        except (ValueError, OverflowError) as error:
            raise Misfit(name, value, str(error)) from None

    def unpack(raw: object) -> object:
        if type(raw) is cls:
            return raw
        raise Misfit(name, raw)

    form.kinds = frozenset((cls,))
    form.plain_out = cls
    return form.ready(cls.__name__.lower() if cls is complex else cls.__name__, pack, unpack)


def _path(form: Form, cls: Any) -> Form:
    """Any path of the same flavour: what arrives is a `cls`, as the annotation says."""
    windows = sys.modules["pathlib"].PureWindowsPath
    is_windows = issubclass(cls, windows)

    def pack(value: object) -> object:
        if isinstance(value, cls):
            return scalar.pack_path(value)
        raise Misfit(form.name, value)

    def unpack(raw: object) -> object:
        if isinstance(raw, cls):
            return raw
        if type(raw) in kinds and isinstance(raw, windows) == is_windows:
            return cls(str(raw))
        raise Misfit(form.name, raw)

    form.kinds = kinds = frozenset(_path_classes())
    return form.ready(form.name, pack, unpack)


def _path_classes() -> list[type]:
    pathlib = sys.modules["pathlib"]
    return [type(pathlib.Path()), pathlib.PurePosixPath, pathlib.PureWindowsPath]


def _complex_of(parts: list[Any]) -> complex:
    real, imaginary = parts
    if not {type(real), type(imaginary)} <= {int, float}:
        raise ValueError("its parts are numbers")
    return complex(real, imaginary)


def _json(form: Form, cls: Any) -> Form:
    """`form` that also reads JSON's text or number for it."""
    read: dict[str, tuple[type | tuple[type, ...], Callable[[Any], object], str]] = {
        "datetime": (str, scalar.datetime_of, "ISO 8601 text"),
        "date": (str, date.fromisoformat, "ISO 8601 text"),
        "time": (str, scalar.time_of, "ISO 8601 text"),
        "timedelta": ((int, float), lambda seconds: timedelta(seconds=seconds), "seconds"),
        "complex": (list, _complex_of, "[real, imaginary]"),
        "UUID": (str, cls, "a UUID as text"),
        "Decimal": ((str, int), lambda text: scalar.decimal_of(str(text)), "a number as text"),
    }
    kind, convert, expected = read.get(form.name, (str, cls, "text"))
    return reading(form, kind, convert, expected)


def refuse(cls: type, why: str = "") -> CannotTravel:
    reason = (
        why or "it is no builtin type, dataclass, Enum, NamedTuple, TypedDict, attrs class, pydantic model or Struct"
    )
    return CannotTravel(f"{cls.__qualname__} cannot travel: {reason}")
