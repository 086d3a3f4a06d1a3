"""Putting the images of a finished build into a registry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hyfn.errors import ConfigError
from hyfn.model import Project
from hyfn.pack import delivery, previous
from hyfn.pack.image import config, layout
from hyfn.pack.image import push as pushing
from hyfn.pack.image.push import Pushed
from hyfn.pack.image.reference import Reference
from hyfn.pack.units import Unit, units
from hyfn.pack.wheels.fetch import Watch
from hyfn.project import manifests, standing
from hyfn.project.building import Report
from hyfn.project.platforms import runtimes
from hyfn.toolchain import cache, scratch


@dataclass(frozen=True, slots=True)
class Sent:
    """One image in a registry: `name` is its artifact's ("greet on knative"), `notes` are about its base."""

    name: str
    pushed: Pushed
    notes: Sequence[str]

    @property
    def pinned(self) -> str:
        """Its reference by digest alone: not every tool takes a tag with it."""
        return str(replace(self.pushed.reference, tag=""))


@dataclass(frozen=True, slots=True)
class _Whole:
    """An image that stands on its base, and what it is to be called. `artifact` is where the build has it."""

    unit: Unit
    artifact: Path
    layout: Path
    reference: Reference
    notes: Sequence[str]


def push(project: Project, made: Path, registry: str, report: Report, watch: Watch) -> list[Sent]:
    """Put each image of the build in `made` below `registry` ("localhost:5000/acme"). Each function has a repository
    of its own, in which the platform is the tag. Manifests then name it by its digest, until its artifact changes.

    One that stands on no base yet gets its platform's own. Safe to repeat: what is there is not sent again. ConfigError
    where the build has no image, or one has no base to stand on: then nothing is sent.
    """
    found = _images(project, made)
    with cache.in_use(), scratch.folder("hyfn-push-") as folder:
        wholes = [
            _whole(project, unit, image, registry, folder / str(number)) for number, (unit, image) in enumerate(found)
        ]
        return [_sent(project, made, one, report, watch) for one in wholes]


def _images(project: Project, made: Path) -> list[tuple[Unit, Path]]:
    artifacts: list[dict[str, Any]] = json.loads((made / delivery.MANIFEST).read_text())["artifacts"]
    images = {(each["id"], each["cloud"]): made / each["path"] for each in artifacts if each["kind"] == "image"}
    if not images:
        raise ConfigError("no function here becomes an image", hint="nothing is to be pushed: leave --push out")
    keys = [(unit, (unit.primary.name, unit.target.platform)) for unit in units(project)]
    return [(unit, images[key]) for unit, key in keys if key in images]


def _whole(project: Project, unit: Unit, image: Path, registry: str, into: Path) -> _Whole:
    """The image on its base: as it is, or put on the platform's own in `into`."""
    reference = Reference.parse(f"{registry.rstrip('/')}/{manifests.repository(project, unit)}")
    if layout.has_base(image):
        return _Whole(unit, image, image, reference, [])
    found = standing.found(standing.own(unit), unit, runtimes(unit.target, is_for_here=False))
    layout.write([config.compose(found[each.machine], each) for each in layout.read(image)], into)
    return _Whole(unit, image, into, reference, [base.note for base in found.values() if base.note])


def _sent(project: Project, made: Path, whole: _Whole, report: Report, watch: Watch) -> Sent:
    report(f"pushing {standing.who(whole.unit)}")
    sent = Sent(standing.who(whole.unit), pushing.push(whole.layout, whole.reference, watch), whole.notes)
    if manifest := manifests.of(project, whole.unit, sent.pinned):
        artifact = whole.artifact.relative_to(made).as_posix()
        previous.rewrite(made, artifact, delivery.manifest(artifact), manifest)
    return sent
