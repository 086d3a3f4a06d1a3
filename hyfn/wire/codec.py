"""Values ↔ bytes by a function's annotations. Imports nothing that its types do not need."""

from __future__ import annotations

from hyfn.errors import Malformed
from hyfn.wire.form import Form, Misfit
from hyfn.wire.packing import MAX_DEPTH, MAX_ITEMS, is_within_limits, unpack
from hyfn.wire.packing import pack as to_bytes
from hyfn.wire.signature import Signature, signature
from hyfn.wire.table import ext_hook
from hyfn.wire.table import from_wire as from_wire
from hyfn.wire.table import to_wire as to_wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

pack_untyped, unpack_untyped = to_wire, from_wire
"""A value without an annotation, as msgpack takes it, and back. See hyfn.wire.table."""


class Arguments:
    """The arguments of one function on the wire."""

    __slots__ = ("_annotated", "_forms", "_json", "_packers", "_signature", "_unpackers", "is_deep")

    def __init__(self, signature: Signature) -> None:
        """Raises TypeError, naming function and parameter, where an annotation cannot travel."""
        self._signature = signature
        self._json: Arguments | None = None
        self._forms = signature.parameters
        names = signature.names[: signature.positional]
        self._packers = [self._forms[name].pack for name in names]
        self._unpackers = [self._forms[name].unpack for name in names]
        self.is_deep = any(form.is_deep for form in self._forms.values())

    def pack(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
        """The body of a call. Raises TypeError as a plain call would, and for a value of another type."""
        try:
            if not kwargs and len(args) == len(self._packers) and self._signature.is_plain:
                body: list[Any] = [[pack(value) for pack, value in zip(self._packers, args, strict=True)], {}]
            else:
                self._signature.check(args, kwargs)
                forms, positional = self._forms, self._signature.form_names(len(args))
                body = [
                    [forms[name].pack(value) for name, value in zip(positional, args, strict=True)],
                    {name: self.form(name).pack(value) for name, value in kwargs.items()},
                ]
            return _to_bytes(body, self.is_deep)
        except Misfit as misfit:
            name = self._name_of(misfit.at, args, kwargs)
            raise TypeError(f"{self._signature.title}() argument {name!r}: {misfit}") from None
        except _Unsendable as error:
            raise TypeError(f"{self._signature.title}() arguments: {error}") from None
        except RecursionError:
            raise TypeError(f"{self._signature.title}() arguments: {_TOO_DEEP}") from None

    @property
    def names(self) -> list[str]:
        """The parameters that take one value each: all but *args and **kwargs."""
        return self._signature.names[: self._signature.positional + self._signature.keyword_only]

    @property
    def required(self) -> list[str]:
        """Those of `names` that have no default."""
        defaulted = self._signature.defaulted()
        return [name for name in self.names if name not in defaulted]

    @property
    def positional_only(self) -> list[str]:
        """The parameters that take no value by their name, in order."""
        return self._signature.names[: self._signature.positional_only]

    @property
    def takes_more(self) -> bool:
        """Whether names that are no parameter's are taken too (**kwargs)."""
        return bool(self._signature.keywords)

    @property
    def forms(self) -> Mapping[str, Form]:
        """By parameter; of *args and **kwargs the form of each item."""
        return self._forms

    def form(self, name: str) -> Form:
        """Of a parameter, else of what **kwargs takes."""
        return self._forms[name if name in self._forms else self._signature.keywords]

    def _name_of(self, value: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        names = self._signature.form_names(len(args))
        given = [*zip(names, args, strict=True), *kwargs.items()]
        return next((name for name, argument in given if argument is value), "")

    def unpack(self, body: bytes | memoryview, is_json: bool = False) -> tuple[list[Any], dict[str, Any]]:
        """The arguments in a call's body. Raises Malformed, whatever is wrong with it.

        `is_json` takes values as JSON has them: bytes as base64, times and numbers as text, keys as text.
        """
        if is_json:
            return self.as_json().unpack(body)
        return self.bind(*self._parts(unpack(body, ext_hook)))

    def bind(self, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments in what `unpack` reads: wire values by position and by name. Raises Malformed."""
        try:
            if not kwargs and len(args) == len(self._unpackers) and self._signature.is_plain:
                return [convert(value) for convert, value in zip(self._unpackers, args, strict=True)], {}
            self._signature.check(args, kwargs)
            forms, positional = self._forms, self._signature.form_names(len(args))
            return (
                [forms[name].unpack(value) for name, value in zip(positional, args, strict=True)],
                {name: self.form(name).unpack(value) for name, value in kwargs.items()},
            )
        except Misfit as misfit:
            name = self._name_of(misfit.at, tuple(args), kwargs)
            raise Malformed(f"{self._signature.title}() argument {name!r}: {misfit}") from None
        except Exception as error:
            raise Malformed(f"{self._signature.title}() arguments: {type(error).__name__}: {error}") from error

    def _parts(self, raw: Any) -> tuple[list[Any], dict[str, Any]]:
        if type(raw) is not list or len(raw) != 2 or type(raw[0]) is not list or type(raw[1]) is not dict:
            raise Malformed("the body of a call is not [args, kwargs]")
        if self.is_deep and not is_within_limits(raw):
            raise Malformed(_TOO_DEEP)
        return raw[0], raw[1]

    def as_json(self) -> Arguments:
        """The same, for values as JSON has them."""
        if self._json is None:
            self._json = Arguments(Signature(self._signature.function, is_json=True))
        return self._json


class Result:
    """The result of one function on the wire: of an `async def` what it is awaited for, of a generator each item."""

    __slots__ = ("_form", "_title")

    def __init__(self, signature: Signature) -> None:
        """Raises TypeError, naming the function, where its result cannot travel."""
        self._title = signature.title
        self._form = signature.result

    def pack(self, value: object) -> bytes:
        """The body of a reply. Raises TypeError where `value` does not fit the annotation."""
        try:
            return _to_bytes([self._form.pack(value)], self._form.is_deep)
        except (Misfit, _Unsendable) as error:
            raise TypeError(f"{self._title}() result: {error}") from None
        except RecursionError:
            raise TypeError(f"{self._title}() result: {_TOO_DEEP}") from None

    def unpack(self, body: bytes | memoryview) -> Any:
        """The value in a reply's body. Raises Malformed, whatever is wrong with it."""
        raw = unpack(body, ext_hook)
        if type(raw) is not list or len(raw) != 1:
            raise Malformed("the body of a value is not [value]")
        if self._form.is_deep and not is_within_limits(raw):
            raise Malformed(_TOO_DEEP)
        try:
            return self._form.unpack(raw[0])
        except Misfit as misfit:
            raise Malformed(f"{self._title}() result: {misfit}") from None
        except Exception as error:
            raise Malformed(f"{self._title}() result: {type(error).__name__}: {error}") from error


_TOO_DEEP = f"the value nests more than {MAX_DEPTH} deep, contains itself, or holds more than {MAX_ITEMS} items"


class _Unsendable(Exception):
    """msgpack refused what the forms had made."""


def _to_bytes(body: list[Any], is_deep: bool) -> bytes:
    if is_deep and not is_within_limits(body):
        raise _Unsendable(_TOO_DEEP)
    try:
        packed = to_bytes(body)
    except UnicodeEncodeError:
        raise _Unsendable("a text holds a lone surrogate, which UTF-8 cannot have") from None
    except (ValueError, OverflowError, TypeError) as error:
        raise _Unsendable(str(error)) from None
    if len(packed) > MAX_ITEMS and not is_deep and not is_within_limits(body):
        raise _Unsendable(_TOO_DEEP)
    return packed


def arguments(function: Callable[..., Any]) -> Arguments:
    """The Arguments of a plain Python function, made once. Raises TypeError where an annotation cannot travel."""
    made = signature(function)
    if made.arguments is None:
        made.arguments = Arguments(made)
    return made.arguments


def result(function: Callable[..., Any]) -> Result:
    """The Result of a plain Python function, made once. Raises TypeError where its annotation cannot travel."""
    made = signature(function)
    if made.returned is None:
        made.returned = Result(made)
    return made.returned
