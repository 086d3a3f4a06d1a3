"""The journeys on a developer's machine: read, check and build a project. Never imports user code."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hyfn import clouds, discover
from hyfn.cloud import Packer
from hyfn.discover import graph, names
from hyfn.discover.reach import Reach
from hyfn.errors import BuildError, HyfnError, ProjectErrors, SourceError
from hyfn.model import Artifact, FunctionSpec, Problem, Project, Runtime, Slice, Staged, Target
from hyfn.pack import slice as slicing
from hyfn.pack import stage, verify, wheels
from hyfn.stub import render
from hyfn.toolchain import machine, pythons

Report = Callable[[str], None]
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Unit:
    """What becomes one artifact: the functions of one group on one platform, mostly a single one."""

    functions: Sequence[FunctionSpec]
    target: Target

    @property
    def primary(self) -> FunctionSpec:
        return self.functions[0]

    @property
    def party(self) -> str:
        """Who this artifact is on an edge."""
        return f"{self.primary.name}@{self.target.platform}"


@dataclass(frozen=True, slots=True)
class Built:
    """A finished build. `notes` say what could not be checked on this machine."""

    project: Project
    artifacts: Sequence[Artifact]
    units: Mapping[str, Unit]
    notes: Sequence[str]


def read(path: Path) -> Project:
    """The project at `path`, its functions and its call graph. Raises ProjectError for whatever is wrong with it."""
    return graph.link(discover.read(path, clouds.platforms()))


def check(project: Project) -> list[Problem]:
    """What the platforms would refuse, and the calls that reading could not resolve (as warnings)."""
    problems = [
        problem
        for unit in units(project)
        for function in unit.functions
        for problem in packer(unit.target).check(function, unit.target)
    ]
    return problems + [
        Problem(
            "warning",
            f"this call cannot be resolved by reading: {call.text}",
            call.place,
            f'name what it may call in the decorator: calls=["..."] (reached by {call.caller})',
        )
        for call in project.unresolved
    ]


def units(project: Project) -> list[Unit]:
    """The artifacts that a build makes, in the order of the source."""
    grouped: dict[tuple[str, str], Unit] = {}
    for function in project.functions:
        for target in function.targets:
            group = str(target.options.get("group") or function.name)
            before = grouped.get((target.platform, group))
            functions = (*before.functions, function) if before else (function,)
            grouped[target.platform, group] = Unit(functions, before.target if before else target)
    return list(grouped.values())


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
    wanted = [unit for unit in units(project) if only is None or unit.party in set(only)]
    wanted = [_with_python(unit, (pythons_by_party or {}).get(unit.party)) for unit in wanted]
    _refuse([problem for problem in check(project) if problem.level == "error"])
    _require_functions(project)
    with _all_or_nothing(out) as partial:
        shorts = names.short_names(project)
        with ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)) as pool:
            reach = Reach(project)
            jobs = [
                pool.submit(_build_one, project, reach, unit, is_for_here, partial, shorts, report) for unit in wanted
            ]
            outcomes = _results(jobs)
        artifacts = [artifact for artifact, _ in outcomes]
        (partial / MANIFEST).write_text(json.dumps(_manifest(project, artifacts, shorts), indent=1) + "\n")
    return Built(
        project,
        [replace(artifact, path=out / artifact.path.relative_to(partial)) for artifact in artifacts],
        {unit.party: unit for unit in wanted},
        [note for _, note in outcomes if note],
    )


def _with_python(unit: Unit, python: str | None) -> Unit:
    if python is None:
        return unit
    return replace(unit, target=replace(unit.target, options={**unit.target.options, "python": python}))


def _require_functions(project: Project) -> None:
    if not project.functions:
        raise BuildError(
            f"no function in {project.root} has a target",
            hint="decorate one: `from hyfn import aws`, then `@aws` above its def",
        )


def _refuse(problems: Sequence[Problem]) -> None:
    errors = [SourceError(p.message, where=str(p.place) if p.place else None, hint=p.hint) for p in problems]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ProjectErrors(errors)


def _results(jobs: Sequence[Any]) -> list[Any]:
    """Every job's result. What fails in many jobs alike is said once."""
    failures = {str(error): error for job in jobs if (error := job.exception()) is not None}
    errors = list(failures.values())
    if len(errors) == 1:
        raise errors[0]
    if errors:
        for error in errors:
            if not isinstance(error, HyfnError):
                raise error
        raise ProjectErrors(errors)
    return [job.result() for job in jobs]


