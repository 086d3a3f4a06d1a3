"""What the functions of one artifact reach: all that must be there for them to load and to run as written."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Sequence

from hyfn.discover import units
from hyfn.discover.effects import Effects
from hyfn.discover.foreign import Foreign
from hyfn.discover.references import Found, Imported, Ref
from hyfn.discover.resolve import Meaning, Name, Names, parents
from hyfn.discover.scope import Definition
from hyfn.discover.statements import read
from hyfn.discover.units import CHOOSES, DEFINES, IMPORTS, MAIN, RUNS, Binding, Unit
from hyfn.model import Cut, FunctionSpec, Kept, Place, Project, Reached


class Reach:
    """Answers for one project as it is; make a new one when the project has changed. Threads may share it."""

    def __init__(self, project: Project) -> None:
        self.names = Names(project)
        self.effects = Effects(self.names)
        self._functions = {function.name: function for function in project.functions}
        self._referred: tuple[frozenset[Binding], frozenset[tuple[str, str]]] | None = None

    def of(self, functions: Sequence[FunctionSpec]) -> Reached:
        """What an artifact with `functions` holds. Every function placed elsewhere that it names becomes a stub."""
        return _Walk(self, functions).result()

    def walk(self, functions: Sequence[FunctionSpec]) -> Collection[Unit]:
        """The statements that an artifact with `functions` keeps."""
        return _Walk(self, functions).units

    def function(self, identity: str) -> FunctionSpec:
        return self._functions[identity]

    def is_referred(self, binding: Binding, module: str) -> bool:
        """Whether any code of the project refers to what an import, or a choice of definitions, binds."""
        if self._referred is None:
            self._referred = self._all_referred()
        bindings, names = self._referred
        return binding in bindings or (module, binding.name) in names

    def _all_referred(self) -> tuple[frozenset[Binding], frozenset[tuple[str, str]]]:
        bindings: set[Binding] = set()
        names: set[tuple[str, str]] = set()
        for name, module in self.names.modules.items():
            for unit in module.units:
                for ref in unit.found.refs:
                    meaning = self.names.meaning(name, ref)
                    bindings.update(binding for _, binding in meaning.imports)
                    names.update((found.module, found.name) for found in meaning.names)
        return frozenset(bindings), frozenset(names)

    def is_reexport(self, module: str, binding: Binding) -> bool:
        """Whether an import that its module does not use is there for others: of a function or class of the project."""
        there = self.names.modules[module]
        if not (there.source.is_package or binding.name in (there.exported or ())) or binding.imported is None:
            return False
        meaning = self.names.imported(binding.imported)
        return bool(meaning.functions) or any(self.names.definition(name) for name in meaning.names)


class _Walk:
    """One artifact's walk. What it has met is kept; nothing is visited twice."""

    def __init__(self, reach: Reach, functions: Sequence[FunctionSpec]) -> None:
        self._reach = reach
        self._names = reach.names
        self._own = {function.name: function for function in functions}
        self.modules: dict[str, None] = {}
        self.units: set[Unit] = set()
        self._bindings: set[Binding] = set()
        self._stubs: dict[str, FunctionSpec] = {}
        self._foreign = Foreign(reach.names)
        self._waiting: list[tuple[str, Found]] = []
        for function in functions:
            self._keep(function.module, self._names.function_units[function.name])
            self._needs(function)
            for name, place in function.recipe.imports:
                self._demand(name, place)
        while self._waiting:
            module, found = self._waiting.pop()
            self._read(module, found)

    def _needs(self, function: FunctionSpec) -> None:
        """The functions that it may call and the classes that may be raised at it, by whatever way it gets at them."""
        for callee in function.calls:
            self._function(self._reach.function(callee))
        for raised in function.raises:
            module, _, qualname = raised.partition(":")
            self._include(module)
            self._meaning(self._names.meaning(module, Ref(None, (qualname.partition(".")[0],), 0)))

    def _demand(self, module: str, place: Place) -> None:
        """What the project says that a function imports by its name: all of it, where it is the project's own."""
        self._foreign.demand(module, place)
        self._include(module)
        self._whole(module)

    # Going on

    def _read(self, module: str, found: Found) -> None:
        for imported in found.imports:
            self._import(module, imported)
        for ref in found.refs:
            meaning = self._names.meaning(module, ref)
            self._meaning(meaning)
            if not (ref.is_alias or ref.is_mention):
                for value in meaning.values:
                    self._whole(value)

    def _meaning(self, meaning: Meaning) -> None:
        for there, binding in meaning.imports:
            self._bind(there, binding)
        for there in meaning.modules:
            self._include(there)
        for name in meaning.names:
            self._define(name)
        for function in meaning.functions:
            self._function(function)

    def _define(self, name: Name) -> None:
        for binding in self._names.modules[name.module].bindings.get(name.name, ()):
            if binding.imported is None and self._names.function_of(binding.unit) is None:
                self._keep(name.module, binding.unit)

    def _function(self, function: FunctionSpec) -> None:
        if function.name in self._own or function.name in self._stubs:
            return
        self._stubs[function.name] = function
        self._include(function.module)
        source = self._names.modules[function.module].source
        head = self._head(function)
        self._waiting.append((function.module, read([head], source, self._names.modules[function.module].imports)))
        for raised in function.raises:
            module, _, qualname = raised.partition(":")
            self._include(module)
            self._define(Name(module, qualname.partition(".")[0]))

    def _head(self, function: FunctionSpec) -> ast.AST:
        """The stub as far as it refers to anything: its signature."""
        node = self._names.function_units[function.name].node
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        head = ast.FunctionDef(node.name, node.args, [ast.Pass()], [], node.returns)
        return ast.copy_location(head, node)

    def _keep(self, module: str, unit: Unit) -> None:
        if unit in self.units:
            return
        self.units.add(unit)
        self._include(module)
        self._waiting.append((module, unit.found))

    def _bind(self, module: str, binding: Binding) -> None:
        """Keep an import: what it names must be there, and the modules on the way."""
        if binding in self._bindings or binding.imported is None:
            return
        self._bindings.add(binding)
        if binding.unit.kind == IMPORTS:
            self._include(module)
            self._import(module, binding.imported)
        else:
            self._keep(module, binding.unit)

    def _import(self, module: str, imported: Imported) -> None:
        self._foreign.note(module, imported)
        self._meaning(self._names.imported(imported))
        if imported.name == "*" and imported.module in self._names.modules:
            for name in self._names.modules[imported.module].exported or ():
                self._meaning(self._names.meaning(imported.module, Ref(None, (name,), 0)))

    def _whole(self, module: str) -> None:
        """A module used as a value: anything in it may be asked for by name, but the functions placed elsewhere."""
        if module in self._names.modules:
            for name in self._names.all_of(module):
                self._define(name)
            for bindings in self._names.modules[module].bindings.values():
                for binding in bindings:
                    if binding.imported and self._names.imported(binding.imported).names:
                        self._bind(module, binding)

    def _include(self, module: str) -> None:
        """A module that is imported: its own statements run."""
        if module in self.modules or module not in self._names.modules:
            return
        self.modules[module] = None
        for parent in parents(module):
            self._include(parent)
        for unit in self._names.modules[module].units:
            self._present(module, unit)
        for binding in self._names.modules[module].stars:
            if binding.imported and not self._names.is_own(binding.imported.module):
                self._bind(module, binding)

    def _present(self, module: str, unit: Unit) -> None:
        """Keep what is there whether or not anybody refers to it."""
        if unit.kind == RUNS:
            self._keep(module, unit)
        elif unit.kind == DEFINES and isinstance(unit.node, Definition):
            if not self._names.function_of(unit) and self._reach.effects.has_any(module, unit.node):
                self._keep(module, unit)
        elif unit.kind in (IMPORTS, CHOOSES):
            bindings = [one for one in unit.bindings if not self._reach.is_referred(one, module)]
            if unit.kind == CHOOSES and len(bindings) == len(unit.bindings):
                self._keep(module, unit)
            elif unit.kind == IMPORTS:
                for binding in bindings:
                    if not self._reach.is_reexport(module, binding):
                        self._bind(module, binding)

    # The result

    def result(self) -> Reached:
        return Reached(
            sorted(self._own),
            {module: self._kept(module) for module in sorted(self.modules)},
            self._foreign.required,
            self._foreign.optional,
            sorted(self._stubs),
        )

    def _kept(self, module: str) -> Kept:
        there = self._names.modules[module]
        cuts = [cut for unit in there.units if (cut := self._cut(unit))]
        literals = [literal for unit in there.units if unit in self.units for literal in unit.found.literals]
        return Kept(there.source, cuts, self._anchor(module, cuts), literals)

    def _cut(self, unit: Unit) -> Cut | None:
        if unit.kind == IMPORTS:
            return self._import_cut(unit)
        if unit in self.units:
            return None
        function = self._names.function_of(unit)
        if function and function.name in self._stubs:
            return Cut(unit.node, [function.qualname], function)
        names = sorted({binding.name for binding in unit.bindings})
        return Cut(unit.node, names if unit.kind != MAIN else ["the __main__ block"])

    def _import_cut(self, unit: Unit) -> Cut | None:
        assert isinstance(unit.node, ast.Import | ast.ImportFrom)
        if isinstance(unit.node, ast.ImportFrom) and unit.node.module == "__future__":
            return None
        nodes = {one.node for one in unit.bindings if one in self._bindings}
        kept = [alias for alias in unit.node.names if alias in nodes]
        if len(kept) == len(unit.node.names):
            return None
        return Cut(unit.node, [alias.name for alias in unit.node.names if alias not in nodes], kept=kept)

    def _anchor(self, module: str, cuts: Iterable[Cut]) -> ast.stmt | None:
        """The import that brings hyfn's decorators: what stubs need may be imported beside it."""
        stubs = [cut.node for cut in cuts if cut.stub]
        decorators = [one for node in stubs if isinstance(node, Definition) for one in node.decorator_list]
        roots = [(units.decorator_name(decorator) or ("",))[0] for decorator in decorators]
        bindings = [one for root in roots for one in self._names.modules[module].bindings.get(root, [])]
        found = [one.unit.node for one in bindings if one.unit.kind == IMPORTS]
        first = min(found, key=lambda node: node.lineno, default=None)
        return first if first and all(first.lineno < units.first_line(node) for node in stubs) else None
