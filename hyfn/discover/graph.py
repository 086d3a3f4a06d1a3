"""The static call graph: which function may call which, and what may be raised at its callers."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from hyfn.discover import names as naming
from hyfn.discover.flows import Flowing, Flows
from hyfn.discover.reach import Reach
from hyfn.discover.references import CALLED_WITH, Choice, Ref
from hyfn.discover.resolve import Meaning, Name, Names
from hyfn.model import Edge, FunctionSpec, Place, Project, Unresolved


def link(project: Project) -> Project:
    """The project with its edges, what reading could not resolve, and each function's calls and exceptions.

    Raises SourceError at the decorator for a name in `calls=[...]` that no function has.
    """
    reach = Reach(project)
    flows = Flows(reach.names)
    traces = [_Trace(project, reach, flows, function) for function in project.functions]
    calls = {trace.function.name: sorted(trace.edges) for trace in traces}
    raises = _spread({trace.function.name: trace.raises for trace in traces}, calls)
    return replace(
        project,
        functions=[
            replace(function, calls=calls[function.name], raises=sorted(raises[function.name]))
            for function in project.functions
        ],
        edges=[edge for trace in traces for _, edge in sorted(trace.edges.items())],
        unresolved=[one for trace in traces for one in trace.unresolved()],
    )


def document(project: Project) -> dict[str, Any]:
    """The graph for programs to read, by the functions' short names."""
    shorts = naming.short_names(project)
    return {
        "functions": [
            {
                "name": shorts[function.name],
                "id": function.name,
                "clouds": [target.platform for target in function.targets],
                "file": function.place.file,
                "line": function.place.line,
            }
            for function in project.functions
        ],
        "edges": [
            {"caller": shorts[edge.caller], "callee": shorts[edge.callee], **_place(edge.place)}
            for edge in project.edges
        ],
        "unresolved": [
            {"caller": shorts[one.caller], "text": one.text, **_place(one.place)} for one in project.unresolved
        ],
    }


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line}


def _spread(raises: dict[str, set[str]], calls: dict[str, list[str]]) -> dict[str, set[str]]:
    """Each function's exceptions and those of all that it calls."""
    spread = {name: set(own) for name, own in raises.items()}
    is_growing = True
    while is_growing:
        sizes = sum(map(len, spread.values()))
        for name, callees in calls.items():
            spread[name].update(*(spread[callee] for callee in callees))
        is_growing = sum(map(len, spread.values())) > sizes
    return spread


