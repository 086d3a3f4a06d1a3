"""Whether the types of a signature can travel, by reading alone.

Refused is what is known not to travel; let through is what reading cannot tell (a type variable, an alias that depends
on a condition).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hyfn import syntax
from hyfn.discover.kinds import ALIAS_CALLS, CONTAINERS, TRAVELS, UNWRAPPED, is_exception, kind_of_class, live
from hyfn.discover.scope import Assigned, External, Found, Scopes, Undefined, dotted
from hyfn.discover.signature import Function, arguments
from hyfn.discover.source import segment
from hyfn.errors import SourceError
from hyfn.model import Source, Trigger

_SEND_VALUES = "send bytes, or a dataclass of what you need from it"
REQUEST, RESPONSE = (frozenset((f"hyfn.{name}", f"hyfn.request.{name}")) for name in ("Request", "Response"))
"""What comes and goes by plain HTTP alone, by all its names."""
_MAKE_DATACLASS = "make it a dataclass, an Enum, a NamedTuple, a TypedDict, or a model of attrs, pydantic or msgspec"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a type cannot travel: "Lock is a live object" and what to do instead."""

    reason: str
    hint: str


def check(
    function: Function, source: Source, scopes: Scopes, triggers: Sequence[Trigger] = ()
) -> Iterator[SourceError]:
    """One error for each parameter, and the result, whose type cannot travel. Under @on.http a parameter may be the
    request and the result a response; what is mounted there never travels."""
    reader = _Reader(scopes)
    is_page = any(trigger.kind == "http" for trigger in triggers)
    own = frozenset(parameter.name for parameter in getattr(function, "type_params", ()))
    for what, annotation in _typed(function, source, reader, triggers if is_page else ()):
        refusal = reader.refuse(annotation, source.module, own)
        if refusal:
            yield SourceError(
                f"{what} of {function.name} cannot travel as {segment(source, annotation)}: {refusal.reason}",
                where=f"{source.file}:{annotation.lineno}",
                hint=refusal.hint,
            )


def is_called(function: Function, source: Source, scopes: Scopes, triggers: Sequence[Trigger]) -> bool:
    """Whether code may call it: not one that takes a request, returns a response or makes an application."""
    if any(trigger.options.get("mount") for trigger in triggers):
        return False
    reader = _Reader(scopes)
    given = [argument.annotation for argument, _, _ in arguments(function)]
    returned = _members(function.returns) if function.returns else []
    return not (
        any(reader.means(each, source.module, REQUEST) for each in given if each)
        or any(reader.means(each, source.module, RESPONSE) for each in returned)
    )


def _typed(
    function: Function, source: Source, reader: _Reader, pages: Sequence[Trigger]
) -> Iterator[tuple[str, ast.expr]]:
    """The annotations of what travels, each with what it is of. `pages` are triggers of plain HTTP."""
    for argument, _, _ in arguments(function):
        if argument.annotation and not (pages and reader.means(argument.annotation, source.module, REQUEST)):
            yield f"parameter {argument.arg!r}", argument.annotation
    if function.returns and not any(trigger.options.get("mount") for trigger in pages):
        for member in _members(function.returns) if pages else [function.returns]:
            if not (pages and reader.means(member, source.module, RESPONSE)):
                yield "result", member


def _members(annotation: ast.expr) -> list[ast.expr]:
    """Of a union that is written with |."""
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return [*_members(annotation.left), *_members(annotation.right)]
    return [annotation]


