"""Each artifact's description as its platform's tools take it, as bytes."""

from __future__ import annotations

import json
from dataclasses import replace

from hyfn.model import FunctionSpec, Project
from hyfn.pack import naming
from hyfn.pack.units import Unit
from hyfn.project import reading
from hyfn.project.platforms import packer

NOWHERE = "hyfn.invalid"
"""The registry of an image that was not pushed. No such host can exist (RFC 2606, section 2), so that a cluster that is
handed such a manifest says so, and never runs what a stranger has put under that name."""
MAX_REPOSITORY = 63
"""Of the part of a repository's name that says which function it is: no registry has a limit below 128."""


def of(project: Project, unit: Unit, image: str = "") -> bytes:
    """JSON with its keys sorted; b"" where the platform needs no manifest.

    `image` is where the unit's image is, by digest; without it stands there what a push would call it, in no registry.
    """
    is_image = packer(unit.target).container(unit.target) is not None
    named = (image or unpushed(project, unit)) if is_image else ""
    name = packer(unit.target).platform_name(project.app, reading.stage(project), unit.primary, unit.target)
    document = packer(unit.target).manifest(woken(unit), unit.target, name, named)
    if document is None:
        return b""
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def woken(unit: Unit) -> FunctionSpec:
    """The function that the artifact is named for, with the triggers of all that are in it."""
    triggers = [trigger for function in unit.functions for trigger in function.triggers]
    return replace(unit.primary, triggers=triggers)


def unpushed(project: Project, unit: Unit) -> str:
    return f"{NOWHERE}/{repository(project, unit)}"


def repository(project: Project, unit: Unit) -> str:
    """What the unit's image is called below whatever registry, with its tag."""
    name = naming.derived(project.app, reading.stage(project), unit.primary.name, MAX_REPOSITORY)
    return f"{name}:{unit.target.platform}"
