"""Which functions are decorated, with what. Every rule of where a decorator may stand is here."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hyfn.discover import providers
from hyfn.discover.given import Given
from hyfn.discover.options import (
    Platform,
    Platforms,
    nearest,
    shown,
)
from hyfn.discover.scope import (
    Assigned,
    Definition,
    External,
    Found,
    Imported,
    Scopes,
    Undefined,
    dotted,
)
from hyfn.discover.signature import Function
from hyfn.discover.source import tree
from hyfn.discover.triggers import TRIGGERS, Kind, made
from hyfn.errors import HyfnError, SourceError
from hyfn.model import Place, Source, Trigger


@dataclass(frozen=True, slots=True)
class Mark:
    """One decorator on a function, and the options that stand in it."""

    platform: Platform
    options: Mapping[str, Any]
    place: Place


@dataclass(frozen=True, slots=True)
class Marked:
    """A decorated function. `marks` from the top down: the first is preferred. None where all of them are wrong."""

    source: Source
    node: Function
    marks: Sequence[Mark]
    triggers: Sequence[Trigger] = ()


@dataclass(frozen=True, slots=True)
class _Decorator:
    """What an expression says that leads to hyfn, or to another `package` with platforms. `platform` is None where
    that has no decorator called `name`."""

    name: str
    platform: Platform | None
    call: ast.Call | None = None
    module: str = ""
    package: str = providers.HYFN


class Reader:
    """Reads one project's decorators. What is wrong goes to `problems`. `home` is where options may stand as well."""

    def __init__(
        self, sources: Mapping[str, Source], scopes: Scopes, platforms: Platforms, home: str, problems: list[HyfnError]
    ) -> None:
        self._sources = sources
        self._scopes = scopes
        self._platforms = platforms
        self._given = Given(scopes, home, problems)
        self._problems = problems
        self._by_path = {path: found for name, found in platforms.items() for path in providers.paths(name, found)}
        self._by_path |= TRIGGERS
        self._packages = providers.packages(providers.clouds(platforms).values())
        self._users = _users(sources, scopes, self._packages)

    def read(self) -> list[Marked]:
        """Every decorated function, module by module, in the order of their lines."""
        return [marked for source in self._sources.values() for marked in self._module(source)]

    def _module(self, source: Source) -> Iterator[Marked]:
        try:
            body = tree(source).body
        except SourceError:
            return
        for statement in body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                marked = self._function(source, statement)
                if marked:
                    self._check_bindings(marked)
                    yield marked
                nodes: Sequence[ast.AST] = statement.body
            else:
                nodes = [statement]
            if source.module in self._users:
                for node in nodes:
                    self._refuse_misplaced(source, node, statement)

    def _function(self, source: Source, node: Function) -> Marked | None:
        found = [(expression, self._decorator(expression, source.module)) for expression in node.decorator_list]
        for expression, decorator in found:
            if decorator is None:
                self._refuse_unimported(source, expression)
        if not any(decorator for _, decorator in found):
            return None
        self._check_order(source, found)
        read = [mark for expression, d in found if d and (mark := self._mark(source, node, expression, d))]
        marks = [mark for mark in read if not isinstance(mark.platform, Kind)]
        self._check_body(source, node, marks)
        self._check_twice(node, marks)
        return Marked(source, node, marks, self._triggers(node, read, bool(marks)))

    def _triggers(self, node: Function, read: Sequence[Mark], is_placed: bool) -> list[Trigger]:
        given = [mark for mark in read if isinstance(mark.platform, Kind)]
        if given and not is_placed:
            hint = f"put one of {', '.join(f'@{name}' for name in sorted(self._platforms))} above it"
            message = f"@{given[0].platform.name} wakes {node.name}, which lives on no platform"
            self._problems.append(SourceError(message, where=str(given[0].place), hint=hint))
        made_of = [made(node, mark.platform, mark.options, mark.place) for mark in given]
        self._problems += [problem for _, problems in made_of for problem in problems]
        return [trigger for trigger, _ in made_of if trigger]

    def _decorator(self, node: ast.expr, module: str, depth: int = 0) -> _Decorator | None:
        """What `node` says to hyfn, None where it leads elsewhere. Follows imports and `big = aws(memory=1024)`."""
        if isinstance(node, ast.Call):
            inner = self._decorator(node.func, module, depth)
            return replace(inner, call=node, module=module) if inner and inner.call is None else None
        name = dotted(node)
        match self._scopes.find(module, name) if name else None:
            case External(full) if full in self._by_path:
                found = self._by_path[full]
                return _Decorator(found.name, found)
            case External(full) if full.startswith("hyfn.") and full != "hyfn.on":
                return _Decorator(full.removeprefix("hyfn."), None)
            case External(full) if full.rpartition(".")[0] in self._packages:
                package, _, wrong = full.rpartition(".")
                return _Decorator(wrong, None, package=package)
            case Found(at, Assigned(value)) if value is not None and depth < 16:
                return self._decorator(value, at, depth + 1)
        return None

    def _mark(self, source: Source, node: Function, expression: ast.expr, decorator: _Decorator) -> Mark | None:
        if decorator.platform is None:
            known = {found.name: found for found in self._by_path.values()}
            hint = nearest(decorator.name, known if decorator.name.startswith("on.") else self._platforms)
            if elsewhere := self._platforms.get(decorator.name):
                hint = f"write `{providers.source(decorator.name, elsewhere)}`"
            said = f"{decorator.package} has no decorator {decorator.name!r}"
            self._error(said, source, self._origin(source, expression), hint)
            return None
        options: dict[str, Any] = {}
        if decorator.call is not None:
            written, function = self._sources[decorator.module], f"{source.module}.{node.name}"
            options = self._given.options(decorator.call, decorator.platform, written, function)
        return Mark(decorator.platform, options, Place(source.file, expression.lineno))

    def _origin(self, source: Source, expression: ast.expr) -> int:
        """The line that names what hyfn does not have: the import, else the decorator."""
        name = dotted(expression.func if isinstance(expression, ast.Call) else expression)
        for binding in self._scopes.bindings(source.module).get(name or "", ()):
            if isinstance(binding, Imported) and binding.name:
                return binding.line
        return expression.lineno

    def _check_order(self, source: Source, found: Sequence[tuple[ast.expr, _Decorator | None]]) -> None:
        ours = [(index, decorator.name) for index, (_, decorator) in enumerate(found) if decorator]
        last, name = ours[-1]
        for expression, decorator in found[:last]:
            if decorator is None:
                message = f"@{shown(expression)} would wrap the remote call, not the function"
                self._error(message, source, expression.lineno, f"put @{name} above it")

    def _check_body(self, source: Source, node: Function, marks: Sequence[Mark]) -> None:
        if marks and _yields(node):
            hint = "return a list: values travel whole"
            self._error(
                f"{node.name} is a generator, which @{marks[0].platform.name} cannot run", source, node.lineno, hint
            )

    def _check_twice(self, node: Function, marks: Sequence[Mark]) -> None:
        seen: dict[str, Place] = {}
        for mark in marks:
            first = seen.setdefault(mark.platform.name, mark.place)
            if first is not mark.place:
                message = f"{node.name} is placed twice on {mark.platform.name}"
                self._problems.append(SourceError(message, where=str(mark.place), hint=f"the first is at {first}"))

    def _check_bindings(self, marked: Marked) -> None:
        """Nothing below may take the function's name."""
        name, file = marked.node.name, marked.source.file
        for binding in self._scopes.bindings(marked.source.module).get(name, ()):
            line = binding.line if isinstance(binding, Imported | Assigned) else binding.lineno
            if line > marked.node.lineno:
                hint = f"the first is at {file}:{marked.node.lineno}; rename one"
                self._error(f"{name} is defined again", marked.source, line, hint)

    def _refuse_unimported(self, source: Source, expression: ast.expr) -> None:
        name = dotted(expression.func if isinstance(expression, ast.Call) else expression) or ""
        platform = name.removeprefix("hyfn.")
        if platform in self._platforms and isinstance(self._scopes.find(source.module, name), Undefined):
            is_bare = platform == name
            hint = providers.source(platform, self._platforms[platform]) if is_bare else "import hyfn"
            self._error(f"{name} is not imported", source, expression.lineno, f"write `{hint}`")

    def _refuse_misplaced(self, source: Source, node: ast.AST, owner: ast.AST) -> None:
        """Decorators and calls of them anywhere in `node`. Not recursive: an expression may be thousands deep."""
        waiting = [(node, owner)]
        while waiting:
            node, owner = waiting.pop()
            skipped: Sequence[ast.AST] = ()
            if isinstance(node, Definition):
                self._refuse_on(source, node, owner)
                owner, skipped = node, node.decorator_list
            elif isinstance(node, ast.Call) and node.args:
                self._refuse_call(source, node)
            waiting += [(child, owner) for child in ast.iter_child_nodes(node) if child not in skipped]

    def _refuse_on(self, source: Source, node: Definition, owner: ast.AST) -> None:
        for expression in node.decorator_list:
            decorator = self._decorator(expression, source.module)
            if decorator:
                message, hint = _misplaced(node, owner)
                self._error(f"@{decorator.name} {message}", source, expression.lineno, hint)

    def _refuse_call(self, source: Source, node: ast.Call) -> None:
        decorator = self._decorator(node.func, source.module)
        if decorator and decorator.platform and not isinstance(decorator.platform, Kind):
            message = f"{decorator.name} is called with {shown(node.args[0])}; it decorates a `def`"
            hint = f"write a module-level def with @{decorator.name} above it"
            self._error(message, source, node.lineno, hint)

    def _error(self, message: str, source: Source, line: int, hint: str | None = None) -> None:
        self._problems.append(SourceError(message, where=f"{source.file}:{line}", hint=hint))