class _Trace:
    """Follows one function through all that it uses, nearest first, so that a place is the first that shows an edge."""

    def __init__(self, project: Project, reach: Reach, flows: Flows, function: FunctionSpec) -> None:
        self.function = function
        self.edges: dict[str, Edge] = {}
        self.raises: set[str] = set()
        self._names = reach.names
        self._flows = flows
        self._files = {name: source.file for name, source in project.sources.items()}
        self._unresolved: dict[Place, Unresolved] = {}
        self._declared = list(_declared(project, function))
        self._seen: set[Name] = set()
        self._read: set[Flowing] = set()
        self._waiting: list[Flowing] = [flows.of(function)]
        if flows.at_import:
            self._waiting += flows.running(reach.walk([function]))
        for module, _ in function.recipe.imports:
            self._any_of(module)
        self._follow()
        self._add_declared()

    def unresolved(self) -> list[Unresolved]:
        """Nothing where the decorator says what may be called."""
        return [] if self._declared else list(self._unresolved.values())

    def _follow(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for flowing in waiting:
                if flowing not in self._read:
                    self._read.add(flowing)
                    self._flow(flowing)

    def _flow(self, flowing: Flowing) -> None:
        for ref in flowing.refs:
            meaning = self._names.meaning(flowing.module, ref)
            self._meaning(flowing.module, ref, meaning)
        for ref in flowing.raises:
            for name in self._names.meaning(flowing.module, ref).names:
                self._raise(name)
        for choice in flowing.choices:
            if choice.among is None or self._holds_functions(flowing.module, choice.among):
                self._report(flowing.module, choice)

    def _meaning(self, module: str, ref: Ref, meaning: Meaning) -> None:
        if not ref.is_mention:
            for function in meaning.functions:
                self._edge(function, self._place(module, ref.line))
        for name in meaning.names:
            self._use(name)
        if not (ref.is_alias or ref.is_mention):
            for value in meaning.values:
                self._whole(module, ref, value)

    def _use(self, name: Name) -> None:
        if name not in self._seen:
            self._seen.add(name)
            self._waiting += self._flows.into(name)

    def _whole(self, module: str, ref: Ref, value: str) -> None:
        """A module used as a value: any name of it may be asked for."""
        if value not in self._names.modules:
            return
        if self._names.functions_in(value):
            self._report(module, Choice(ref.text or ".".join(ref.path), ref.line, None))
        self._any_of(value)

    def _any_of(self, module: str) -> None:
        if module in self._names.modules:
            for name in self._names.all_of(module):
                self._use(name)

    def _edge(self, function: FunctionSpec, place: Place) -> None:
        if function.name == self.function.name:
            return
        if _share_artifact(self.function, function):
            self._waiting.append(self._flows.of(function))
        else:
            self.edges.setdefault(function.name, Edge(self.function.name, function.name, place))

    def _raise(self, name: Name) -> None:
        node = self._names.definition(name)
        if isinstance(node, ast.ClassDef) and is_exception(self._names, name.module, node):
            self.raises.add(f"{name.module}:{self._names.qualname(name)}")

    def _report(self, module: str, choice: Choice) -> None:
        place = self._place(module, choice.line)
        self._unresolved.setdefault(place, Unresolved(self.function.name, place, choice.text))

    def _place(self, module: str, line: int) -> Place:
        return Place(self._files[module], line)

    def _holds_functions(self, module: str, among: Iterable[Ref]) -> bool:
        """Whether a container, by what was put into it, may hold a hyfn function."""
        waiting = [self._names.meaning(module, ref) for ref in among if not ref.is_called]
        seen: set[Name] = set()
        while waiting:
            meaning = waiting.pop()
            if meaning.functions:
                return True
            for name in set(meaning.names) - seen:
                seen.add(name)
                if name.name.endswith(CALLED_WITH) or self._names.definition(name) is None:
                    flowings = self._flows.into(name)
                    waiting += [self._names.meaning(one.module, ref) for one in flowings for ref in one.refs]
        return False

    def _add_declared(self) -> None:
        for function, place in self._declared:
            self._edge(function, place)
        self._follow()


def _declared(project: Project, function: FunctionSpec) -> Iterator[tuple[FunctionSpec, Place]]:
    for target in function.targets:
        for name in target.options.get("calls") or ():
            yield naming.declared(project, str(name), target.place), target.place


def _share_artifact(caller: FunctionSpec, callee: FunctionSpec) -> bool:
    """Whether `callee` is beside `caller` wherever that is placed."""
    theirs = {(target.platform, target.options.get("group")) for target in callee.targets}
    ours = [(target.platform, target.options.get("group")) for target in caller.targets]
    return all(group and (platform, group) in theirs for platform, group in ours)


def is_exception(names: Names, module: str, node: ast.ClassDef, seen: Sequence[ast.AST] = ()) -> bool:
    """Whether a class is an exception: by a builtin base, or by one of others' that reading cannot see into."""
    if node in seen:
        return False
    for base, meaning in names.bases(module, node):
        if meaning.externals:
            return True
        if meaning == Meaning() and _is_builtin_exception(base):
            return True
        for name in meaning.names:
            found = names.definition(name)
            if isinstance(found, ast.ClassDef) and is_exception(names, name.module, found, [*seen, node]):
                return True
    return False


def _is_builtin_exception(base: ast.expr) -> bool:
    found = getattr(builtins, base.id, None) if isinstance(base, ast.Name) else None
    return isinstance(found, type) and issubclass(found, BaseException)
