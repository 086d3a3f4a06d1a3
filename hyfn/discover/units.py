"""A module as its statements: what each binds and refers to. Read once for each module."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

from hyfn.discover import statements
from hyfn.discover.locals import Function
from hyfn.discover.references import Found, Imported, Ref, chain, imports
from hyfn.discover.scope import Definition
from hyfn.discover.source import absolute, tree
from hyfn.model import Source

RUNS, DEFINES, IMPORTS, CHOOSES, MAIN = "runs", "defines", "imports", "chooses", "main"
"""Of a unit: it runs as written · a def or class · an import · an `if` or `try` that only chooses definitions and
imports · `if __name__ == "__main__":`."""


_DEPTH = 50_000


@dataclass(eq=False, slots=True)
class Unit:
    """One statement of the module's own level."""

    node: ast.stmt
    kind: str
    found: Found
    bindings: list[Binding] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Binding:
    """One way in which a name of the module gets its value: `imported`, or `alias` where it is `name = dotted.name`."""

    name: str
    unit: Unit
    node: ast.AST
    imported: Imported | None = None
    alias: Ref | None = None


@dataclass(slots=True)
class Module:
    """`imports` by local name, `stars` of its star imports; `exported` is its `__all__` where that is a literal.

    `typed` are the imports that only a type checker sees: a `__getattr__` of the module may bring the same names.
    """

    source: Source
    imports: dict[str, Imported]
    units: list[Unit] = field(default_factory=list)
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[Binding] = field(default_factory=list)
    exported: list[str] | None = None
    typed: list[Imported] = field(default_factory=list)


@lru_cache(maxsize=4096)
def read(source: Source) -> Module:
    """The module, to be read and never changed: it is shared. Raises SourceError for a syntax error."""
    with _deeply():
        return _read(source)


@contextmanager
def _deeply() -> Iterator[None]:
    """A concatenation of a thousand parts is a tree a thousand deep."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _read(source: Source) -> Module:
    body = tree(source).body
    known = {imported.local: imported for imported in _imported(body, source)}
    module = Module(source, known)
    for statement in body:
        unit = Unit(statement, _kind(statement), statements.read([statement], source, known))
        unit.bindings = list(_bindings(unit, source))
        module.units.append(unit)
        for binding in unit.bindings:
            place = module.stars if binding.name == "*" else module.bindings.setdefault(binding.name, [])
            place.append(binding)
    module.exported = _exported(body)
    if "__getattr__" in module.bindings:
        blocks = [statement for statement in _flat(body) if statements.is_typing_only(statement)]
        bodies = [inner for block in blocks if isinstance(block, ast.If) for inner in block.body]
        module.typed = list(_imported(bodies, source))
    return module


def _imported(body: Sequence[ast.stmt], source: Source) -> Iterator[Imported]:
    for statement in _flat(body):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from imports(statement, _base(statement, source), False)


def _base(node: ast.Import | ast.ImportFrom, source: Source) -> str:
    return absolute(source, node) if isinstance(node, ast.ImportFrom) else ""


def _flat(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements that run at the module's own level, in order: not what only a type checker sees."""
    for statement in body:
        yield statement
        if not isinstance(statement, Definition):
            yield from _flat(list(_inner(statement)))


def _inner(statement: ast.stmt) -> Iterator[ast.stmt]:
    if not statements.is_typing_only(statement):
        yield from getattr(statement, "body", ())
    for block in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield from block.body
    yield from getattr(statement, "orelse", ())
    yield from getattr(statement, "finalbody", ())


def _kind(statement: ast.stmt) -> str:
    if isinstance(statement, Definition):
        return DEFINES
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return IMPORTS
    if is_main_block(statement):
        return MAIN
    return CHOOSES if _only_chooses(statement) else RUNS


def is_main_block(statement: ast.stmt) -> bool:
    """`if __name__ == "__main__":` without an else."""
    if not isinstance(statement, ast.If) or statement.orelse or not isinstance(statement.test, ast.Compare):
        return False
    sides = [statement.test.left, *statement.test.comparators]
    return isinstance(statement.test.ops[0], ast.Eq) and sorted(map(ast.unparse, sides)) == ["'__main__'", "__name__"]


def _only_chooses(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.If | ast.Try) or statements.is_typing_only(statement):
        return False
    tests = [node.test for node in (statement, *_flat(list(_inner(statement)))) if isinstance(node, ast.If)]
    if any(isinstance(node, ast.Call | ast.NamedExpr) for test in tests for node in ast.walk(test)):
        return False
    return all(_is_choice(node) for node in _flat(list(_inner(statement))))


def _is_choice(node: ast.stmt) -> bool:
    match node:
        case ast.Import() | ast.Pass():
            return True
        case ast.ImportFrom():
            return all(alias.name != "*" for alias in node.names)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return not node.decorator_list
        case ast.If() | ast.Try():
            return not statements.is_typing_only(node)
        case ast.Assign(targets=targets, value=value):
            return all(isinstance(target, ast.Name) for target in targets) and _is_plain(value)
    return False


def _is_plain(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) or chain(value) is not None


# Bindings


def _bindings(unit: Unit, source: Source) -> Iterator[Binding]:
    if unit.kind == MAIN:
        return
    for statement in _flat([unit.node]):
        yield from _bound(statement, unit, source)


def _bound(statement: ast.stmt, unit: Unit, source: Source) -> Iterator[Binding]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield Binding(statement.name, unit, statement)
        case ast.Import() | ast.ImportFrom():
            for alias, imported in zip(
                statement.names, imports(statement, _base(statement, source), False), strict=True
            ):
                yield Binding(imported.local, unit, alias, imported)
        case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
            yield Binding(name, unit, statement, alias=_alias(name, statement.lineno, unit.found))
        case _:
            yield from (Binding(name, unit, statement) for name in _stored(statement))


def _alias(name: str, line: int, found: Found) -> Ref | None:
    for flow in found.flows:
        if flow.refs[0].is_alias and any(ref.path == (name,) and ref.line == line for ref in flow.into):
            return flow.refs[0]
    return None


def _stored(statement: ast.stmt) -> Iterable[str]:
    """The names that the statement binds itself, walrus and patterns included, but not in its blocks."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.MatchMapping(rest=str(rest)):
                yield rest
        if not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]


def _exported(body: Sequence[ast.stmt]) -> list[str] | None:
    names: list[str] = []
    is_known = False
    for statement in _flat(body):
        match statement:
            case (
                ast.Assign(targets=[ast.Name("__all__")], value=value)
                | ast.AnnAssign(target=ast.Name("__all__"), value=value)
                | ast.AugAssign(target=ast.Name("__all__"), value=value)
            ):
                is_known = True
                names += _texts(value)
    return names if is_known else None


def _texts(node: ast.expr | None) -> list[str]:
    elements = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else []
    return [one.value for one in elements if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def decorator_name(decorator: ast.expr) -> tuple[str, ...] | None:
    """The dotted name of a decorator, called or bare."""
    return chain(decorator.func if isinstance(decorator, ast.Call) else decorator)


def first_line(node: ast.AST) -> int:
    """The line where a statement starts, decorators included."""
    decorators = getattr(node, "decorator_list", ())
    line: int = min([node.lineno, *(decorator.lineno for decorator in decorators)])  # type: ignore[attr-defined]
    return line


def holds(node: ast.AST, line: int) -> bool:
    """Whether `node` is the function that has `line`, decorators included."""
    return isinstance(node, Function) and first_line(node) <= line <= (node.end_lineno or node.lineno)
