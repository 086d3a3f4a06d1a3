"""Records of other kinds than dataclasses: NamedTuple, TypedDict, attrs, pydantic, msgspec."""

from __future__ import annotations

import sys

from hyfn.wire.classes import refuse
from hyfn.wire.form import Form, Misfit
from hyfn.wire.record import Field, begin, build_by_init, describe, mapper, scope_of
from hyfn.wire.record import fill as fill_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from hyfn.wire.annotation import Forms
    from hyfn.wire.form import Convert


def fill(forms: Forms, form: Form, cls: Any, bound: Mapping[Any, Any]) -> Form:
    """Make `form` that of `cls`. Raises CannotTravel where it is none of these."""
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _named_tuple(forms, form, cls, bound)
    begin(form)
    if hasattr(cls, "__total__") and issubclass(cls, dict):
        return _typed_dict(forms, form, cls, bound)
    if hasattr(cls, "__attrs_attrs__"):
        return _attrs(forms, form, cls, bound)
    if hasattr(cls, "__pydantic_core_schema__"):
        return _pydantic(forms, form, cls, bound)
    if hasattr(cls, "__struct_fields__"):
        return _struct(forms, form, cls, bound)
    raise refuse(cls)


def _named_tuple(forms: Forms, form: Form, cls: Any, bound: Mapping[Any, Any]) -> Form:
    """A list on the wire. Fields at its end that have defaults may be missing."""
    form.kinds, form.is_named = frozenset((list,)), True
    annotations = getattr(cls, "__annotations__", {})
    fields = [
        (name, forms.of(annotations.get(name, object), scope_of(cls, name, bound)), name not in cls._field_defaults)
        for name in cls._fields
    ]
    packers = [field.packer() for _, field, _ in fields]
    unpackers = [field.unpacker() for _, field, _ in fields]
    required = sum(is_required for _, _, is_required in fields)
    form.is_deep = form.is_deep or any(field.may_nest for _, field, _ in fields)

    def each(values: Any, converters: list[Convert]) -> list[Any]:
        try:
            return [convert(value) for convert, value in zip(converters, values, strict=False)]
        except Misfit as misfit:
            misfit.within(values, ((f".{name}", value) for name, value in zip(cls._fields, values, strict=False)))
            raise

    def pack(value: object) -> object:
        if type(value) is not cls:
            raise Misfit(form.name, value)
        return each(value, packers)

    def unpack(raw: object) -> object:
        if type(raw) is dict and forms.is_json and raw.keys() <= set(cls._fields):
            return cls(**{name: unpackers[cls._fields.index(name)](value) for name, value in raw.items()})
        if type(raw) is not list or not required <= len(raw) <= len(fields):
            raise Misfit(form.name, raw)
        return cls(*each(raw, unpackers))

    return form.ready(["named tuple", form.name, [list(field) for field in fields]], pack, unpack)


def _typed_dict(forms: Forms, form: Form, cls: Any, bound: Mapping[Any, Any]) -> Form:
    """A dict on both sides; keys that are not required may be missing on both."""
    fields = []
    for name, annotation in cls.__annotations__.items():
        scope = scope_of(cls, name, bound)
        text = getattr(annotation, "__forward_arg__", annotation)
        written = scope.evaluate(text) if isinstance(text, str) else annotation
        mark = getattr(getattr(written, "__origin__", None), "_name", "")
        is_required = mark == "Required" or (name in cls.__required_keys__ and mark != "NotRequired")
        fields.append(Field(name, forms.of(annotation, scope), is_required))
    pack = mapper(form.name, [(f.name, f.form.packer(), f.is_required) for f in fields])
    unpack = mapper(form.name, [(f.name, f.form.unpacker(), f.is_required) for f in fields])
    return form.ready(describe(form, fields), pack, unpack)


def _attrs(forms: Forms, form: Form, cls: Any, bound: Mapping[Any, Any]) -> Form:
    nothing = sys.modules["attr"].NOTHING
    fields, arguments, derived = [], {}, set()
    for attribute in cls.__attrs_attrs__:
        annotation = object if attribute.type is None else attribute.type
        value = forms.of(annotation, scope_of(cls, attribute.name, bound))
        fields.append(Field(attribute.name, value, attribute.init and attribute.default is nothing))
        if attribute.init:
            arguments[attribute.name] = attribute.alias
        else:
            derived.add(attribute.name)

    def make(**values: Any) -> Any:
        return cls(**{arguments[name]: value for name, value in values.items()})

    build = build_by_init(make, frozenset(derived), not forms.is_json)
    return fill_record(form, fields, lambda value: type(value) is cls, build)


def _pydantic(forms: Forms, form: Form, cls: Any, bound: Mapping[Any, Any]) -> Form:
    """Built by validation, so that a model's own rules hold on arrival too."""
    if not getattr(cls, "__pydantic_complete__", True):
        cls.model_rebuild()
    described: Mapping[str, Any] = cls.model_fields
    fields = [
        Field(name, forms.of(field.annotation, scope_of(cls, name, bound)), field.is_required())
        for name, field in described.items()
    ]
    build = _validating(cls, described)
    if getattr(cls, "__pydantic_root_model__", False):
        return _root(form, cls, fields[0].form)

    def check(value: Any) -> bool:
        if type(value) is cls and value.__pydantic_extra__:
            raise Misfit(form.name, value, f"extra fields of {form.name} cannot travel")
        return type(value) is cls

    return fill_record(form, fields, check, build)


def _validating(cls: Any, described: Mapping[str, Any]) -> Callable[[dict[str, Any]], Any]:
    if any(field.alias or field.validation_alias for field in described.values()):
        return lambda values: cls.model_validate(values, by_name=True)
    build: Callable[[dict[str, Any]], Any] = cls.model_validate
    return build


def _root(form: Form, cls: Any, root: Form) -> Form:
    pack_root, unpack_root = root.packer(), root.unpacker()

    def pack(value: Any) -> object:
        if type(value) is not cls:
            raise Misfit(form.name, value)
        return pack_root(value.root)

    form.kinds, form.is_deep = root.kinds, form.is_deep or root.may_nest
    return form.ready(["root", form.name, root], pack, lambda raw: cls.model_validate(unpack_root(raw)))


def _struct(forms: Forms, form: Form, cls: Any, bound: Mapping[Any, Any]) -> Form:
    """The types are checked by the fields' forms: a Struct's own __init__ checks none."""
    names: tuple[str, ...] = cls.__struct_fields__
    no_default = sys.modules["msgspec"].NODEFAULT
    defaults = (no_default,) * (len(names) - len(cls.__struct_defaults__)) + cls.__struct_defaults__
    fields = [
        Field(name, forms.of(_annotation(cls, name), scope_of(cls, name, bound)), default is no_default)
        for name, default in zip(names, defaults, strict=True)
    ]
    return fill_record(form, fields, lambda value: type(value) is cls, lambda values: cls(**values))


def _annotation(cls: type, name: str) -> Any:
    return next(
        vars(base)["__annotations__"][name] for base in cls.__mro__ if name in vars(base).get("__annotations__", ())
    )
