"""Building a project: every artifact and the manifest, all or nothing, and no work for what did not change."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from hyfn.discover import names
from hyfn.discover import source as source_text
from hyfn.discover.reach import Reach
from hyfn.model import Artifact, Project
from hyfn.pack import delivery, fresh, previous, recipes
from hyfn.pack.fresh import Asked
from hyfn.pack.previous import Kept, Previous
from hyfn.pack.units import Unit, units
from hyfn.pack.wheels import choose, declared, fetch, narrow, stock
from hyfn.pack.wheels.fetch import Watch
from hyfn.project import made as makings
from hyfn.project import reading, scope
from hyfn.project.drafting import Draft, Drafting
from hyfn.project.made import Made
from hyfn.project.platforms import runtimes, served, served_by
from hyfn.toolchain import cache
from hyfn.toolchain.workers import Workers

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Built:
    """A finished build. `notes` say what could not be checked on this machine, and what is worth a look."""

    project: Project
    artifacts: Sequence[Artifact]
    units: Mapping[str, Unit]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a build differs from the plain one.

    `pythons` overrides the Python of single artifacts, by party (for a run on a machine that lacks the target's own);
    `only` restricts the build to these parties; `is_for_here` makes what this machine can run, whatever processor the
    targets have, images without their bases. These leave hyfn.lock as it is. `is_locked` refuses to change hyfn.lock;
    `upgrade` names distributions to choose anew, [] all; `base` is what images stand on, whatever the project says.
    `asked` lets the next build find that nothing changed.
    """

    pythons: Mapping[str, str] = field(default_factory=dict)
    only: Sequence[str] | None = None
    is_for_here: bool = False
    is_locked: bool = False
    upgrade: Sequence[str] | None = None
    base: str = ""
    asked: Asked | None = None


def build(
    project: Project, out: Path, report: Report, wishes: Wishes | None = None, watch: Watch = fetch.nobody
) -> Built:
    """Write every artifact and the manifest to `out`, all or nothing. An artifact that an earlier build left there
    stays, if it would come out the same. `watch` hears of bytes that are fetched.

    Raises ProjectError for what the project must mend.
    """
    wishes = wishes or Wishes()
    reading.refuse([problem for problem in reading.check(project) if problem.level == "error"])
    if not project.functions:
        raise reading.no_function(project)
    with cache.in_use():
        return _build(project, out, report, wishes, watch)


def _build(project: Project, out: Path, report: Report, wishes: Wishes, watch: Watch) -> Built:
    wanted = _wanted(project, wishes)
    looked = scope.of(project, served(wanted, wishes.is_for_here))
    before = fresh.inputs(looked, out.resolve(), wishes.asked, is_first=True) if wishes.asked else ""
    shared = drafting(project, wanted, report, watch, wishes)
    drafts = _drafts(shared, wanted)
    with delivery.all_or_nothing(out) as partial:
        made = _made(drafts, previous.read(out), partial, report)
        said = [note for each in made for note in each.notes]
        notes = [*shared.choice.notes, *_unused(shared), *_idle(project, drafts), *said]
        notes += choose.keep(project, shared.choice)
        _write_manifest(shared, [each.artifact for each in made], partial)
        after = fresh.inputs(looked, out.resolve(), wishes.asked) if wishes.asked and before else ""
        inputs = after if after == before else ""
        stamp = previous.stamp(partial / delivery.MANIFEST)
        previous.write(partial, Previous(out, inputs, looked, notes, stamp, _kept(drafts, made)))
    return Built(
        project,
        [replace(each.artifact, path=out / each.artifact.path.relative_to(partial)) for each in made],
        {unit.party: unit for unit in wanted},
        notes,
    )


def _wanted(project: Project, wishes: Wishes) -> list[Unit]:
    chosen = [unit for unit in units(project) if wishes.only is None or unit.party in wishes.only]
    return [_with_python(unit, wishes.pythons.get(unit.party)) for unit in chosen]


def _with_python(unit: Unit, python: str | None) -> Unit:
    if python is None:
        return unit
    return replace(unit, target=replace(unit.target, options={**unit.target.options, "python": python}))


