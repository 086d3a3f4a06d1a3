"""How the values of one type go to the wire and come back, and how a value that does not fit is told."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Convert = Callable[[Any], Any]


class Misfit(TypeError):
    """A value that does not fit its type. `path` grows while the error passes outward through containers."""

    def __init__(self, expected: str, value: object, reason: str = "") -> None:
        super().__init__()
        self.expected = expected
        self.value = value
        self.reason = reason
        self.path = ""
        self.at = value
        """The outermost value that the error has passed, by which its container finds the step to it."""

    def within(self, container: object, steps: Iterable[tuple[str, object]]) -> None:
        """Note that the misfit stands in `container`. `steps` are its items and how each is written."""
        for step, item in steps:
            if item is self.at:
                self.path = step + self.path
                break
        self.at = container

    def __str__(self) -> str:
        what = self.reason or f"expected {self.expected}, got {type_name(self.value)}"
        return f"{what} at {self.path}" if self.path else what


class Form:
    """One type on the wire.

    `pack` makes a wire value (of msgpack's kinds) and `unpack` the inverse; both raise Misfit. `shape` describes the
    type for the contract: a text, or a list whose first item is its kind and in which further Forms stand.
    `accepts` are the classes of the values it packs, `kinds` what `kind_of` says of its wire values; a union
    chooses by them, and both are empty where that is not known. Values of exactly `plain_in` need no packing and
    wire values of exactly `plain_out` no unpacking. `is_deep` marks values that may nest without end, `is_named` a type
    that has a name of its own.
    """

    __slots__ = (
        "accepts",
        "is_deep",
        "is_named",
        "is_ready",
        "kinds",
        "members",
        "name",
        "pack",
        "plain_in",
        "plain_out",
        "shape",
        "unpack",
    )

    def __init__(self, name: str, accepts: tuple[type, ...] = (), kinds: frozenset[object] = frozenset()) -> None:
        self.name = name
        self.accepts = accepts
        self.kinds = kinds
        self.shape: object = name
        self.pack: Convert = _unready
        self.unpack: Convert = _unready
        self.plain_in: type | None = None
        self.plain_out: type | None = None
        self.is_deep = False
        self.is_named = False
        self.is_ready = False
        self.members: tuple[Form, ...] = ()
        """Of a union."""

    def ready(self, shape: object, pack: Convert, unpack: Convert) -> Form:
        self.shape, self.pack, self.unpack, self.is_ready = shape, pack, unpack, True
        return self

    @property
    def may_nest(self) -> bool:
        """`is_deep`, and true of a form that is still being made: it will contain itself."""
        return self.is_deep or not self.is_ready

    def packer(self) -> Convert:
        """`pack`, also where this form is still being made: a type that contains itself."""
        if self.is_ready:
            return self.pack
        self.is_deep = True
        return lambda value: self.pack(value)

    def unpacker(self) -> Convert:
        if self.is_ready:
            return self.unpack
        self.is_deep = True
        return lambda value: self.unpack(value)


def _unready(value: object) -> object:
    raise AssertionError(f"a form was used before it was made: {value!r}")


def type_name(value: object) -> str:
    return type(value).__qualname__


def plain(name: str, kind: type, pack: Convert | None = None) -> Form:
    """The form of a type that msgpack knows itself. `pack` takes what is not exactly of it."""

    def check(value: object) -> object:
        if type(value) is kind:
            return value
        raise Misfit(name, value)

    form = Form(name, (kind,), frozenset((kind,)))
    form.plain_in = form.plain_out = kind
    return form.ready(name, pack or check, check)
