"""Reads calls: what is called, what is handed to it, and what reading cannot tell."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import ClassVar

from hyfn.discover import locals as scopes
from hyfn.discover.expressions import Expressions
from hyfn.discover.reader import is_text
from hyfn.discover.references import CALLED_WITH, Choice, Flow, Found, Ref, chain

_PICKING = frozenset({"get", "pop", "setdefault", "__getitem__"})
_JOINING = frozenset({"join", "joinpath", "Path", "PurePath"})
_OPENING = frozenset(
    {"FileSystemLoader", "PackageLoader", "files", "get_data", "glob", "open", "open_binary", "open_text"}
    | {"read_binary", "read_text", "rglob", "with_name"}
)


class Calls(Expressions):
    handlers: ClassVar[Mapping[type[ast.AST], str]] = {**Expressions.handlers, ast.Call: "_called"}

    def _called(self, node: ast.Call) -> None:
        name = self._full_name(node.func)
        if self._is_own_namespace(node):
            self._add([Ref(self._source.module, (), node.lineno, text=ast.unparse(node))])
        elif name in ("importlib.import_module", "__import__"):
            self._importing(node)
        elif name in ("getattr", "hasattr") and len(node.args) > 1:
            self._getting(node)
        elif name == "importlib.resources.files" and node.args:
            self._files(node)
        else:
            self._choose(node)
            self._handing(node)

    def _importing(self, node: ast.Call) -> None:
        refs = self._meanings(node)
        if refs is None:
            self.found.choices.append(Choice(ast.unparse(node), node.lineno, None))
            self.all(node.args)
        else:
            self._add(refs)

    def _getting(self, node: ast.Call) -> None:
        """`getattr(module, "literal")` is an attribute; with any other name it may be all of the module."""
        target, name, *rest = node.args
        known = [str(ast.literal_eval(name))] if is_text(name) else []
        refs = self._meanings(target, *known)
        if refs is None:
            self.all([target])
        else:
            self._add(ref if known else ref._replace(text=ast.unparse(node)) for ref in refs)
        self.all([*([] if known else [name]), *rest])

    def _files(self, node: ast.Call) -> None:
        """The files of a package, not its names."""
        refs = self._meanings(node.args[0])
        if refs is None:
            self.all(self._path_arguments(node))
        else:
            self._add(ref._replace(is_alias=True) for ref in refs)

    def _choose(self, node: ast.Call) -> None:
        """Note a call of what a container holds: `table[key](x)`, `table.get(key)(x)`."""
        picked = container(node.func)
        if isinstance(node.func, ast.Name):
            scope = self._scope_of(node.func.id)
            choice = scope.picked.get(node.func.id) if scope else None
            if choice:
                self.found.choices.append(choice._replace(line=node.lineno))
        elif picked is not None:
            self.found.choices.append(Choice(f"{ast.unparse(node.func)}(...)", node.lineno, self._held_in(picked)))

    def _held_in(self, container: ast.expr) -> tuple[Ref, ...]:
        """What a container may hold, by the names in it."""
        if isinstance(container, ast.Name) and (scope := self._scope_of(container.id)):
            return tuple(ref for ref in scope.held.get(container.id, ()) if not ref.is_called)
        before = self.found
        self.found = Found()
        self.all([container])
        inside, self.found = self.found, before
        return tuple(inside.refs)

    def _handing(self, node: ast.Call) -> None:
        refs = self._meanings(node.func)
        if refs is None:
            self.all([node.func])
        else:
            self._call(refs)
        self._calls_parameter(node.func)
        handed = self._values([*self._path_arguments(node), *(keyword.value for keyword in node.keywords)])
        if handed and (refs or not (self._deferred or self._scopes)):
            is_loose = self._is_loose and not self._deferred
            self.found.flows.append(Flow(tuple(refs or ()), handed, is_call=True, is_loose=is_loose))

    def _calls_parameter(self, node: ast.expr) -> None:
        """A function that calls what is handed to it runs that."""
        functions = [scope for scope in self._scopes if scope.kind == scopes.FUNCTION]
        if self._deferred == 1 and functions and isinstance(node, ast.Name) and node.id in functions[-1].parameters:
            self.found.refs.append(Ref(None, (self._owner + CALLED_WITH,), node.lineno))

    def _path_arguments(self, node: ast.Call) -> list[ast.expr]:
        """The arguments, but for the literals of paths: `os.path.join(here, "data", "x.json")`, `open("x.json")`."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else (chain(node.func) or ("",))[-1]
        texts = [argument for argument in node.args if is_text(argument)]
        if not texts or name not in _JOINING | _OPENING:
            return node.args
        for path in [texts] if name in _JOINING else [[one] for one in texts]:
            self._path(path)
        return [argument for argument in node.args if not is_text(argument)]


def container(function: ast.expr) -> ast.expr | None:
    """What `table[key]` or `table.get(key)` picks from."""
    if isinstance(function, ast.Subscript):
        return function.value
    if isinstance(function, ast.Call) and isinstance(function.func, ast.Attribute):
        return function.func.value if function.func.attr in _PICKING else None
    return None
