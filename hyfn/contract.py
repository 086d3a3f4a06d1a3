"""What a caller and a function must agree on: the signature as a canonical schema, and its digest.

Classes are named by their qualified name alone and expanded field by field, so that a function and its stub have one
contract, in whatever module and on whatever Python they stand.
"""

from __future__ import annotations

from hyfn.wire.form import Form
from hyfn.wire.mac import sha256
from hyfn.wire.packing import pack
from hyfn.wire.signature import signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

SIZE = 16
"""Bytes of a digest."""
_KINDS = ("positional-only", "positional", "var-positional", "keyword-only", "var-keyword")


def digest(function: Callable[..., Any], raises: Sequence[str] = ()) -> bytes:
    """16 bytes that are equal exactly where the schemas are. Made once for a function and its `raises`.

    Raises TypeError, naming function and parameter, where an annotation cannot travel.
    """
    known: dict[tuple[object, Sequence[str]], bytes] = function.__dict__.setdefault("__hyfn_contract__", {})
    key = (function, tuple(raises))
    if key not in known:
        known[key] = sha256(b"hyfn/1 contract" + pack(schema(function, raises)))[:SIZE]
    return known[key]


def schema(function: Callable[..., Any], raises: Sequence[str] = ()) -> dict[str, Any]:
    """The canonical schema, as JSON has it.

    `{"parameters": [[name, kind, has a default, type]], "result": type, "is_stream": …, "raises": [class], "types":
    {name: type}}`. A type is a name, or a list of its kind and what it holds; `["type", name]` refers to `types`.
    `raises` are "module:qualname".
    """
    written = signature(function)
    types, defaulted = _Types(), written.defaulted()
    parameters = [
        [name, _KINDS[written.kind(name)], name in defaulted, types.of(form)]
        for name, form in written.parameters.items()
    ]
    return {
        "parameters": parameters,
        "result": types.of(written.result),
        "is_stream": written.is_stream,
        "raises": sorted({name.rpartition(":")[2] for name in raises}),
        "types": types.described,
    }


class _Types:
    """Describes forms; those with a name once, in `described`, and by reference elsewhere."""

    def __init__(self) -> None:
        self.described: dict[str, object] = {}
        self._names: dict[Form, str] = {}

    def of(self, form: Form) -> object:
        if not form.is_named:
            return self._expand(form.shape)
        if form not in self._names:
            name = self._names[form] = self._unused(form.name)
            self.described[name] = None  # its place, before what it holds
            self.described[name] = self._expand(form.shape)
        return ["type", self._names[form]]

    def _unused(self, name: str) -> str:
        """Two classes of one name are told apart by their order in the signature."""
        count = 1
        unused = name
        while unused in self.described:
            count += 1
            unused = f"{name}#{count}"
        return unused

    def _expand(self, shape: object) -> object:
        if isinstance(shape, Form):
            return self.of(shape)
        if not isinstance(shape, (list, tuple)):
            return shape
        if shape and shape[0] == "union":
            return ["union", *sorted((self.of(member) for member in shape[1:]), key=_order)]
        return [self._expand(part) for part in shape]


def _order(description: object) -> bytes:
    return pack(description)
