"""Which definitions do something by being there: a registry's decorator, a base class that counts its subclasses."""

from __future__ import annotations

import ast

from hyfn.discover import providers, units
from hyfn.discover.references import Ref
from hyfn.discover.resolve import Meaning, Name, Names
from hyfn.discover.scope import Definition

_HARMLESS = frozenset(
    [
        "abc",
        "attr",
        "attrs",
        "contextlib",
        "dataclasses",
        "enum",
        "functools",
        "pydantic",
        "typing",
        "typing_extensions",
    ]
)
_HARMLESS_BUILTINS = frozenset({("property",), ("staticmethod",), ("classmethod",)})


class Effects:
    """Answers for the definitions of a project."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._harmless = _HARMLESS | providers.packages(names.project.clouds.values())

    def has_any(self, module: str, node: Definition) -> bool:
        """Whether a def or class must stay because its being defined may be seen elsewhere."""
        if any(not self.is_harmless(module, decorator) for decorator in node.decorator_list):
            return True
        return isinstance(node, ast.ClassDef) and self._is_counted(module, node)

    def is_harmless(self, module: str, decorator: ast.expr) -> bool:
        """Whether a decorator is known only to change what it decorates."""
        path = units.decorator_name(decorator)
        if path is None:
            return False
        meaning = self._names.meaning(module, Ref(None, path, decorator.lineno))
        if meaning == Meaning():
            return path in _HARMLESS_BUILTINS
        return bool(meaning.externals) and all(providers.holds(self._harmless, name) for name in meaning.externals)

    def _is_counted(self, module: str, node: ast.ClassDef, seen: frozenset[ast.AST] = frozenset()) -> bool:
        """Whether a base or the metaclass of the project takes notice of a new class."""
        if self._has_metaclass(module, node):
            return True
        bases = [name for _, meaning in self._names.bases(module, node) for name in meaning.names]
        return any(self._registers(name, seen | {node}) for name in bases)

    def _has_metaclass(self, module: str, node: ast.ClassDef) -> bool:
        given = [keyword.value for keyword in node.keywords if keyword.arg == "metaclass"]
        return any(not self.is_harmless(module, metaclass) for metaclass in given)

    def _registers(self, name: Name, seen: frozenset[ast.AST]) -> bool:
        node = self._names.definition(name)
        if not isinstance(node, ast.ClassDef):
            return node is not None or not self._is_alias(name)
        hooks = (inner.name for inner in node.body if isinstance(inner, ast.FunctionDef))
        return "__init_subclass__" in hooks or (node not in seen and self._is_counted(name.module, node, seen))

    def _is_alias(self, name: Name) -> bool:
        """`Base = models.Base` is followed; what a call made (`Base = declarative_base()`) may count its subclasses."""
        return all(binding.alias for binding in self._names.modules[name.module].bindings.get(name.name, ()))
