"""What one function's artifacts weigh, and why each of their distributions is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hyfn.discover import names, source
from hyfn.model import Part, Project
from hyfn.pack import explain as explaining
from hyfn.pack import form
from hyfn.pack.explain import Row
from hyfn.pack.form import Form
from hyfn.pack.units import units
from hyfn.pack.wheels.fetch import Watch
from hyfn.project.building import Report, Wishes, drafting
from hyfn.project.drafting import Draft


def explain(project: Project, function: str, report: Report, watch: Watch) -> Mapping[str, Sequence[Row]]:
    """What the artifacts of `function` (as its developer calls it) hold, the heaviest distribution first; by platform,
    and of an image for several machines by these. Writes nothing. Raises ConfigError where no function is called so."""
    identity = names.resolve(project, function)
    everything = units(project)
    wanted = [unit for unit in everything if any(each.name == identity for each in unit.functions)]
    made = drafting(project, everything, report, watch, Wishes())
    return {
        _title(draft, each): _rows(project, draft, each) for draft in map(made.draft, wanted) for each in draft.forms
    }


def _title(draft: Draft, one: Form) -> str:
    machine = f" {one.runtime.machine}" if len(draft.forms) > 1 else ""
    return f"{draft.short} on {draft.unit.target.platform}{machine}"


def _rows(project: Project, draft: Draft, one: Form) -> Sequence[Row]:
    parts = [_with_chain(project, draft, one, part) for part in one.parts]
    packages = ["hyfn", *(cloud.package for cloud in project.clouds.values() if not cloud.is_own)]
    return explaining.rows(parts, [*form.code(one), *form.host(one)], packages)


def _with_chain(project: Project, draft: Draft, one: Form, part: Part) -> Part:
    """With the way from the function to the module that imports it."""
    place = form.root(one.needs, part.name).place
    chain = explaining.chain(project.sources, draft.cut.functions, place, source.imports) if place else []
    return replace(part, why=[*chain, *part.why])
