"""What gets into a name: its definition, and what the modules' own statements put into it as they run."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from hyfn.discover.locals import Function
from hyfn.discover.references import CALLED_WITH, Choice, Flow, Ref
from hyfn.discover.resolve import Name, Names
from hyfn.discover.units import DEFINES, MAIN, Unit
from hyfn.model import FunctionSpec


@dataclass(eq=False, frozen=True, slots=True)
class Flowing:
    """References in `module` that come with a name. `unit` where it runs at import only if that unit is kept."""

    module: str
    refs: tuple[Ref, ...]
    unit: Unit
    raises: tuple[Ref, ...] = ()
    choices: tuple[Choice, ...] = ()


class Flows:
    """All flows of a project, by the name they go into. `at_import` are those that run when a module is imported."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._into: dict[tuple[str, str], list[Flowing]] = {}
        self._definitions: dict[Unit, Flowing] = {}
        self.at_import: list[Flowing] = []
        for name, module in names.modules.items():
            for unit in module.units:
                if unit.kind != MAIN:
                    self._add(name, unit)

    def of(self, function: FunctionSpec) -> Flowing:
        """The function's own code."""
        return self._definitions[self._names.function_units[function.name]]

    def into(self, name: Name) -> list[Flowing]:
        return self._into.get((name.module, name.name), [])

    def running(self, units: Collection[Unit]) -> list[Flowing]:
        """What runs at import in an artifact that holds `units`."""
        return [flowing for flowing in self.at_import if flowing.unit in units]

    def _add(self, module: str, unit: Unit) -> None:
        found = unit.found
        if unit.kind == DEFINES:
            self._define(module, unit)
        elif found.choices or found.raises:
            self.at_import.append(Flowing(module, (), unit, tuple(found.raises), tuple(found.choices)))
        if self._names.function_of(unit) is None:
            self.at_import += self._executed(module, unit)
        for flow in found.flows:
            self._put(module, unit, flow)

    def _define(self, module: str, unit: Unit) -> None:
        found = unit.found
        flowing = Flowing(module, tuple(found.refs), unit, tuple(found.raises), tuple(found.choices))
        self._definitions[unit] = flowing
        if self._names.function_of(unit) is None:
            for binding in unit.bindings:
                self._into.setdefault((module, binding.name), []).append(flowing)

    def _executed(self, module: str, unit: Unit) -> Iterator[Flowing]:
        """The hyfn functions that a statement calls as it runs, itself or through functions that it calls."""
        waiting = [(module, ref) for ref in unit.found.runs]
        seen: set[ast.AST] = set()
        while waiting:
            there, ref = waiting.pop()
            meaning = self._names.meaning(there, ref)
            if meaning.functions or _is_handed(ref):
                yield Flowing(there, (ref,), unit)
            for name in meaning.names:
                node = self._names.definition(name)
                if isinstance(node, Function) and node not in seen:
                    seen.add(node)
                    waiting += [(name.module, one) for one in self._calls(name)]

    def _calls(self, name: Name) -> Iterator[Ref]:
        for binding in self._names.modules[name.module].bindings.get(name.name, ()):
            if isinstance(binding.node, Function):
                refs = binding.unit.found.refs
                yield from (ref for ref in refs if ref.is_called or _is_handed(ref))

    def _put(self, module: str, unit: Unit, flow: Flow) -> None:
        keys = set(self._keys(module, flow.into, is_call=flow.is_call))
        flowing = Flowing(module, tuple(ref for ref in flow.refs if self._stays(module, ref)), unit)
        for key in keys:
            self._into.setdefault(key, []).append(flowing)
        if flow.is_loose and not keys and self._names.function_of(unit) is None:
            self.at_import.append(flowing)

    def _stays(self, module: str, ref: Ref) -> bool:
        """Of what is called only its result goes on: an object, where it is a class."""
        if not ref.is_called:
            return True
        meaning = self._names.meaning(module, ref)
        return not meaning.functions and any(
            isinstance(self._names.definition(name), ast.ClassDef) for name in meaning.names
        )

    def _keys(self, module: str, into: Iterable[Ref], *, is_call: bool) -> Iterator[tuple[str, str]]:
        """A function called with values has them as "name()"; a class makes a new object of them each time."""
        for ref in into:
            meaning = self._names.meaning(module, ref)
            for name in meaning.names:
                node = self._names.definition(name)
                if node is None:
                    yield name.module, name.name
                elif is_call and isinstance(node, Function):
                    yield name.module, name.name + CALLED_WITH
                elif not is_call or name.rest:
                    yield name.module, name.name


def _is_handed(ref: Ref) -> bool:
    return bool(ref.path) and ref.path[-1].endswith(CALLED_WITH)
