"""What a name in a module stands for, followed through the project's imports. Nothing is run."""

from __future__ import annotations

import ast
import builtins
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from hyfn.discover.source import absolute, tree
from hyfn.errors import SourceError
from hyfn.model import Source

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Imported:
    """`import module` (name is None) or `from module import name`. `is_checking_only`: under `if TYPE_CHECKING`."""

    module: str
    name: str | None
    line: int
    is_checking_only: bool = False


@dataclass(frozen=True, slots=True)
class Assigned:
    """`name = value`. `value` is None where the assignment does not show it: a loop, an unpacking, a `with`."""

    value: ast.expr | None
    line: int


@dataclass(frozen=True, slots=True)
class Found:
    """A definition or a value of the project, in `module`."""

    module: str
    binding: Definition | Assigned


@dataclass(frozen=True, slots=True)
class External:
    """Something outside the project, by its dotted name: "numpy.ndarray", "builtins.int"."""

    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Reading cannot tell: bound several times, or from a star import."""


@dataclass(frozen=True, slots=True)
class Undefined:
    """`module` (a module of the project) has nothing called `name`."""

    module: str
    name: str


Meaning = Found | External | Unknown | Undefined
Binding = Imported | Assigned | Definition


class Scopes:
    """The module-level names of all modules of a project."""

    def __init__(self, sources: Mapping[str, Source], decorators: Collection[str] = ()) -> None:
        """`decorators` are the dotted names of those that a star import may bring."""
        self._sources = sources
        self._decorators = frozenset(decorators)
        self._bindings: dict[str, dict[str, list[Binding]]] = {}
        self._packages = {module.rpartition(".")[0] for module in sources} - {""}

    def bindings(self, module: str) -> Mapping[str, Sequence[Binding]]:
        """Every name that the module's own statements bind, with all its bindings; "*" has the star imports."""
        if module not in self._bindings:
            found: dict[str, list[Binding]] = {}
            for name, binding in _bound(self._sources[module]):
                found.setdefault(name, []).append(binding)
            self._bindings[module] = found
        return self._bindings[module]

    def is_checking_only(self, module: str, dotted: str) -> bool:
        """Whether the name is there for a type checker alone, and not when the program runs."""
        bindings = self.bindings(module).get(dotted.partition(".")[0], [])
        return bool(bindings) and all(isinstance(found, Imported) and found.is_checking_only for found in bindings)

    def find(self, module: str, dotted: str) -> Meaning:
        """What `dotted` ("ndarray", "np.ndarray", "models.Invoice") stands for in `module`."""
        return self._find(module, dotted.split("."), frozenset())

    def _find(self, module: str, parts: list[str], seen: frozenset[tuple[str, str]]) -> Meaning:
        if (module, parts[0]) in seen:
            return Unknown()
        seen |= {(module, parts[0])}
        bindings = self.bindings(module).get(parts[0], [])
        if not bindings:
            return self._unbound(module, parts, seen)
        last = bindings[-1]
        if not _agree(bindings):
            return Unknown()
        if isinstance(last, Imported):
            return self._follow(last.module, [last.name] if last.name else [], parts[1:], seen)
        return self._inside(module, last, parts[1:])

    def _unbound(self, module: str, parts: list[str], seen: frozenset[tuple[str, str]]) -> Meaning:
        stars = [star.module for star in self.bindings(module).get("*", []) if isinstance(star, Imported)]
        for star in stars:
            meaning = self._find(star, parts, seen) if star in self._sources else Undefined(star, parts[0])
            if not isinstance(meaning, Undefined):
                return meaning
        if hasattr(builtins, parts[0]):
            return External(f"builtins.{'.'.join(parts)}")
        if "typing" in stars and hasattr(typing, parts[0]):
            return External(f"typing.{'.'.join(parts)}")
        for star in stars:
            if f"{star}.{parts[0]}" in self._decorators:
                return External(f"{star}.{'.'.join(parts)}")
        if "hyfn" in stars:
            return External(f"hyfn.{'.'.join(parts)}")
        unread = [star for star in stars if star not in self._sources and star != "typing"]
        return Unknown() if unread else Undefined(module, parts[0])

    def _follow(self, module: str, name: list[str], rest: list[str], seen: frozenset[tuple[str, str]]) -> Meaning:
        parts = [*name, *rest]
        while True:
            if module not in self._sources and module not in self._packages:
                return External(".".join([module, *parts]))
            if not parts:
                return Unknown()
            if module in self._sources and self._has(module, parts[0]):
                return self._find(module, parts, seen)
            deeper = f"{module}.{parts[0]}"
            if deeper not in self._sources and deeper not in self._packages:
                return self._unbound(module, parts, seen) if module in self._sources else Undefined(module, parts[0])
            module, parts = deeper, parts[1:]

    def _has(self, module: str, name: str) -> bool:
        return name in self.bindings(module)

    def _inside(self, module: str, binding: Binding, rest: list[str]) -> Meaning:
        """An attribute of a class is a class inside it; of anything else reading cannot tell."""
        for name in rest:
            if not isinstance(binding, ast.ClassDef):
                return Unknown()
            inner = [node for node in binding.body if isinstance(node, ast.ClassDef) and node.name == name]
            if not inner:
                return Unknown()
            binding = inner[-1]
        return Unknown() if isinstance(binding, Imported) else Found(module, binding)


