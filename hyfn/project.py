"""The journeys on a developer's machine: read, check and build a project. Never imports user code."""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from hyfn import clouds, discover
from hyfn.cloud import Packer
from hyfn.discover import graph, names
from hyfn.discover import source as source_text
from hyfn.discover.reach import Reach
from hyfn.errors import BuildError, HyfnError, ProjectErrors, SourceError
from hyfn.model import Artifact, Problem, Project, Runtime, Slice, Source, Staged, Target
from hyfn.pack import delivery, stage, verify
from hyfn.pack import slice as slicing
from hyfn.pack import units as grouping
from hyfn.pack.units import Unit as Unit  # the journeys speak of them
from hyfn.pack.units import units as units
from hyfn.pack.wheels import narrow
from hyfn.stub import render
from hyfn.toolchain import machine, pythons, scratch
from hyfn.toolchain.workers import Workers

T = TypeVar("T")
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Built:
    """A finished build. `notes` say what could not be checked on this machine."""

    project: Project
    artifacts: Sequence[Artifact]
    units: Mapping[str, Unit]
    notes: Sequence[str]


def read(path: Path, stage: str | None = None) -> Project:
    """The project at `path`, its functions and its call graph. Raises ProjectError for whatever is wrong with it.

    `stage` is the active one: HYFN_STAGE where it is not given, else the one that the project names.
    """
    stage = os.environ.get("HYFN_STAGE", "") if stage is None else stage
    return graph.link(discover.read(path, clouds.platforms(), stage))


def check(project: Project) -> list[Problem]:
    """What the platforms would refuse, and the calls that reading could not resolve (as warnings)."""
    made = units(project)
    refused = [
        problem
        for unit in made
        for function in unit.functions
        for problem in packer(unit.target).check(function, unit.target)
    ]
    unresolved = [
        Problem(
            "warning",
            f"this call cannot be resolved by reading: {call.text}",
            call.place,
            f'name what it may call in the decorator: calls=["..."] (reached by {call.caller})',
        )
        for call in project.unresolved
    ]
    return [*grouping.problems(made), *refused, *unresolved]


def packer(target: Target) -> Packer:
    found: Packer = clouds.get(target.cloud, "pack").packer
    return found


def build(
    project: Project,
    out: Path,
    report: Report,
    *,
    pythons_by_party: Mapping[str, str] | None = None,
    only: Iterable[str] | None = None,
    is_for_here: bool = False,
) -> Built:
    """Write every artifact and the manifest to `out`, all or nothing.

    `pythons_by_party` overrides the Python of single artifacts (for a run on a machine that lacks the
    target's own); `only` restricts the build to these parties; `is_for_here` makes what this machine can run, whatever
    processor the targets have. Raises ProjectError for what the project must mend.
    """
    chosen = None if only is None else set(only)
    wanted = [unit for unit in units(project) if chosen is None or unit.party in chosen]
    wanted = [_with_python(unit, (pythons_by_party or {}).get(unit.party)) for unit in wanted]
    _refuse([problem for problem in check(project) if problem.level == "error"])
    if not project.functions:
        raise no_function(project)
    with delivery.all_or_nothing(out) as partial:
        order = _Order(project, Reach(project), names.short_names(project), partial, is_for_here, report)
        with Workers(2 * (os.cpu_count() or 1)) as workers:
            outcomes = _results([workers.submit(_build_one, order, unit) for unit in wanted])
        artifacts = [artifact for artifact, _ in outcomes]
        (partial / delivery.MANIFEST).write_text(json.dumps(_manifest(order, artifacts), indent=1) + "\n")
    return Built(
        project,
        [replace(artifact, path=out / artifact.path.relative_to(order.out)) for artifact in artifacts],
        {unit.party: unit for unit in wanted},
        [note for _, note in outcomes if note],
    )


def _with_python(unit: Unit, python: str | None) -> Unit:
    if python is None:
        return unit
    return replace(unit, target=replace(unit.target, options={**unit.target.options, "python": python}))


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


def _refuse(problems: Sequence[Problem]) -> None:
    said = {str(problem): problem for problem in problems}.values()
    errors = [SourceError(p.message, where=str(p.place) if p.place else None, hint=p.hint) for p in said]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ProjectErrors(errors)