class _Reader:
    """Reads annotations. `seen` holds the classes and aliases being read, which may refer to themselves, their type
    parameters, and the library (pydantic, msgspec) that converts its own types in them."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    def refuse(self, node: ast.expr, module: str, seen: frozenset[object]) -> Refusal | None:
        match node:
            case ast.Constant(value=str() as text):
                return self._forward(text, module, seen)
            case ast.Name() | ast.Attribute():
                return self._named(node, module, seen)
            case ast.Subscript():
                return self._subscript(node, module, seen)
            case ast.BinOp(op=ast.BitOr()):
                return self._first([node.left, node.right], module, seen)
            case ast.Tuple() | ast.List():
                return self._first(node.elts, module, seen)
        return None

    def means(self, node: ast.expr, module: str, names: frozenset[str]) -> bool:
        """Whether the annotation is one of the types outside the project that have these full names."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                return self.means(syntax.expression(node.value.strip()), module, names)
            except SyntaxError:
                return False
        name = dotted(node)
        meaning = self._scopes.find(module, name) if name else None
        return isinstance(meaning, External) and meaning.name in names

    def _first(self, nodes: Sequence[ast.expr], module: str, seen: frozenset[object]) -> Refusal | None:
        refusals = (self.refuse(node, module, seen) for node in nodes)
        return next((refusal for refusal in refusals if refusal), None)

    def _forward(self, text: str, module: str, seen: frozenset[object]) -> Refusal | None:
        try:
            return self.refuse(syntax.expression(text.strip()), module, seen)
        except SyntaxError:
            return Refusal(f"{text!r} is not a type", "write the type without quotes")

    def _named(self, node: ast.expr, module: str, seen: frozenset[object]) -> Refusal | None:
        name = dotted(node)
        if name is None or name in seen:
            return None
        if self._scopes.is_checking_only(module, name):
            return Refusal(f"{name} is imported only under TYPE_CHECKING", "import it without the condition")
        match self._scopes.find(module, name):
            case Undefined(at, missing):
                return Refusal(f"{at} has nothing called {missing}", "import it, or correct its name")
            case External(full):
                return None if full.partition(".")[0] in seen else _external(full)
            case Found(at, Assigned(value)) if value is not None:
                return self._alias(value, at, seen)
            case Found(at, ast.ClassDef() as found):
                return self._class(found, at, seen)
            case Found(_, ast.FunctionDef() | ast.AsyncFunctionDef()):
                return Refusal(f"{name} is a function", "annotate with the type of the value")
        return None

    def _subscript(self, node: ast.Subscript, module: str, seen: frozenset[object]) -> Refusal | None:
        name = dotted(node.value)
        meaning = self._scopes.find(module, name) if name else None
        full = meaning.name if isinstance(meaning, External) else ""
        if full in ("typing.Literal", "typing_extensions.Literal"):
            return None
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if full in UNWRAPPED:
            return self.refuse(inner[0], module, seen)
        if full in CONTAINERS:
            return self._first(inner, module, seen)
        refusal = self._named(node.value, module, seen)
        if refusal or full:
            return refusal
        return self._first(inner, module, seen)

    def _alias(self, value: ast.expr, module: str, seen: frozenset[object]) -> Refusal | None:
        if id(value) in seen:
            return None
        seen |= {id(value)}
        if not isinstance(value, ast.Call):
            return self.refuse(value, module, seen)
        name = dotted(value.func)
        meaning = self._scopes.find(module, name) if name else None
        full = meaning.name if isinstance(meaning, External) else ""
        if full in ALIAS_CALLS and len(value.args) > 1:
            return self.refuse(value.args[1], module, seen)
        return None

    def _class(self, found: ast.ClassDef, module: str, seen: frozenset[object]) -> Refusal | None:
        if id(found) in seen:
            return None
        kind = kind_of_class(self._scopes, found, module)
        if kind == "exception":
            return Refusal(f"{found.name} is an exception", "raise it: exceptions travel by themselves")
        if kind == "plain":
            return Refusal(f"{found.name} is a plain class", _MAKE_DATACLASS)
        if kind in ("enum", "unknown"):
            return None
        own = {parameter.name for parameter in getattr(found, "type_params", ())}
        return self._fields(found, module, kind, seen | {id(found), kind} | own)

    def _fields(self, found: ast.ClassDef, module: str, kind: str, seen: frozenset[object]) -> Refusal | None:
        for base in found.bases:
            refusal = self._inherited(base, module, kind, seen)
            if refusal:
                return refusal
        for field in found.body:
            if not isinstance(field, ast.AnnAssign) or self._is_no_field(field, module, kind):
                continue
            refusal = self.refuse(field.annotation, module, seen)
            if refusal:
                name = field.target.id if isinstance(field.target, ast.Name) else "?"
                return Refusal(f"field {name} of {found.name}: {refusal.reason}", refusal.hint)
        return None

    def _inherited(self, base: ast.expr, module: str, kind: str, seen: frozenset[object]) -> Refusal | None:
        name = dotted(base.value if isinstance(base, ast.Subscript) else base)
        match self._scopes.find(module, name) if name else None:
            case Found(at, ast.ClassDef() as found) if kind_of_class(self._scopes, found, at) != "plain":
                return self._fields(found, at, kind, seen)
        return None

    def _is_no_field(self, field: ast.AnnAssign, module: str, kind: str) -> bool:
        """ClassVars, InitVars, and a model's private attributes."""
        if kind == "pydantic" and isinstance(field.target, ast.Name) and field.target.id.startswith("_"):
            return True
        node = field.annotation.value if isinstance(field.annotation, ast.Subscript) else field.annotation
        name = dotted(node)
        meaning = self._scopes.find(module, name) if name else None
        full = meaning.name if isinstance(meaning, External) else ""
        return full.endswith((".ClassVar", ".InitVar", ".KW_ONLY"))


def _external(full: str) -> Refusal | None:
    if full in TRAVELS or full in CONTAINERS or full in UNWRAPPED:
        return None
    short = full.removeprefix("builtins.")
    if full in REQUEST | RESPONSE:
        return Refusal(f"a {short} comes and goes by plain HTTP alone", "put @on.http on the function")
    if known := live(full):
        return Refusal(f"{short} {known[0]}", known[1])
    if is_exception(full):
        return Refusal(f"{short} is an exception", "raise it: exceptions travel by themselves")
    return Refusal(f"hyfn does not know how to send {short}", _SEND_VALUES)