def dotted(node: ast.expr) -> str | None:
    """ "a.b.c" of names and attributes, None for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else None
    return None


def _agree(bindings: Sequence[Binding]) -> bool:
    """One binding, the same import again, or a function with its overloads before it."""
    if len(bindings) == 1 or all(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in bindings):
        return True
    imports = {(node.module, node.name) for node in bindings if isinstance(node, Imported)}
    return len(imports) == 1 and all(isinstance(node, Imported) for node in bindings)


def _bound(source: Source) -> Iterator[tuple[str, Binding]]:
    try:
        body = tree(source).body
    except SourceError:
        return
    checked = {id(inner) for statement in flat(body) if _is_checking(statement) for inner in flat(statement.body)}
    for statement in flat(body):
        for name, binding in _names(statement, source):
            if isinstance(binding, Imported) and id(statement) in checked:
                yield name, replace(binding, is_checking_only=True)
            else:
                yield name, binding


def _is_checking(statement: ast.stmt) -> TypeGuard[ast.If]:
    return isinstance(statement, ast.If) and (dotted(statement.test) or "").rpartition(".")[2] == "TYPE_CHECKING"


def flat(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module in order, those inside `if`, `try`, `for`, `with` and `match` too."""
    for statement in body:
        yield statement
        for field in ("body", "handlers", "cases", "orelse", "finalbody"):
            if isinstance(statement, Definition):
                break
            for inner in getattr(statement, field, ()):
                yield from flat(inner.body if isinstance(inner, ast.ExceptHandler | ast.match_case) else [inner])


def _names(statement: ast.stmt, source: Source) -> Iterator[tuple[str, Binding]]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name, statement
        case ast.Import():
            for alias in statement.names:
                bound = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or bound, Imported(bound, None, statement.lineno)
        case ast.ImportFrom():
            for alias in statement.names:
                name = None if alias.name == "*" else alias.name
                yield alias.asname or alias.name, Imported(absolute(source, statement), name, statement.lineno)
        case ast.Assign(targets=[ast.Name(name)]):
            yield name, Assigned(statement.value, statement.lineno)
        case ast.AnnAssign(target=ast.Name(name)) if statement.value is not None:
            yield name, Assigned(statement.value, statement.lineno)
        case _:
            yield from _others(statement)


def _others(statement: ast.stmt) -> Iterator[tuple[str, Binding]]:
    """Names that are bound in ways that do not show their value, and Python 3.12's `type X = ...`."""
    name = getattr(statement, "name", None)
    if isinstance(name, ast.Name):
        yield name.id, Assigned(getattr(statement, "value", None), statement.lineno)
        return
    for field in ("targets", "target", "items"):
        targets = getattr(statement, field, [])
        for target in targets if isinstance(targets, list) else [targets]:
            yield from ((name, Assigned(None, statement.lineno)) for name in _stored(target))


def _stored(target: ast.AST) -> list[str]:
    nodes = (node for node in ast.walk(target) if isinstance(node, ast.Name))
    return [node.id for node in nodes if isinstance(node.ctx, ast.Store | ast.Del)]
