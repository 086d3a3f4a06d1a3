"""Values with named fields: a map on the wire, whatever library's class they are."""

from __future__ import annotations

import sys

from hyfn.wire.annotation import Scope, module_names
from hyfn.wire.form import Form, Misfit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from hyfn.wire.annotation import Forms
    from hyfn.wire.form import Convert


class Field:
    """`is_required`: a map without it does not fit."""

    __slots__ = ("form", "is_required", "name")

    def __init__(self, name: str, form: Form, is_required: bool) -> None:
        self.name = name
        self.form = form
        self.is_required = is_required


def begin(form: Form) -> None:
    """To be called before the fields' forms are made: one of them may be a union with this form."""
    form.kinds = frozenset((dict,))
    form.is_named = True


def scope_of(cls: type, name: str, bound: Mapping[Any, Any]) -> Scope:
    """Where the annotation of the field `name` was written: the class of the MRO that has it."""
    owner = next((base for base in cls.__mro__ if name in vars(base).get("__annotations__", ())), cls)
    local = {parameter.__name__: parameter for parameter in getattr(owner, "__type_params__", ())}
    return Scope(module_names(owner), {cls.__name__: cls, **local}, {**_inherited(cls, bound), **bound})


def _inherited(cls: type, bound: Mapping[Any, Any]) -> dict[Any, Any]:
    """What the type variables of generic bases mean in `cls`: Box's T in `class IntBox(Box[int])`."""
    meaning: dict[Any, Any] = {}
    for base in getattr(cls, "__orig_bases__", ()):
        origin = getattr(base, "__origin__", None)
        variables = getattr(origin, "__parameters__", ())
        if not isinstance(origin, type) or not variables or not hasattr(base, "__args__"):
            continue
        args = [bound.get(arg, arg) if getattr(arg, "__hash__", None) else arg for arg in base.__args__]
        own = dict(zip(variables, args, strict=False))
        meaning |= own | _inherited(origin, own)
    return meaning


def fill(
    form: Form,
    fields: list[Field],
    check: Callable[[Any], bool],
    build: Callable[[dict[str, Any]], Any],
) -> Form:
    """Make `form` that of a record whose fields are attributes. `check` says whether a value is one, `build` makes it
    of what was sent."""
    name = form.name
    packers = [(field.name, field.form.packer()) for field in fields]
    values_of = mapper(name, [(f.name, f.form.unpacker(), f.is_required) for f in fields])

    def pack(value: Any) -> object:
        if not check(value):
            raise Misfit(name, value)
        try:
            return {key: convert(getattr(value, key)) for key, convert in packers}
        except Misfit as misfit:
            misfit.within(value, ((f".{key}", getattr(value, key)) for key, _ in packers))
            raise
        except AttributeError as error:
            raise Misfit(name, value, f"this {name} is not complete: {error}") from None

    return form.ready(describe(form, fields), pack, lambda raw: build(values_of(raw)))


def describe(form: Form, fields: list[Field]) -> object:
    """The shape of a record. The order of its fields does not matter to the wire."""
    form.is_deep = form.is_deep or any(field.form.may_nest for field in fields)
    shape = sorted(([field.name, field.form, field.is_required] for field in fields), key=lambda field: str(field[0]))
    return ["record", form.name, shape]


def mapper(name: str, fields: list[tuple[str, Convert, bool]]) -> Callable[[Any], dict[str, Any]]:
    """Converts a map's values. `fields` are names, their converters, and whether they are required."""
    converters = [(key, convert) for key, convert, _ in fields]
    names = frozenset(key for key, _, _ in fields)
    required = frozenset(key for key, _, is_required in fields if is_required)

    def values(raw: Any) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise Misfit(name, raw)
        try:
            if raw.keys() == names:
                return {key: convert(raw[key]) for key, convert in converters}
            _check_fields(name, raw, names, required)
            return {key: convert(raw[key]) for key, convert in converters if key in raw}
        except Misfit as misfit:
            misfit.within(raw, ((f".{key}", raw.get(key)) for key in names))
            raise

    return values


def _check_fields(name: str, raw: dict[str, Any], names: frozenset[str], required: frozenset[str]) -> None:
    missing = required - raw.keys()
    if missing:
        raise Misfit(name, raw, f"{name} lacks {', '.join(sorted(missing))}")
    extra = raw.keys() - names
    if extra:
        raise Misfit(name, raw, f"{name} has no field {', '.join(sorted(map(repr, extra)))}")


def of_dataclass(forms: Forms, form: Form, cls: Any, bound: Mapping[Any, Any]) -> Form:
    begin(form)
    missing = sys.modules["dataclasses"].MISSING
    described = {name: field._field_type.name for name, field in cls.__dataclass_fields__.items()}
    own = [field for name, field in cls.__dataclass_fields__.items() if described[name] == "_FIELD"]
    defaults = {
        field.name: (lambda value=field.default: value) if field.default is not missing else field.default_factory
        for field in own
        if field.default is not missing or field.default_factory is not missing
    }
    fields = [
        Field(
            field.name,
            forms.of(field.type, scope_of(cls, field.name, bound)),
            field.init and field.name not in defaults,
        )
        for field in own
    ]
    if "_FIELD_INITVAR" in described.values():
        build = _build_without_init(cls, defaults)
    else:
        derived = frozenset(field.name for field in own if not field.init)
        is_exact = not forms.is_json and hasattr(cls, "__post_init__")
        build = build_by_init(cls, derived, is_exact)
    return fill(form, fields, lambda value: type(value) is cls, build)


def build_by_init(make: Any, derived: frozenset[str], is_exact: bool) -> Callable[[dict[str, Any]], Any]:
    """`make` takes the fields by name but the `derived`, which are set afterwards. Where `is_exact` all are: a
    __post_init__ that changes what it was given would else run twice on the same value."""
    if not derived and not is_exact:
        return lambda values: make(**values)

    def build(values: dict[str, Any]) -> Any:
        made = make(**{name: value for name, value in values.items() if name not in derived})
        for name, value in values.items():
            object.__setattr__(made, name, value)
        return made

    return build


def _build_without_init(cls: Any, defaults: Mapping[str, Callable[[], Any]]) -> Callable[[dict[str, Any]], Any]:
    """For a dataclass with InitVars: what they were is gone, so the fields are set as they are."""

    def build(values: dict[str, Any]) -> Any:
        made = object.__new__(cls)
        for name, make in defaults.items():
            if name not in values:
                object.__setattr__(made, name, make())
        for name, value in values.items():
            object.__setattr__(made, name, value)
        return made

    return build