def _results(jobs: Sequence[Future[T]]) -> list[T]:
    """Every job's result. What fails in many jobs alike is said once."""
    failed = [error for job in jobs if (error := job.exception()) is not None]
    errors = {str(one): one for error in failed for one in _each(error)}
    if len(errors) > 1:
        raise ProjectErrors(list(errors.values()))
    for error in errors.values():
        raise error
    return [job.result() for job in jobs]


def _each(error: BaseException) -> Sequence[HyfnError]:
    if isinstance(error, ProjectErrors):
        return error.errors
    if isinstance(error, HyfnError):
        return [error]
    raise error


@dataclass(frozen=True, slots=True)
class _Order:
    """What all artifacts of one build share. `out` is the folder that they are written to, `shorts` their names."""

    project: Project
    reach: Reach
    shorts: Mapping[str, str]
    out: Path
    is_for_here: bool
    report: Report


def _build_one(order: _Order, unit: Unit) -> tuple[Artifact, str | None]:
    project = order.project
    runtime = packer(unit.target).runtime(unit.target)
    if order.is_for_here:
        runtime = machine.native(runtime)
    cut = slicing.cut(project, order.reach.of(unit.functions), render.stub)
    narrowed = narrow.narrow(project, cut, runtime, packer(unit.target).provided(unit.target))
    staged = _staged(project, unit, runtime, cut, narrowed)
    artifact = _packed(order, unit, staged)
    _keep_source(cut, artifact.path)
    note = _load(artifact, unit, runtime)
    order.report(f"built {artifact.short} for {artifact.platform}")
    return artifact, note


def _staged(project: Project, unit: Unit, runtime: Runtime, cut: Slice, narrowed: narrow.Narrowed) -> Staged:
    library: dict[str, bytes | Path] = {**narrowed.files, **stage.travelling(unit.target.cloud)}
    library["hyfn.json"] = stage.manifest(project.app, list(unit.functions), unit.target)
    return Staged(project.app, unit.primary, unit.target, runtime, cut.files, library, narrowed.distributions)


def _packed(order: _Order, unit: Unit, staged: Staged) -> Artifact:
    pack = packer(unit.target)
    short = order.shorts[unit.primary.name]
    path = order.out / unit.target.platform / f"{unit.group or short}.{_ENDINGS[pack.kind]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    pack.pack(staged, path)
    content = path.read_bytes()
    return Artifact(
        unit.primary.name,
        short,
        unit.target.cloud,
        unit.target.platform,
        pack.kind,
        path,
        f"sha256:{hashlib.sha256(content).hexdigest()}",
        len(content),
        staged.runtime.python,
        staged.distributions,
        unit.target.options,
    )


_ENDINGS = {"zip": "zip", "layer": "tar"}


def _keep_source(cut: Slice, artifact: Path) -> None:
    """The generated source, beside the artifact, for people to read."""
    folder = artifact.with_suffix(".src")
    for name, content in cut.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _load(artifact: Artifact, unit: Unit, runtime: Runtime) -> str | None:
    """Unpack and load it as the platform will: what cannot load never leaves the build. Says why where it was not."""
    pack = packer(unit.target)
    with scratch.folder("hyfn-unpacked-") as folder:
        roots = pack.unpack(artifact.path, folder / "artifact")
        if runtime.machine != os.uname().machine:
            note: str | None = f"not loaded for a check: it is for {runtime.machine}"
        else:
            note = _loaded(roots, unit, pythons.find(runtime.python))
    return f"{artifact.short} for {artifact.platform}: {note}" if note else None


def _loaded(roots: Sequence[Path], unit: Unit, python: Path | None) -> str | None:
    try:
        return verify.load(roots, packer(unit.target).entry(unit.target), python)
    except BuildError as error:
        raise BuildError(error.message, where=error.where or str(unit.primary.place), hint=error.hint) from error


def _manifest(order: _Order, artifacts: Sequence[Artifact]) -> dict[str, Any]:
    return {
        "app": order.project.app,
        "artifacts": [
            {
                "function": artifact.short,
                "id": artifact.function,
                "cloud": artifact.platform,
                "kind": artifact.kind,
                "path": artifact.path.relative_to(order.out).as_posix(),
                "digest": artifact.digest,
                "size": artifact.size,
                "python": artifact.python,
                "distributions": list(artifact.distributions),
            }
            for artifact in artifacts
        ],
        "edges": [
            {"caller": order.shorts[edge.caller], "callee": order.shorts[edge.callee]} for edge in order.project.edges
        ],
    }
