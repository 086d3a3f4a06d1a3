"""Which third-party distributions one artifact needs, and their files. Declared dependencies decide, imports narrow."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hyfn.errors import BuildError
from hyfn.model import Place, Project, Runtime, Slice
from hyfn.pack.wheels import declared, layout, pins, unresolved
from hyfn.pack.wheels.unresolved import Blame
from hyfn.toolchain import uv

OWN = ("msgpack>=1.1",)
"""What hyfn itself needs inside every artifact."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """`distributions` are "numpy==2.2.6", sorted; `files` maps a path under the import root to the file on disk."""

    distributions: Sequence[str]
    files: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The declared requirements that hold on a runtime, laid out. `lacking` exist but have no wheel for it."""

    requirements: Sequence[Requirement]
    lacking: Sequence[Blame]
    site: Path


def narrow(project: Project, cut: Slice, runtime: Runtime, provided: Sequence[str] = ()) -> Narrowed:
    """What the slice `cut` needs of the project's dependencies on `runtime`, beside what hyfn needs itself.

    All dependencies are resolved together, so that every function gets the same versions. An import that the platform
    has (`provided`), the standard library or the project itself brings nothing. BuildError, with the place of the
    import or of the declaration, for what no dependency provides and for a dependency that cannot be had.
    """
    chosen = _choose(project, runtime)
    given = frozenset({*provided, "hyfn", "msgpack"})
    names = {name: place for name, place in cut.imports.items() if name.split(".")[0] not in given}
    optional = {name for name in cut.optional_imports if name.split(".")[0] not in given}
    unresolved.refuse([error for name in names for error in _missing(name, names[name], project, chosen)])
    wanted = [need for name in sorted({*names, *optional}) for need in _requirements(name, chosen, runtime)]
    own = [Requirement(text) for text in OWN]
    needed = layout.closure([*own, *wanted], chosen.site, runtime)
    return Narrowed(
        [f"{one.name}=={one.version}" for one in layout.distributions(chosen.site) if one.name in needed],
        layout.files(chosen.site, needed),
    )


def _choose(project: Project, runtime: Runtime) -> Chosen:
    wanted = [one for one in declared.parse(project) if layout.applies(one, runtime)]
    try:
        pinned, lacking = _pin(wanted, runtime, project.root), list[Blame]()
    except uv.UvError as failure:
        lacking = _lacking(project, wanted, runtime, failure)
        wanted = [one for one in wanted if one not in [blame.requirement for blame in lacking]]
        pinned = _pin_rest(project, wanted, runtime)
    return Chosen(wanted, lacking, _lay_out(pinned, runtime, project.root))


def _pin(requirements: Sequence[Requirement], runtime: Runtime, root: Path) -> list[pins.Pinned]:
    return pins.resolve([*map(str, requirements), *OWN], runtime, root=root)


def _lacking(project: Project, wanted: Sequence[Requirement], runtime: Runtime, failure: uv.UvError) -> list[Blame]:
    """Those without a wheel for `runtime`: they matter only to who imports them. The others' errors are raised."""
    blames = unresolved.explain(wanted, _places(project, wanted), runtime, project.root, failure)
    unresolved.refuse([blame.error for blame in blames if not blame.is_wheelless])
    return blames


def _pin_rest(project: Project, rest: Sequence[Requirement], runtime: Runtime) -> list[pins.Pinned]:
    try:
        return _pin(rest, runtime, project.root)
    except uv.UvError as failure:
        blames = unresolved.explain(rest, _places(project, rest), runtime, project.root, failure)
        raise blames[0].error from failure


def _places(project: Project, requirements: Iterable[Requirement]) -> dict[str, Place | None]:
    texts = {str(Requirement(text)): text for text in project.dependencies}
    return {str(one): declared.place(texts[str(one)], project) for one in requirements}


def _lay_out(pinned: Sequence[pins.Pinned], runtime: Runtime, root: Path) -> Path:
    try:
        return layout.lay_out(pinned, runtime, root)
    except uv.UvError as error:
        raise BuildError(f"cannot fetch the wheels for {pins.describe(runtime)}: {uv.tail(error.output, 1)}") from error


def _missing(name: str, place: Place, project: Project, chosen: Chosen) -> list[BuildError]:
    if _providers(name, chosen.site) or _is_known(name, project):
        return []
    for blame in chosen.lacking:
        if _alike(blame.requirement.name) == _alike(name.split(".")[0]):
            return [blame.error]
    hint = "add it to dependencies"
    if chosen.lacking:
        hint += f"; if it belongs to {chosen.lacking[0].requirement}: {chosen.lacking[0].error.message}"
    return [BuildError(f"no declared dependency provides {name!r}", where=str(place), hint=hint)]


def _requirements(name: str, chosen: Chosen, runtime: Runtime) -> list[Requirement]:
    """The declared requirements that bring `name`: its own distribution's, else the one with the fewest beside it."""
    providers = _providers(name, chosen.site)
    direct = [one for one in chosen.requirements if canonicalize_name(one.name) in providers]
    if direct or not providers:
        return direct
    closures = [(layout.closure([one], chosen.site, runtime), one) for one in chosen.requirements]
    bringing = sorted((len(names), str(one)) for names, one in closures if names & providers)
    return [Requirement(text) for _, text in bringing[:1]]


def _providers(name: str, site: Path) -> set[str]:
    """The distributions that provide the longest known part of the import name `name`."""
    provides = layout.provides(site)
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        prefix = ".".join(parts[:count])
        if prefix in provides:
            return set(provides[prefix])
    return set()


def _is_known(name: str, project: Project) -> bool:
    top = name.split(".")[0]
    if top in sys.stdlib_module_names:
        return True
    return any(module.split(".")[0] == top for module in project.sources)


def _alike(name: str) -> str:
    return canonicalize_name(name).replace("-", "")
