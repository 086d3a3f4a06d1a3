"""The forms of types that are a choice: of other types (Union), or of values (Literal, Enum)."""

from __future__ import annotations

from hyfn.wire.form import Form, Misfit
from hyfn.wire.packing import ExtType
from hyfn.wire.table import MEMBER, Tag, kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import Enum
    from typing import Any

    from hyfn.wire.form import Convert

_SCALARS = (str, int, float, bool, bytes, type(None))


def union(forms: list[Form], is_json: bool) -> Form:
    """A value of the first member that it fits. Members whose wire values look alike travel with their name."""
    members = _flat(forms)
    if len(members) == 1:
        return members[0]
    for member in members:
        if member.shape == "any":
            return member
    none = [member for member in members if member.name == "None"]
    if len(members) == 2 and none:
        return _optional(next(member for member in members if member is not none[0]), none[0])
    form = _described(members, " | ".join(member.name for member in members))
    tagged = {} if is_json else _labels(members)
    if tagged:
        form.kinds |= {MEMBER}
    unpack = _read_any(form.name, members) if is_json else _reader(form.name, members, tagged)
    return form.ready(["union", *members], _writer(form.name, members, tagged), unpack)


def _flat(forms: list[Form]) -> list[Form]:
    members: list[Form] = []
    for form in forms:
        members += [member for member in form.members or (form,) if member not in members]
    return members


def _described(members: list[Form], name: str) -> Form:
    form = Form(name)
    form.members = tuple(members)
    form.is_deep = any(member.may_nest for member in members)
    if all(member.accepts for member in members):
        form.accepts = tuple(kind for member in members for kind in member.accepts)
    if all(member.kinds for member in members):
        form.kinds = frozenset(kind for member in members for kind in member.kinds)
    return form


def _optional(member: Form, none: Form) -> Form:
    form = _described([member, none], f"{member.name} | None")
    pack_member, unpack_member = member.packer(), member.unpacker()

    def pack(value: object) -> object:
        return None if value is None else pack_member(value)

    def unpack(raw: object) -> object:
        return None if raw is None else unpack_member(raw)

    return form.ready(["union", member, none], pack, unpack)


def _labels(members: list[Form]) -> dict[Form, bytes]:
    """The names of the members whose wire values could be taken for another member's."""
    labels: dict[Form, bytes] = {}
    for member in members:
        others = [other for other in members if other is not member]
        if not member.kinds or any(not other.kinds or member.kinds & other.kinds for other in others):
            label = member.name.encode()
            while label in labels.values():
                label += b"'"
            labels[member] = label
    return labels


def _writer(name: str, members: list[Form], labels: dict[Form, bytes]) -> Convert:
    packers = {member: member.packer() for member in members}
    ranked: dict[type, list[Form]] = {}

    def candidates(kind: type) -> list[Form]:
        exact = [member for member in members if kind in member.accepts]
        near = [m for m in members if m not in exact and m.accepts and issubclass(kind, m.accepts)]
        return exact + near + [member for member in members if member not in exact and member not in near]

    def pack(value: object) -> object:
        kind = type(value)
        if kind not in ranked:
            ranked[kind] = candidates(kind)
        for member in ranked[kind]:
            try:
                packed = packers[member](value)
            except Misfit:
                continue
            label = labels.get(member)
            return packed if label is None else [ExtType(MEMBER, label), packed]
        raise Misfit(name, value)

    return pack


def _reader(name: str, members: list[Form], labels: dict[Form, bytes]) -> Convert:
    by_label = {label: member.unpacker() for member, label in labels.items()}
    by_kind = {kind: member.unpacker() for member in members if member not in labels for kind in member.kinds}
    lenient = [member.unpacker() for member in members if member.name == "float" and member not in labels]

    def unpack(raw: Any) -> object:
        kind = kind_of(raw)
        if kind == MEMBER and len(raw) == 2:
            convert = by_label.get(raw[0].data)
            raw = raw[1]
        else:
            convert = by_kind.get(kind)
            if convert is None and kind is int and lenient:
                convert = lenient[0]
        if convert is None or type(raw) is Tag:
            raise Misfit(name, raw)
        return convert(raw)

    return unpack


def _read_any(name: str, members: list[Form]) -> Convert:
    """JSON's values say little of their type: the first member that fits."""
    unpackers = [(member.kinds, member.unpacker()) for member in members]

    def unpack(raw: object) -> object:
        kind = type(raw)
        for is_first in (True, False):
            for kinds, convert in unpackers:
                if (kind in kinds) is not is_first:
                    continue
                try:
                    return convert(raw)
                except (ValueError, TypeError):  # Misfit is a TypeError
                    continue
        raise Misfit(name, raw)

    return unpack


def literal(values: tuple[Any, ...]) -> Form:
    """One of these values: text, numbers, bytes, None or members of an Enum."""
    wire = [value.value if hasattr(type(value), "__members__") else value for value in values]
    form = Form(f"Literal[{', '.join(map(repr, wire))}]", tuple(set(map(type, values))))
    forward = {(type(value), value): sent for value, sent in zip(values, wire, strict=True)}
    expected = form.name

    def pack(value: object) -> object:
        try:
            return forward[type(value), value]
        except (KeyError, TypeError):
            raise Misfit(expected, value, f"expected {expected}, got {_short(value)}") from None

    form.kinds = frozenset(map(type, wire))
    return form.ready(["literal", *sorted(map(repr, wire))], pack, _chooser(expected, wire, values))


def _chooser(expected: str, wire: Sequence[object], values: Sequence[object]) -> Convert:
    """From the k-th of `wire` to the k-th of `values`. Classes are compared too: 1, True and 1.0 are equal."""
    table = {(type(sent), sent): value for value, sent in zip(reversed(values), reversed(wire), strict=True)}

    def choose(raw: object) -> object:
        try:
            return table[type(raw), raw]
        except (KeyError, TypeError):
            raise Misfit(expected, raw, f"expected {expected}, got {_short(raw)}") from None

    return choose


def enum(form: Form, cls: type[Enum]) -> Form:
    """By value where all values are plain scalars, else by name. Combined flags by their number."""
    form.is_named = True
    members = list(cls.__members__.values())
    if hasattr(cls, "__or__") and hasattr(cls, "_flag_mask_"):
        return _flags(form, cls, members)
    wire: list[Any] = [member.value for member in members]
    if not all(type(value) in _SCALARS for value in wire):
        wire = list(cls.__members__)
    by_name = dict(zip(cls.__members__, wire, strict=True))

    def pack(value: Any) -> object:
        if type(value) is not cls:
            raise Misfit(form.name, value)
        return by_name[value.name]

    form.kinds = frozenset(map(type, wire))
    expected = f"{form.name} ({', '.join(map(repr, wire[:10]))})"
    shape = ["enum", form.name, *sorted(map(repr, wire))]
    return form.ready(shape, pack, _chooser(expected, wire, members))


def _short(value: object) -> str:
    return repr(value)[:60] if type(value) in _SCALARS else type(value).__qualname__


def _flags(form: Form, cls: Any, members: list[Any]) -> Form:
    mask = 0
    for member in members:
        mask |= member.value

    def pack(value: Any) -> object:
        if type(value) is not cls:
            raise Misfit(form.name, value)
        return value.value

    def unpack(raw: Any) -> object:
        if type(raw) is not int or raw & ~mask:
            raise Misfit(form.name, raw, f"expected {form.name}, got {_short(raw)}")
        return cls(raw)

    form.kinds = frozenset((int,))
    return form.ready(["flags", form.name, *sorted(repr(member.value) for member in members)], pack, unpack)
