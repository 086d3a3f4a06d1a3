"""What a name stands for while code is read: its scope, its import, what was put into it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from hyfn.discover import locals as scopes
from hyfn.discover.references import CALLED_WITH, Flow, Found, Imported, Ref, chain, imports, start_of
from hyfn.discover.source import absolute
from hyfn.model import Source


class Reader:
    """`known` are the module's own imports by local name, to see what `import_module` is here."""

    handlers: ClassVar[Mapping[type[ast.AST], str]] = {}

    def __init__(self, source: Source, known: Mapping[str, Imported]) -> None:
        self.found = Found()
        self._source = source
        self._known = known
        self._scopes: list[scopes.Scope] = []
        self._owner = ""
        self._deferred = 0
        self._locals = 0
        self._is_mention = False
        self._is_optional = False
        self._is_loose = True

    def all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is None:
                continue
            handler = self.handlers.get(type(node))
            if handler:
                getattr(self, handler)(node)
            else:
                self.all(ast.iter_child_nodes(node))

    @contextmanager
    def _with(self, **state: Any) -> Iterator[None]:
        before = {name: getattr(self, f"_{name}") for name in state}
        for name, value in state.items():
            setattr(self, f"_{name}", value)
        yield
        for name, value in before.items():
            setattr(self, f"_{name}", value)

    @contextmanager
    def _inside(self, scope: scopes.Scope) -> Iterator[None]:
        for statement in scope.statements:
            for imported in imports(statement, self._base(statement), False):
                scope.imports.setdefault(imported.local, []).append(imported)
        self._scopes.append(scope)
        yield
        self._scopes.pop()

    def _base(self, node: ast.Import | ast.ImportFrom) -> str:
        return absolute(self._source, node) if isinstance(node, ast.ImportFrom) else ""

    # What a name stands for

    def _meanings(self, node: ast.expr, *more: str) -> list[Ref] | None:
        """What a dotted name (and `more` attributes of it) is outside the statement: nothing for a local one.

        None where `node` is no dotted name. An attribute of `import_module("literal")` counts as one.
        """
        inner: list[str] = [*more]
        base = node
        while isinstance(base, ast.Attribute):
            inner.insert(0, base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            return self._named((base.id, *inner), node.lineno)
        if isinstance(base, ast.Call) and (module := self._import_call(base)):
            self.found.imports.append(Imported(module, None, "", base.lineno, self._is_optional))
            return [Ref(module, tuple(inner), base.lineno, text=ast.unparse(base))]
        return None

    def _named(self, path: tuple[str, ...], line: int) -> list[Ref]:
        scope = self._scope_of(path[0])
        if scope is None:
            return [Ref(None, path, line)]
        self._locals += scope.kind != scopes.CLASS
        meanings = []
        for imported in scope.imports.get(path[0], ()):
            start, inner = start_of(imported)
            meanings.append(Ref(start, inner + path[1:], line))
        alias = scope.alias.get(path[0])
        if alias is not None and len(path) > 1:
            meanings.append(alias._replace(path=alias.path + path[1:], line=line, is_alias=False))
        return meanings

    def _scope_of(self, name: str) -> scopes.Scope | None:
        for scope in reversed(self._scopes):
            if scope.kind == scopes.CLASS and scope is not self._scopes[-1]:
                continue
            if name in scope.outer:
                return None
            if name not in scope.enclosing and scope.bound.get(name):
                return scope
        return None

    def _add(self, refs: Iterable[Ref]) -> None:
        self.found.refs += [ref._replace(is_mention=True) for ref in refs] if self._is_mention else refs

    def _call(self, refs: Iterable[Ref]) -> None:
        called = [ref._replace(is_called=True) for ref in refs]
        self._add(called)
        if not self._deferred:
            self.found.runs += called

    def _full_name(self, node: ast.expr) -> str:
        """The dotted name outside the module: "importlib.import_module" by whatever name it goes here."""
        path = chain(node)
        if path is None:
            return ""
        scope = self._scope_of(path[0])
        known = self._known.get(path[0]) if scope is None else next(iter(scope.imports.get(path[0], ())), None)
        if known is None:
            return "" if scope else ".".join(path)
        start, inner = start_of(known)
        return ".".join((start, *inner, *path[1:]))

    def _import_call(self, node: ast.Call) -> str | None:
        """The module of `import_module("literal")`."""
        if self._full_name(node.func) not in ("importlib.import_module", "__import__"):
            return None
        if not node.args or not is_text(node.args[0]):
            return None
        name = str(ast.literal_eval(node.args[0]))
        level = len(name) - len(name.lstrip("."))
        return absolute(self._source, ast.ImportFrom(name[level:] or None, [], level))

    # What is put where

    def _values(self, nodes: Iterable[ast.expr | None]) -> tuple[Ref, ...]:
        """Read `nodes`; what they name. A local name in them may be what was handed to the owner."""
        start, before = len(self.found.refs), self._locals
        self.all(nodes)
        refs = [ref for ref in self.found.refs[start:] if not ref.is_mention]
        if self._owner and self._locals > before:
            refs.append(Ref(None, (self._owner + CALLED_WITH,), 0))
        return tuple(refs)

    def _put(self, targets: Sequence[ast.expr], values: Sequence[ast.expr]) -> None:
        """Read `values`, which `targets` hold from then on."""
        with self._with(is_loose=False):
            refs = self._values(values)
        into = tuple(ref for target in targets for ref in self._holders(target, refs))
        if into and refs:
            self.found.flows.append(Flow(into, refs))
        self.all(targets)

    def _holders(self, target: ast.expr, refs: tuple[Ref, ...]) -> list[Ref]:
        """The global names that hold what is put into `target`. A local one remembers `refs`."""
        match target:
            case ast.Tuple() | ast.List():
                return [ref for part in target.elts for ref in self._holders(part, refs)]
            case ast.Starred():
                return self._holders(target.value, refs)
            case ast.Subscript(value=ast.Name(name)) if scope := self._scope_of(name):
                scope.held.setdefault(name, []).extend(refs)
                return []
            case ast.Subscript(value=ast.Subscript()):
                return self._holders(target.value, refs)
            case ast.Subscript():
                return self._meanings(target.value) or []
            case ast.Name() if scope := self._scope_to_bind(target.id):
                scope.held.setdefault(target.id, []).extend(refs)
                return []
        return self._meanings(target) or []

    def _scope_to_bind(self, name: str) -> scopes.Scope | None:
        inner = [scope for scope in self._scopes if scope.kind != scopes.COMPREHENSION]
        return None if not inner or name in inner[-1].outer else inner[-1]


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