def drafting(project: Project, wanted: Sequence[Unit], report: Report, watch: Watch, wishes: Wishes) -> Drafting:
    """What the artifacts of the units are drafted from: their wheels, chosen and fetched."""
    choice = choose.prepare(
        project,
        served(wanted, wishes.is_for_here),
        report,
        upgrade=wishes.upgrade,
        is_locked=wishes.is_locked,
        writes=not (wishes.is_for_here or wishes.only or wishes.pythons),
        serving=served_by(wanted, wishes.is_for_here),
    )
    return Drafting(
        project,
        Reach(project),
        names.short_names(project),
        {unit.party: runtimes(unit.target, wishes.is_for_here) for unit in wanted},
        stock.fill(choice, project, watch),
        choice,
        None if wishes.is_for_here else wishes.base,
    )


def _unused(drafting: Drafting) -> list[str]:
    """A word on each declared dependency that no module of the project imports."""
    project, stock = drafting.project, drafting.stock
    imported = {name for source in project.sources.values() for name in source_text.imported(source)}
    imported |= {name for function in project.functions for name, _ in function.recipe.imports}
    found = [narrow.unused(imported, stock.chosen[each], stock.shelves[each]) for each in stock.shelves]
    names = {str(one): one for many in found for one in many}
    return [_unused_note(one, project) for one in names.values() if all(one in many for many in found)]


def _unused_note(one: Requirement, project: Project) -> str:
    place = declared.place_of(one, project)
    hint = "what reading cannot see: imports = [...] in [tool.hyfn.build]"
    return f"{f'{place}: ' if place else ''}{one} is declared, and nothing imports it ({hint})"


def _idle(project: Project, drafts: Sequence[Draft]) -> list[str]:
    """A word on each entry of `allow` that matches nothing in any artifact."""
    matched = {entry for draft in drafts for entry in _allowed(project, draft) if entry not in draft.idle}
    entries = {text: place for function in project.functions for text, place in function.recipe.allow}
    return [f"{place}: allow {text!r} matches nothing" for text, place in entries.items() if text not in matched]


def _allowed(project: Project, draft: Draft) -> Sequence[str]:
    return recipes.texts(recipes.of(project, draft.cut.functions).allow)


def _drafts(drafting: Drafting, wanted: Sequence[Unit]) -> list[Draft]:
    """What each unit's artifact is to hold. All that is wrong with any of them is raised at once."""
    with Workers(1) as workers:
        return reading.results([workers.submit(drafting.draft, unit) for unit in wanted])


def _made(drafts: Sequence[Draft], before: Previous, partial: Path, report: Report) -> list[Made]:
    with Workers(2 * (os.cpu_count() or 1)) as workers:
        return reading.results([workers.submit(_make, draft, before, partial, report) for draft in drafts])


def _make(draft: Draft, before: Previous, partial: Path, report: Report) -> Made:
    if before.holds(draft.path, draft.key) and before.take(draft.path, partial):
        made = makings.again(draft, partial, before.artifacts[draft.path])
    else:
        from hyfn.project import making  # where nothing changed nothing is made

        made = making.make(draft, partial)
        report(f"built {draft.short} for {draft.unit.target.platform}")
    _keep_source(draft, partial)
    return made


def _keep_source(draft: Draft, partial: Path) -> None:
    """The generated source, beside the artifact, for people to read."""
    folder = (partial / draft.path).with_suffix(".src")
    for name, content in draft.cut.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _kept(drafts: Sequence[Draft], made: Sequence[Made]) -> dict[str, Kept]:
    return {draft.path: _kept_one(draft, each) for draft, each in zip(drafts, made, strict=True)}


def _kept_one(draft: Draft, made: Made) -> Kept:
    partial = Path(str(made.artifact.path).removesuffix(draft.path))
    stamps = previous.stamps(partial, draft.path, *draft.beside)
    return Kept(draft.key, made.artifact.digest, made.artifact.size, made.notes, stamps)


def _write_manifest(drafting: Drafting, artifacts: Sequence[Artifact], partial: Path) -> None:
    document = _manifest(drafting, artifacts, partial)
    (partial / delivery.MANIFEST).write_text(json.dumps(document, indent=1) + "\n")


def _manifest(drafting: Drafting, artifacts: Sequence[Artifact], partial: Path) -> dict[str, Any]:
    return {
        "app": drafting.project.app,
        "artifacts": [
            {
                "function": artifact.short,
                "id": artifact.function,
                "cloud": artifact.platform,
                "kind": artifact.kind,
                "path": artifact.path.relative_to(partial).as_posix(),
                "digest": artifact.digest,
                "size": artifact.size,
                "python": artifact.python,
                "distributions": list(artifact.distributions),
            }
            for artifact in artifacts
        ],
        "edges": [
            {"caller": drafting.shorts[edge.caller], "callee": drafting.shorts[edge.callee]}
            for edge in drafting.project.edges
        ],
    }
