"""The names that a function, a class or a comprehension binds for itself, by Python's own rules of scope."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hyfn.discover.references import Choice, Imported, Ref

FUNCTION, CLASS, COMPREHENSION = "function", "class", "comprehension"

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class Scope:
    """One scope being read. `bound` counts how often each name is bound in it; a class's grows as its body is read.

    `statements` are its imports, `imports` what a local name of them stands for, `alias` a dotted name that a local
    name stands for, `held` what was put into it, `picked` the call that cannot be resolved if it is called.
    """

    kind: str
    bound: Counter[str] = field(default_factory=Counter)
    outer: set[str] = field(default_factory=set)
    enclosing: set[str] = field(default_factory=set)
    parameters: frozenset[str] = frozenset()
    statements: list[ast.Import | ast.ImportFrom] = field(default_factory=list)
    imports: dict[str, list[Imported]] = field(default_factory=dict)
    alias: dict[str, Ref | None] = field(default_factory=dict)
    held: dict[str, list[Ref]] = field(default_factory=dict)
    picked: dict[str, Choice] = field(default_factory=dict)


def of_function(arguments: ast.arguments, body: Sequence[ast.AST]) -> Scope:
    names = [one.arg for one in _all_arguments(arguments)]
    scope = Scope(FUNCTION, Counter(names), parameters=frozenset(names))
    _bind(body, scope)
    return scope


def of_comprehension(node: Comprehension) -> Scope:
    scope = Scope(COMPREHENSION)
    _bind([generator.target for generator in node.generators], scope)
    return scope


def of_type_parameters(node: ast.AST) -> Scope:
    """Python 3.12's `def f[T](...)`: a scope around the annotations and the body."""
    return Scope(FUNCTION, Counter(parameter.name for parameter in getattr(node, "type_params", ())))


def _all_arguments(arguments: ast.arguments) -> Iterable[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (one for one in (arguments.vararg, arguments.kwarg) if one)


def _bind(nodes: Sequence[ast.AST], scope: Scope) -> None:
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        waiting += _name(node, scope)


def _name(node: ast.AST, scope: Scope) -> Iterable[ast.AST]:
    """Note what `node` itself binds, and return what to look at next: never the inside of another scope."""
    match node:
        case ast.Name():
            if not isinstance(node.ctx, ast.Load):
                scope.bound[node.id] += 1
            return ()
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            scope.bound[node.name] += 1
            return [*node.decorator_list, *node.args.defaults, *(one for one in node.args.kw_defaults if one)]
        case ast.ClassDef():
            scope.bound[node.name] += 1
            return [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]
        case ast.Lambda():
            return [*node.args.defaults, *(one for one in node.args.kw_defaults if one)]
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return [walrus.target for walrus in ast.walk(node) if isinstance(walrus, ast.NamedExpr)]
        case ast.Global():
            scope.outer.update(node.names)
        case ast.Nonlocal():
            scope.enclosing.update(node.names)
        case ast.Import() | ast.ImportFrom():
            scope.bound.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
            scope.statements.append(node)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            scope.bound[name] += 1
        case ast.MatchMapping(rest=str(rest)):
            scope.bound[rest] += 1
    return ast.iter_child_nodes(node)
