"""Reading a project, and what is wrong with it by reading alone."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import date
from pathlib import Path
from typing import TypeVar

from hyfn import clouds, discover
from hyfn.discover import graph
from hyfn.discover import source as source_text
from hyfn.errors import BuildError, HyfnError, ProjectErrors, SourceError, raise_all
from hyfn.model import FunctionSpec, Problem, Project, Source, Target
from hyfn.pack import environment, lifecycle, waiting
from hyfn.pack import units as grouping
from hyfn.pack.units import Unit, units
from hyfn.project.platforms import packer, runtime

T = TypeVar("T")


def read(path: Path, stage: str | None = None) -> Project:
    """The project at `path`, its functions and its call graph. Raises ProjectError for whatever is wrong with it.

    `stage` is the active one: HYFN_STAGE where it is not given, else the one that the project names.
    """
    stage = os.environ.get("HYFN_STAGE", "") if stage is None else stage
    return graph.link(discover.read(path, clouds.platforms(), stage))


def stage(project: Project) -> str:
    """The active stage: HYFN_STAGE, else the one that the project names, else "dev"."""
    named = project.config.get("default-stage") or project.config.get("stage")
    return os.environ.get("HYFN_STAGE") or (named if isinstance(named, str) else "") or "dev"


def check(project: Project, today: date | None = None) -> list[Problem]:
    """What the platforms would refuse, and the calls that reading could not resolve (as warnings).

    `today` is the day by which a Python is old.
    """
    made = units(project)
    refused = [
        problem
        for unit in made
        for function in unit.functions
        for problem in (*packer(unit.target).check(function, unit.target), *_unoffered(function, unit.target))
    ]
    limited = [problem for unit in made for problem in _beyond(unit, today or date.today())]
    unresolved = [
        Problem(
            "warning",
            f"this call cannot be resolved by reading: {call.text}",
            call.place,
            f'name what it may call in the decorator: calls=["..."] (reached by {call.caller})',
        )
        for call in project.unresolved
    ]
    return [*grouping.problems(made), *refused, *limited, *_uncalled(project), *unresolved]


def _unoffered(function: FunctionSpec, target: Target) -> Iterator[Problem]:
    """Triggers that the platform has not."""
    if function.triggers:
        yield from waiting.problems(function, target, packer(target).offers(target))


def _uncalled(project: Project) -> Iterator[Problem]:
    """Calls of what only plain HTTP reaches."""
    functions = {function.name: function for function in project.functions}
    for edge in project.edges:
        callee = functions[edge.callee]
        if not callee.is_called:
            caller = edge.caller.rpartition(":")[2]
            said = f"{caller} calls {callee.qualname}, which only plain HTTP reaches (@on.http at {callee.place})"
            yield Problem("error", said, edge.place, "put what both need into a function without Request and Response")


def _beyond(unit: Unit, today: date) -> Iterator[Problem]:
    """What the platform's limits refuse, whatever the function."""
    target = unit.target
    limits = packer(target).limits(target)
    yield from environment.problems(target, limits)
    yield from lifecycle.problems(runtime(target).python, limits, today, target.place)


def no_function(project: Project) -> BuildError:
    """What to raise where a project has nothing to build, at the first function that could have a target."""
    if not project.sources:
        return BuildError(f"{project.root} holds no Python module", hint="name a Python file, or a folder with some")
    defined = [(source, node) for source in project.sources.values() for node in _definitions(source)]
    source, node = next((each for each in defined if each[1].decorator_list), defined[0] if defined else (None, None))
    return BuildError(
        f"no function of {project.root.name} has a target",
        where=f"{source.file}:{node.lineno}" if source and node else None,
        hint=f"put one of {', '.join(f'@{name}' for name in sorted(clouds.platforms()))} above a def",
    )


def _definitions(source: Source) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    body = source_text.tree(source).body
    return [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def refuse(problems: Sequence[Problem]) -> None:
    """Raise them, each once, if there are any."""
    said = {str(problem): problem for problem in problems}.values()
    errors = [SourceError(p.message, where=str(p.place) if p.place else None, hint=p.hint) for p in said]
    raise_all(errors)


def results(jobs: Sequence[Future[T]]) -> list[T]:
    """Every job's result. What fails in many jobs alike is said once."""
    failed = [error for job in jobs if (error := job.exception()) is not None]
    errors = {str(one): one for error in failed for one in _each(error)}
    raise_all(list(errors.values()))
    return [job.result() for job in jobs]


def _each(error: BaseException) -> Sequence[HyfnError]:
    if isinstance(error, ProjectErrors):
        return error.errors
    if isinstance(error, HyfnError):
        return [error]
    raise error
