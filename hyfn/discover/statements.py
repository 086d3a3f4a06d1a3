"""Reads statements: every reference that leaves them, what they import and raise, and what they put where."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import ClassVar

from hyfn.discover import locals as scopes
from hyfn.discover.calls import Calls, container
from hyfn.discover.references import Choice, Flow, Found, Imported, Ref, chain, imports
from hyfn.model import Source

_FORGIVING = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def read(statements: Sequence[ast.AST], source: Source, known: Mapping[str, Imported]) -> Found:
    """All that `statements` of the module's own level refer to. `known` are its imports by local name."""
    reader = _Statements(source, known)
    reader.all(statements)
    return reader.found


def is_typing_only(node: ast.AST) -> bool:
    """`if TYPE_CHECKING:`: its body never runs."""
    return isinstance(node, ast.If) and _last(node.test) == "TYPE_CHECKING"


def is_forgiving(node: ast.AST) -> bool:
    """A `try` that goes on where an import in it fails, or `with suppress(ImportError)`."""
    caught: list[ast.expr | None] = []
    if isinstance(node, ast.Try | ast.TryStar):
        caught = [handler.type for handler in node.handlers]
    elif isinstance(node, ast.With):
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        caught = [argument for call in calls if _last(call.func) == "suppress" for argument in call.args]
    names = [name for one in caught for name in (one.elts if isinstance(one, ast.Tuple) else [one])]
    return any(name is None or _last(name) in _FORGIVING for name in names)


def _last(node: ast.expr) -> str:
    return (chain(node) or ("",))[-1]


