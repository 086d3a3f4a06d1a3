"""What a reference leads to, through the imports, re-exports and star imports of the whole project."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from hyfn.discover import units
from hyfn.discover.references import CALLED_WITH, Imported, Ref, chain, start_of
from hyfn.discover.scope import Definition
from hyfn.discover.units import Binding, Module, Unit
from hyfn.model import FunctionSpec, Project


class Name(NamedTuple):
    """A name that `module` defines. `rest` are the attributes of it that the reference goes on to."""

    module: str
    name: str
    rest: tuple[str, ...] = ()


@dataclass(slots=True)
class Meaning:
    """Everything that a reference needs. `functions` are hyfn's, `names` all other definitions and variables.

    `imports` are the import bindings that it goes through, `modules` the project's modules that it looks into,
    `values` those that are themselves meant, `externals` dotted names outside the project.
    """

    functions: list[FunctionSpec] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    imports: list[tuple[str, Binding]] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    externals: list[str] = field(default_factory=list)


_Seen = set[tuple[str, str, tuple[str, ...]]]


class Names:
    """The names of all modules of a project. Each reference is followed once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.modules: dict[str, Module] = {name: units.read(source) for name, source in project.sources.items()}
        self.function_units: dict[str, Unit] = {}
        self._specs: dict[ast.AST, FunctionSpec] = {}
        for function in project.functions:
            self._place(function)
        self._parents = {parent for name in self.modules for parent in parents(name)}
        self._known: dict[tuple[str, str | None, tuple[str, ...]], Meaning] = {}

    def _place(self, function: FunctionSpec) -> None:
        for binding in self.modules[function.module].bindings.get(function.qualname, ()):
            if units.holds(binding.node, function.place.line):
                self.function_units[function.name] = binding.unit
                self._specs[binding.node] = function

    def function_of(self, unit: Unit) -> FunctionSpec | None:
        """The hyfn function that the unit defines, if it does."""
        return self._specs.get(unit.node)

    def is_own(self, module: str) -> bool:
        """Whether `module` is one of the project's, or a folder without `__init__.py` that holds some."""
        return module in self.modules or module in self._parents

    def meaning(self, module: str, ref: Ref) -> Meaning:
        """What `ref` in `module` stands for. Empty for a builtin and for what reading cannot tell."""
        key = (module, ref.start, ref.path)
        if key not in self._known:
            meaning = Meaning()
            if ref.start is None:
                self._name(module, ref.path[0], ref.path[1:], meaning, set())
            else:
                self._module(ref.start, ref.path, meaning, set())
            self._known[key] = meaning
        return self._known[key]

    def imported(self, imported: Imported) -> Meaning:
        """What an import statement's one name leads to."""
        if imported.name == "*":
            return self.meaning(imported.module, Ref(imported.module, (), imported.line))
        start, path = (imported.module, (imported.name,)) if imported.name else (imported.module, ())
        return self.meaning(start, Ref(start, path, imported.line))

    def _name(self, module: str, name: str, rest: tuple[str, ...], meaning: Meaning, seen: _Seen) -> None:
        if (module, name, rest) in seen:
            return
        seen.add((module, name, rest))
        if name.endswith(CALLED_WITH):
            meaning.names.append(Name(module, name))
            return
        bindings = self.modules[module].bindings.get(name, [])
        for binding in _apt(bindings, rest):
            self._follow(module, binding, rest, meaning, seen)
        if not bindings:
            self._starred(module, name, rest, meaning, seen)

    def _follow(self, module: str, binding: Binding, rest: tuple[str, ...], meaning: Meaning, seen: _Seen) -> None:
        if binding.imported:
            meaning.imports.append((module, binding))
            start, path = start_of(binding.imported)
            if start == module and self.is_own(".".join((start, *path))):
                start, path = ".".join((start, *path)), ()
            self._module(start, path + rest, meaning, seen)
        elif function := self._specs.get(binding.node):
            meaning.functions.append(function)
        else:
            meaning.names.append(Name(module, binding.name, rest))
            if binding.alias and binding.alias.start is not None:
                self._module(binding.alias.start, binding.alias.path + rest, meaning, seen)
            elif binding.alias and binding.alias.path[0] != binding.name:
                self._name(module, binding.alias.path[0], binding.alias.path[1:] + rest, meaning, seen)

    def _starred(self, module: str, name: str, rest: tuple[str, ...], meaning: Meaning, seen: _Seen) -> None:
        for binding in self.modules[module].stars:
            target = binding.imported.module if binding.imported else ""
            if target not in self.modules:
                if not hasattr(builtins, name):
                    meaning.imports.append((module, binding))
                    meaning.externals.append(f"{target}.{name}")
            elif self._gives(target, name, {module}):
                meaning.imports.append((module, binding))
                meaning.modules.append(target)
                self._name(target, name, rest, meaning, seen)

    def _gives(self, module: str, name: str, seen: set[str]) -> bool:
        """Whether `from module import *` brings `name`."""
        there = self.modules[module]
        if there.exported is not None and name not in there.exported:
            return False
        if there.exported is None and name.startswith("_"):
            return False
        return self._has(module, name, seen)

    def _has(self, module: str, name: str, seen: set[str]) -> bool:
        if name in self.modules[module].bindings:
            return True
        seen = seen | {module}
        stars = [star.imported.module for star in self.modules[module].stars if star.imported]
        return any(star in self.modules and star not in seen and self._gives(star, name, seen) for star in stars)

    def _module(self, module: str, path: tuple[str, ...], meaning: Meaning, seen: _Seen) -> None:
        """Go on from a module: into its name, or its submodule, of the path's first part."""
        if not self.is_own(module):
            meaning.externals.append(".".join((module, *path)))
            return
        if module in self.modules:
            meaning.modules.append(module)
        if not path:
            meaning.values.append(module)
        elif path[0].endswith(CALLED_WITH) or (module in self.modules and self._has(module, path[0], set())):
            self._name(module, path[0], path[1:], meaning, seen)
        elif self.is_own(f"{module}.{path[0]}"):
            self._module(f"{module}.{path[0]}", path[1:], meaning, seen)
        elif module not in self.modules:
            meaning.externals.append(".".join((module, *path)))
        elif "__getattr__" in self.modules[module].bindings:
            self._lazily(module, path, meaning, seen)

    def _lazily(self, module: str, path: tuple[str, ...], meaning: Meaning, seen: _Seen) -> None:
        """A name that the module's `__getattr__` brings: where from, the imports for type checkers say."""
        meaning.names.append(Name(module, "__getattr__"))
        if (module, path[0], path[1:]) in seen:
            return
        seen.add((module, path[0], path[1:]))
        found = [imported for imported in self.modules[module].typed if self._brings(imported, path[0])]
        for imported in found:
            start, inner = (imported.module, (path[0],)) if imported.name == "*" else start_of(imported)
            self._module(start, inner + path[1:], meaning, seen)
        if not found:
            meaning.values.append(module)

    def _brings(self, imported: Imported, name: str) -> bool:
        if imported.name != "*":
            return imported.local == name
        return imported.module in self.modules and self._gives(imported.module, name, set())

    # Classes

    def definition(self, name: Name) -> Definition | None:
        """The def or class that a name stands for, an inner class by its `rest`."""
        return self._inner(name)[0]

    def qualname(self, name: Name) -> str:
        """Of the class that `definition` finds: what follows it, as in `raise Refused.because(x)`, left off."""
        return ".".join(self._inner(name)[1])

    def _inner(self, name: Name) -> tuple[Definition | None, list[str]]:
        nodes: Iterable[ast.AST] = [binding.node for binding in self.modules[name.module].bindings.get(name.name, ())]
        found = next((node for node in nodes if isinstance(node, Definition)), None)
        parts = [name.name]
        for part in name.rest:
            body = found.body if isinstance(found, ast.ClassDef) else []
            inner = [node for node in body if isinstance(node, ast.ClassDef) and node.name == part]
            if not inner:
                break
            found = inner[-1]
            parts.append(part)
        return found, parts

    def bases(self, module: str, node: ast.ClassDef) -> Iterator[tuple[ast.expr, Meaning]]:
        """Each base of a class with what it stands for; subscripts, as in Generic[T], taken off."""
        for base in node.bases:
            plain = base.value if isinstance(base, ast.Subscript) else base
            path = chain(plain)
            yield base, self.meaning(module, Ref(None, path, base.lineno)) if path else Meaning()

    def all_of(self, module: str) -> list[Name]:
        """Every definition and variable of a module, by name."""
        return [
            Name(module, name)
            for name, bindings in self.modules[module].bindings.items()
            if any(not binding.imported and binding.node not in self._specs for binding in bindings)
        ]

    def functions_in(self, module: str) -> list[FunctionSpec]:
        """The hyfn functions among a module's names, imported ones included."""
        if module not in self.modules:
            return []
        found: dict[str, FunctionSpec] = {}
        for name in [*self.modules[module].bindings]:
            for function in self.meaning(module, Ref(None, (name,), 0)).functions:
                found[function.name] = function
        return list(found.values())


def parents(module: str) -> list[str]:
    """The packages around a module, outermost first."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _apt(bindings: list[Binding], rest: tuple[str, ...]) -> list[Binding]:
    """Of `import a.b` and `import a.c`, which both bind a, those that `a.b.x` needs."""
    dotted = [binding for binding in bindings if _submodule(binding)]
    if len(dotted) < 2:
        return bindings
    apt = [one for one in dotted if (tail := _submodule(one)) and tail[: len(rest)] == rest[: len(tail)]]
    return [one for one in bindings if one not in dotted or one in apt] if apt else bindings


def _submodule(binding: Binding) -> tuple[str, ...]:
    imported = binding.imported
    if imported is None or imported.name is not None or imported.is_renamed:
        return ()
    return tuple(imported.module.split(".")[1:])
