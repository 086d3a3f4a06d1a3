"""What becomes one artifact: a function on one platform, or a group of functions there. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from hyfn.model import FunctionSpec, Problem, Project, Recipe, Target
from hyfn.pack import recipes

GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
OWN_TO_EACH = frozenset({"calls", "idempotent"})
"""Options that functions of one group need not share: they say something about the function, not about its artifact."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What becomes one artifact. `placed` are the functions' own targets; `target` has the options of them all."""

    functions: Sequence[FunctionSpec]
    placed: Sequence[Target]
    target: Target

    @property
    def primary(self) -> FunctionSpec:
        return self.functions[0]

    @property
    def party(self) -> str:
        """Who this artifact is on an edge."""
        return f"{self.primary.name}@{self.target.platform}"

    @property
    def recipe(self) -> Recipe:
        """How its artifact is made, by the settings of all its functions."""
        return recipes.joined([function.recipe for function in self.functions])

    @property
    def group(self) -> str:
        """Its group's name, or "" for a function by itself."""
        return str(self.target.options.get("group") or "")


def units(project: Project) -> list[Unit]:
    """The artifacts that a build makes, in the order of the source."""
    found: dict[tuple[str, str, str], Unit] = {}
    for function in project.functions:
        for target in function.targets:
            group = str(target.options.get("group") or "")
            key = (target.platform, group, "" if group else function.name)
            found[key] = _joined(found.get(key), function, target)
    return list(found.values())


def _joined(unit: Unit | None, function: FunctionSpec, target: Target) -> Unit:
    if unit is None:
        return Unit([function], [target], target)
    options = {**target.options, **unit.target.options}
    return Unit([*unit.functions, function], [*unit.placed, target], replace(unit.target, options=options))


def problems(units: Iterable[Unit]) -> Iterator[Problem]:
    """Groups that cannot be one artifact."""
    grouped, alone = [], {}
    for unit in units:
        if unit.group:
            grouped.append(unit)
        else:
            alone[unit.target.platform, unit.primary.qualname] = unit
    for unit in grouped:
        if not GROUP.fullmatch(unit.group):
            said = f"a group's name is letters, digits, - and _, a letter or digit first, not {unit.group!r}"
            yield Problem("error", said, unit.target.place, "it names a file")
        if namesake := alone.get((unit.target.platform, unit.group)):
            said = (
                f"the group {unit.group!r} is called as a function is that stands by itself ({namesake.primary.place})"
            )
            yield Problem("error", said, unit.target.place, "rename the group")
        yield from _contradictions(unit)
        yield from _bases(unit)


def _bases(unit: Unit) -> Iterator[Problem]:
    """Functions that would stand on different images."""
    agreed = unit.recipe.base
    for function in unit.functions:
        if (base := function.recipe.base) not in ("", agreed):
            said = f"{function.qualname} has base={base!r}, and others of its group have {agreed!r}"
            yield Problem("error", said, function.place, "functions of one group share an artifact and its base")


def _contradictions(unit: Unit) -> Iterator[Problem]:
    for function, target in zip(unit.functions, unit.placed, strict=True):
        for option, value in target.options.items():
            agreed = unit.target.options[option]
            if option not in OWN_TO_EACH and value != agreed:
                said = f"{function.qualname} has {option}={value!r}, and others of its group have {agreed!r}"
                yield Problem("error", said, target.place, "functions of one group share an artifact and its options")