def _misplaced(node: Definition, owner: ast.AST) -> tuple[str, str]:
    if isinstance(node, ast.ClassDef):
        return (
            f"stands on the class {node.name}",
            "it decorates functions: write a module-level def that uses the class",
        )
    if isinstance(owner, ast.ClassDef):
        return f"stands on {node.name}, a method of {owner.name}", "write a module-level def that takes what it needs"
    if isinstance(owner, ast.FunctionDef | ast.AsyncFunctionDef):
        return f"stands on {node.name}, inside of {owner.name}", "move the function to the module's level"
    return f"stands on {node.name}, which is defined only on a condition", "move the function to the module's level"


def _yields(function: Function) -> bool:
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, Definition | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return False


def _users(sources: Mapping[str, Source], scopes: Scopes, packages: Collection[str]) -> set[str]:
    """The modules that may hold a decorator: those that name a package with some, and those that import from these."""
    names = {package.rpartition(".")[2] for package in packages}
    users = {module for module, source in sources.items() if any(name in source.text for name in names)}
    while True:
        more = {module for module in sources.keys() - users if _imports(module, users, scopes)}
        if not more:
            return users
        users |= more


def _imports(module: str, users: set[str], scopes: Scopes) -> bool:
    return any(
        isinstance(binding, Imported) and (binding.module in users or f"{binding.module}.{binding.name}" in users)
        for bindings in scopes.bindings(module).values()
        for binding in bindings
    )
