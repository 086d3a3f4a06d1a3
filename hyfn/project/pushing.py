"""Putting the images of a finished build into a registry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hyfn.errors import ConfigError
from hyfn.model import Container, Project
from hyfn.pack import delivery
from hyfn.pack.image import bases, config, layout
from hyfn.pack.image import push as pushing
from hyfn.pack.image.push import Pushed
from hyfn.pack.image.reference import Reference
from hyfn.pack.units import Unit, units
from hyfn.pack.wheels.fetch import Watch
from hyfn.project import reading
from hyfn.project.building import Report
from hyfn.project.platforms import packer, runtime
from hyfn.toolchain import scratch


@dataclass(frozen=True, slots=True)
class Sent:
    """One image in a registry: `name` is its artifact's ("greet on knative"), `notes` are about its base."""

    name: str
    pushed: Pushed
    notes: Sequence[str]


def push(project: Project, made: Path, registry: str, report: Report, watch: Watch) -> list[Sent]:
    """Put each image of the build in `made` below `registry` ("localhost:5000/acme"), under its name on its platform.

    One that stands on no base yet gets its platform's own. Safe to repeat: what is there is not sent again. ConfigError
    where the build has no image, or one has no base to stand on.
    """
    artifacts = json.loads((made / delivery.MANIFEST).read_text())["artifacts"]
    images = {(each["id"], each["cloud"]): each for each in artifacts if each["kind"] == "image"}
    if not images:
        raise ConfigError("nothing here is an image", hint="functions for platforms of containers are")
    sent = []
    for unit in units(project):
        if each := images.get((unit.primary.name, unit.target.platform)):
            report(f"pushing {each['function']} for {each['cloud']}")
            sent.append(_push(project, unit, made / each["path"], registry, watch))
    return sent


def _push(project: Project, unit: Unit, image: Path, registry: str, watch: Watch) -> Sent:
    name = packer(unit.target).platform_name(project.app, reading.stage(project), unit.primary, unit.target)
    reference = Reference.parse(f"{registry.rstrip('/')}/{name}")
    who = f"{unit.primary.qualname} on {unit.target.platform}"
    with scratch.folder("hyfn-push-") as folder:
        whole, notes = _whole(unit, image, folder / "image")
        return Sent(who, pushing.push(whole, reference, watch), notes)


def _whole(unit: Unit, image: Path, into: Path) -> tuple[Path, list[str]]:
    """The image on its base: as it is, or put on the platform's own in `into`."""
    if layout.has_base(image):
        return image, []
    container = packer(unit.target).container(unit.target)
    text = _base(container, unit)
    python = runtime(unit.target).python
    found = {each.machine: bases.find(text, each.machine, python) for each in layout.read(image)}
    layout.write([config.compose(found[each.machine], each) for each in layout.read(image)], into)
    return into, [base.note for base in found.values() if base.note]


def _base(container: Container | None, unit: Unit) -> str:
    if container and container.base:
        return container.base
    said = f"{unit.primary.qualname} on {unit.target.platform} has no image to stand on"
    raise ConfigError(said, where=str(unit.target.place), hint='name one: base = "..." in [tool.hyfn.build], or --base')