def _build_one(
    project: Project,
    reach: Reach,
    unit: Unit,
    is_for_here: bool,
    out: Path,
    shorts: Mapping[str, str],
    report: Report,
) -> tuple[Artifact, str | None]:
    runtime = packer(unit.target).runtime(unit.target)
    if is_for_here:
        runtime = machine.native(runtime)
    cut = slicing.cut(project, reach.of(unit.functions), render.stub)
    narrowed = wheels.narrow(project, cut, runtime, packer(unit.target).provided(unit.target))
    staged = _staged(project, unit, runtime, cut, narrowed)
    artifact = _packed(staged, unit, out, shorts)
    _keep_source(cut, artifact.path)
    note = _load(artifact, unit, runtime)
    report(f"built {artifact.short} for {artifact.platform}")
    return artifact, note


def _staged(project: Project, unit: Unit, runtime: Runtime, cut: Slice, narrowed: wheels.Narrowed) -> Staged:
    library: dict[str, bytes | Path] = {**narrowed.files, **stage.travelling(unit.target.cloud)}
    library["hyfn.json"] = stage.manifest(project.app, list(unit.functions), unit.target)
    return Staged(project.app, unit.primary, unit.target, runtime, cut.files, library, narrowed.distributions)


def _packed(staged: Staged, unit: Unit, out: Path, shorts: Mapping[str, str]) -> Artifact:
    pack = packer(unit.target)
    name = str(unit.target.options.get("group") or shorts[unit.primary.name])
    path = out / unit.target.platform / f"{name}.{_ENDINGS[pack.kind]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    pack.pack(staged, path)
    content = path.read_bytes()
    return Artifact(
        unit.primary.name,
        shorts[unit.primary.name],
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
    with tempfile.TemporaryDirectory(prefix="hyfn-load-") as folder:
        roots = pack.unpack(artifact.path, Path(folder) / "artifact")
        if runtime.machine != os.uname().machine:
            note: str | None = f"not loaded for a check: it is for {runtime.machine}"
        else:
            note = verify.load(roots, pack.entry(unit.target), pythons.find(runtime.python))
    return f"{artifact.short} for {artifact.platform}: {note}" if note else None


def _manifest(project: Project, artifacts: Sequence[Artifact], shorts: Mapping[str, str]) -> dict[str, Any]:
    root = artifacts[0].path.parent.parent if artifacts else None
    return {
        "app": project.app,
        "artifacts": [
            {
                "function": artifact.short,
                "id": artifact.function,
                "cloud": artifact.platform,
                "kind": artifact.kind,
                "path": str(artifact.path.relative_to(root)) if root else "",
                "digest": artifact.digest,
                "size": artifact.size,
                "python": artifact.python,
                "distributions": list(artifact.distributions),
            }
            for artifact in artifacts
        ],
        "edges": [{"caller": shorts[edge.caller], "callee": shorts[edge.callee]} for edge in project.edges],
    }


@contextmanager
def _all_or_nothing(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when all went well, and vanishes when not."""
    _refuse_foreign(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=out.parent))
    try:
        partial.chmod(0o755)
        yield partial
        old = partial.with_name(partial.name + ".old")
        if out.exists():
            out.rename(old)
        partial.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _refuse_foreign(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise BuildError(f"{out} is a file", hint="name a folder with --out")
    if out.is_dir() and any(out.iterdir()) and not (out / MANIFEST).is_file():
        raise BuildError(
            f"{out} holds other things than a build of hyfn", hint="name an empty or a new folder with --out"
        )