class _Statements(Calls):
    handlers: ClassVar[Mapping[type[ast.AST], str]] = {
        **Calls.handlers,
        ast.Import: "_import",
        ast.ImportFrom: "_import",
        ast.Expr: "_expression",
        ast.Assign: "_assign",
        ast.AnnAssign: "_annotated_assign",
        ast.AugAssign: "_augmented_assign",
        ast.For: "_for",
        ast.AsyncFor: "_for",
        ast.With: "_with_block",
        ast.AsyncWith: "_with_block",
        ast.If: "_if",
        ast.Try: "_try",
        ast.TryStar: "_try",
        ast.Raise: "_raise",
        ast.FunctionDef: "_function",
        ast.AsyncFunctionDef: "_function",
        ast.ClassDef: "_class",
    }

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.found.imports += imports(node, self._base(node), self._is_optional)
        if self._scopes and self._scopes[-1].kind == scopes.CLASS:
            self._bind_in_class(node)

    def _bind_in_class(self, node: ast.Import | ast.ImportFrom) -> None:
        for imported in imports(node, self._base(node), False):
            self._scopes[-1].bound[imported.local] += 1
            self._scopes[-1].imports.setdefault(imported.local, []).append(imported)

    def _expression(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        refs = self._meanings(node.value) if isinstance(node.value, ast.Call) else None
        if refs is None:
            self.all([node.value])
        else:
            self._add(ref._replace(is_alias=True) for ref in refs)

    # Assignments

    def _assign(self, node: ast.Assign) -> None:
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            self._assign_name(node.targets[0], node.value)
        else:
            self._put(node.targets, [node.value])

    def _annotated_assign(self, node: ast.AnnAssign) -> None:
        with self._with(is_mention=True):
            self.all([node.annotation])
        if node.value is not None and isinstance(node.target, ast.Name):
            self._assign_name(node.target, node.value)
        else:
            self._put([node.target], [node.value] if node.value else [])

    def _augmented_assign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._add(self._named((node.target.id,), node.lineno))
        self._put([node.target], [node.value])

    def _assign_name(self, target: ast.Name, value: ast.expr) -> None:
        """`name = dotted.name` gives it another name; a local one is followed where it is bound only once."""
        scope = self._scope_to_bind(target.id)
        picked = container(value)
        if scope and picked is not None:
            scope.picked[target.id] = Choice(ast.unparse(value), value.lineno, self._held_in(picked))
        refs = self._meanings(value)
        if refs is None:
            self._put([target], [value])
            return
        refs = [ref._replace(is_alias=True) for ref in refs]
        self._add(refs)
        if scope is None:
            self.found.flows.append(Flow((Ref(None, (target.id,), target.lineno),), tuple(refs)))
        else:
            scope.held.setdefault(target.id, []).extend(refs)
            if scope.bound[target.id] == 1 and refs:
                scope.alias[target.id] = refs[0]
        self.all([target])

    # Blocks

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        self._put([node.target], [node.iter])
        self.all([*node.body, *node.orelse])

    def _with_block(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            if item.optional_vars:
                self._put([item.optional_vars], [item.context_expr])
            else:
                self.all([item.context_expr])
        with self._with(is_optional=self._is_optional or is_forgiving(node)):
            self.all(node.body)

    def _if(self, node: ast.If) -> None:
        if is_typing_only(node):
            self.all([node.test, *node.orelse])
        else:
            self.all([node.test, *node.body, *node.orelse])

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        with self._with(is_optional=self._is_optional or is_forgiving(node)):
            self.all([*node.body, *node.handlers])
        self.all([*node.orelse, *node.finalbody])

    def _raise(self, node: ast.Raise) -> None:
        self.all([node.exc, node.cause])
        for raised in _alternatives(node.exc):
            refs = self._meanings(raised) or []
            if isinstance(raised, ast.Name) and (scope := self._scope_of(raised.id)):
                refs = [*refs, *scope.held.get(raised.id, ())]
            self.found.raises += refs

    # Definitions

    def _function(self, node: scopes.Function) -> None:
        self._decorators(node)
        given = node.args
        self.all([*given.defaults, *given.kw_defaults])
        with ExitStack() as stack:
            self._type_parameters(node, stack)
            with self._with(is_mention=True):
                arguments = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
                self.all([one.annotation for one in arguments if one] + [node.returns])
            owner = self._owner if self._deferred else node.name
            stack.enter_context(self._with(deferred=self._deferred + 1, owner=owner, is_optional=False))
            stack.enter_context(self._inside(scopes.of_function(given, node.body)))
            self.all(node.body)
        self._bind(node.name)

    def _class(self, node: ast.ClassDef) -> None:
        self._decorators(node)
        with ExitStack() as stack:
            self._type_parameters(node, stack)
            self.all([*node.bases, *node.keywords])
            stack.enter_context(self._with(is_loose=False))
            stack.enter_context(self._inside(scopes.Scope(scopes.CLASS)))
            self.all(node.body)
        self._bind(node.name)

    def _type_parameters(self, node: ast.AST, stack: ExitStack) -> None:
        """Python 3.12's `def f[T: Bound](...)`."""
        parameters: Sequence[ast.AST] = getattr(node, "type_params", ())
        if parameters:
            stack.enter_context(self._inside(scopes.of_type_parameters(node)))
            with self._with(is_mention=True):
                self.all(parameters)

    def _bind(self, name: str) -> None:
        if self._scopes and self._scopes[-1].kind == scopes.CLASS:
            self._scopes[-1].bound[name] += 1

    def _decorators(self, node: scopes.Function | ast.ClassDef) -> None:
        """A decorator of a module's own definition may keep it: `@app.get` puts it into app."""
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            with self._with(is_loose=False):
                refs = self._meanings(called) or []
                if decorator is called and refs:
                    self._call(refs)
                else:
                    self.all([decorator])
            if refs and not self._scopes:
                self.found.flows.append(Flow(tuple(refs), (Ref(None, (node.name,), node.lineno),), is_call=True))


def _alternatives(node: ast.expr | None) -> list[ast.expr]:
    """The classes, or the names, that `raise node` may raise."""
    match node:
        case None:
            return []
        case ast.Call():
            return _alternatives(node.func)
        case ast.IfExp():
            return _alternatives(node.body) + _alternatives(node.orelse)
        case ast.BoolOp():
            return [one for value in node.values for one in _alternatives(value)]
    return [node]
