"""Which third-party distributions one artifact needs. Declared dependencies decide, imports narrow."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hyfn.errors import BuildError, raise_all
from hyfn.model import Place, Project, Slice
from hyfn.pack.wheels import declared
from hyfn.pack.wheels.needs import OWN, Chosen
from hyfn.pack.wheels.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Need:
    """One distribution that an artifact needs: because code imports it at `place`, because `parent` needs it, or
    because it serves the functions there (`serves`).

    Nothing is set for what hyfn itself needs.
    """

    name: str
    parent: str = ""
    module: str = ""
    place: Place | None = None
    serves: bool = False


def narrow(
    project: Project,
    cut: Slice,
    chosen: Chosen,
    shelf: Shelf,
    provided: Sequence[str] = (),
    serving: Sequence[str] = (),
) -> Mapping[str, Need]:
    """What the slice `cut` needs of the distributions on `shelf`, by name, in that order.

    An import that the platform has (`provided`), the standard library or the project itself brings nothing. What
    `serving` names is among it, without what that needs.
    BuildError, with the place of the import or of the declaration, for what no dependency provides and for a
    dependency that cannot be had.
    """
    given = frozenset({*provided, "hyfn", "msgpack"})
    names = {name: place for name, place in cut.imports.items() if name.split(".")[0] not in given}
    optional = {name: place for name, place in cut.optional_imports.items() if name.split(".")[0] not in given}
    raise_all([error for name in names for error in _missing(name, names[name], project, chosen, shelf)])
    reasons = _reasons({**optional, **names}, chosen.requirements, shelf)
    own = [Requirement(text) for text in OWN]
    parents = shelf.closure([*own, *(requirement for requirement, _ in reasons.values())])
    servers = {canonicalize_name(Requirement(text).name) for text in serving} - parents.keys()
    raise_all([_unbuildable(name, project, chosen, shelf) for name in (*parents, *servers) if name in shelf.lost])
    needed = {name: _need(name, parents[name], reasons) for name in parents}
    needed |= {name: Need(name, serves=True) for name in servers}
    return {name: needed[name] for name in sorted(needed)}


def _need(name: str, parent: str, reasons: Mapping[str, tuple[Requirement, Need]]) -> Need:
    return reasons[name][1] if name in reasons else Need(name, parent)


def _unbuildable(name: str, project: Project, chosen: Chosen, shelf: Shelf) -> BuildError:
    """Why there is no wheel of a source distribution, at the line that declares it, with what there is instead."""
    from hyfn.pack.wheels import unresolved  # what asks uv is needed for errors only

    error = shelf.lost[name]
    declaring = [one for one in chosen.requirements if name in shelf.closure([one])]
    place = next((found for one in declaring if (found := declared.place_of(one, project))), None)
    wanted = next((one for one in declaring if canonicalize_name(one.name) == name), name)
    hint = error.hint or unresolved.elsewhere(wanted, shelf.runtime, project.root, project.uv)
    return BuildError(error.message, where=str(place) if place else None, hint=hint)


def _reasons(
    imports: Mapping[str, Place], requirements: Sequence[Requirement], shelf: Shelf
) -> dict[str, tuple[Requirement, Need]]:
    """The declared requirements that the imports ask for, by the distribution's name."""
    found: dict[str, tuple[Requirement, Need]] = {}
    for module in sorted(imports):
        for requirement in _requirements(module, requirements, shelf):
            name = canonicalize_name(requirement.name)
            found.setdefault(name, (requirement, Need(name, "", module, imports[module])))
    return found


def _requirements(name: str, requirements: Sequence[Requirement], shelf: Shelf) -> list[Requirement]:
    """The declared requirements that bring `name`: its own distribution's, else the one with the fewest beside it."""
    providers = shelf.providers(name)
    direct = [one for one in requirements if canonicalize_name(one.name) in providers]
    if direct or not providers:
        return direct
    closures = [(shelf.closure([one]), one) for one in requirements]
    bringing = sorted((len(names), str(one)) for names, one in closures if names.keys() & providers)
    return [Requirement(text) for _, text in bringing[:1]]


def _missing(name: str, place: Place, project: Project, chosen: Chosen, shelf: Shelf) -> list[BuildError]:
    if shelf.providers(name) or _is_known(name, project):
        return []
    for lost in shelf.lost:
        if _alike(lost) == _alike(name.split(".")[0]):
            return [_unbuildable(lost, project, chosen, shelf)]
    for lacking in chosen.lacking:
        if _alike(lacking.requirement.name) == _alike(name.split(".")[0]):
            return [lacking.error]
    hint = "add it to dependencies"
    if chosen.lacking:
        hint += f"; if it belongs to {chosen.lacking[0].requirement}: {chosen.lacking[0].error.message}"
    return [BuildError(f"no declared dependency provides {name!r}", where=str(place), hint=hint)]


def unused(imported: Iterable[str], chosen: Chosen, shelf: Shelf) -> list[Requirement]:
    """The declared requirements that none of the modules `imported` asks for, and none of the others needs: a list
    that is frozen to the last distribution declares what it needs. Of those that are on `shelf`."""
    brought = {str(one): one for module in imported for one in _requirements(module, chosen.requirements, shelf)}
    used = shelf.closure(brought.values())
    return [one for one in chosen.requirements if canonicalize_name(one.name) not in used]


def _is_known(name: str, project: Project) -> bool:
    top = name.split(".")[0]
    if top in sys.stdlib_module_names:
        return True
    return any(module.split(".")[0] == top for module in project.sources)


def _alike(name: str) -> str:
    return canonicalize_name(name).replace("-", "")
