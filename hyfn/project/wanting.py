"""A finished build, as what its stage is to have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hyfn import clouds
from hyfn.cloud import Shipper
from hyfn.errors import ConfigError
from hyfn.model import Artifact, Project
from hyfn.pack.units import Unit
from hyfn.project.building import Built
from hyfn.project.desired import Desired, Graph, linked
from hyfn.project.manifests import woken
from hyfn.project.platforms import packer
from hyfn.resource import Neighbour, Resource, Stage, Wanted
from hyfn.trust.edges import nodes


def shipper(cloud: str) -> Shipper:
    """The cloud's. Raises ConfigError where hyfn cannot ship to it."""
    try:
        found: Shipper = clouds.get(cloud, "ship").shipper
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.endswith(f"{cloud}.ship"):
            raise
        raise ConfigError(f"hyfn builds and runs functions for {cloud}, and does not ship there yet") from error
    return found


def desired(built: Built, images: Mapping[str, str], stage: Stage, secret: bytes) -> Desired:
    """All that the build's stage is to have. `images` are references by digest, by party."""
    units = {party: unit for party, unit in built.units.items() if has_platform(unit)}
    found = {
        party: list(shipper(unit.target.cloud).resources(wanted))
        for party, unit in units.items()
        for wanted in [_wanted(built, unit, units, images.get(party, ""), stage)]
    }
    resources = [each for many in found.values() for each in many]
    endpoints = {each.party: each.key for each in resources if each.is_endpoint}
    holds = {party: [function.name for function in unit.functions] for party, unit in units.items()}
    graph = Graph(nodes(built.project.functions), holds, endpoints)
    artifacts = {party: artifact(built, unit).digest for party, unit in units.items()}
    return Desired(graph, _distinct(linked(graph, resources, stage, secret)), artifacts)


def has_platform(unit: Unit) -> bool:
    """A function for the developer's own machine is shipped nowhere."""
    return unit.target.platform != "local"


def artifact(built: Built, unit: Unit) -> Artifact:
    """The unit's, of the build."""
    own = (unit.primary.name, unit.target.platform)
    return next(each for each in built.artifacts if (each.function, each.platform) == own)


def _wanted(built: Built, unit: Unit, units: Mapping[str, Unit], image: str, stage: Stage) -> Wanted:
    return Wanted(
        stage,
        unit.party,
        _name(built.project, unit, stage),
        woken(unit),
        unit.target,
        artifact(built, unit),
        image,
        [_neighbour(built.project, other, stage) for other in units.values() if _is_near(unit, other)],
        any(_calls(other, unit) and other.target.cloud != unit.target.cloud for other in units.values()),
        any(_is_near(other, unit) for other in units.values()),
    )


def _name(project: Project, unit: Unit, stage: Stage) -> str:
    return packer(unit.target).platform_name(project.app, stage.name, unit.primary, unit.target)


def _neighbour(project: Project, unit: Unit, stage: Stage) -> Neighbour:
    return Neighbour(unit.party, _name(project, unit, stage), unit.target)


def _is_near(caller: Unit, callee: Unit) -> bool:
    return callee.target.cloud == caller.target.cloud and callee.party != caller.party and _calls(caller, callee)


def _calls(caller: Unit, callee: Unit) -> bool:
    called = {name for function in caller.functions for name in function.calls}
    return any(function.name in called for function in callee.functions)


def _distinct(resources: Sequence[Resource]) -> list[Resource]:
    """Each once: artifacts may want a thing together, as a namespace. It belongs to the first."""
    found: dict[object, Resource] = {}
    for each in resources:
        other = found.setdefault(each.key, each)
        if replace(other, party=each.party) != each:
            said = f"{other.party} and {each.party} want {each.key.kind} {each.key.name} otherwise than one another"
            raise ConfigError(said, hint="give one of them another name=")
    return list(found.values())
