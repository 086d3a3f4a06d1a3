"""What a runtime needs of a project's declared dependencies, and whether what is locked still answers that."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from hyfn.errors import BuildError
from hyfn.model import Project, Runtime, Wheel
from hyfn.pack.wheels import compatible, declared, sources
from hyfn.pack.wheels.lock import NAME, Lack, Locked

OWN = ("msgpack>=1.1",)
"""What hyfn itself needs inside every artifact."""
LEADING_NAME = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Lacking:
    """A declared requirement that a runtime cannot have: to be raised where something imports it."""

    requirement: Requirement
    error: BuildError


@dataclass(frozen=True, slots=True)
class Chosen:
    """The declared requirements that hold on a runtime, the `wheels` of all that they need in the order of names, and
    those that are declared but cannot be had there: they matter only to who imports them."""

    requirements: Sequence[Requirement]
    lacking: Sequence[Lacking]
    wheels: Sequence[Wheel]


@dataclass(frozen=True, slots=True)
class Need:
    """The declared requirements whose marker holds on `runtime`, without those that no lock can hold (`lacking`).

    `files` are the archives on this machine that they refer to, by the distribution's name. `own` is what hyfn needs
    there itself, and what serves functions.
    """

    runtime: Runtime
    requirements: Sequence[Requirement]
    lacking: Sequence[Lacking]
    files: Mapping[str, Path]
    own: Sequence[str] = OWN

    @property
    def texts(self) -> list[str]:
        """All of them, and what hyfn needs, in normal form."""
        everything = [*self.requirements, *(one.requirement for one in self.lacking)]
        return sorted({*self.own, *map(declared.normal, everything)})


def of(project: Project, runtime: Runtime, serving: Sequence[str] = ()) -> Need:
    """`serving` are requirements of what serves functions. BuildError for a dependency that is no requirement."""
    holding = [one for one in declared.parse(project) if compatible.applies(one, runtime)]
    unfit = {str(one): why for one in holding if (why := sources.unfit(one, project.uv, runtime, project.root))}
    return Need(
        runtime,
        [one for one in holding if str(one) not in unfit],
        [_unfit(one, unfit[str(one)], project) for one in holding if str(one) in unfit],
        sources.local_files(holding, project.uv, runtime, project.root),
        (*OWN, *(declared.normal(Requirement(text)) for text in serving)),
    )


def _unfit(requirement: Requirement, why: str, project: Project) -> Lacking:
    hint = f'build a wheel of it (uv build --wheel), then: [tool.uv.sources] {requirement.name} = {{ path = "….whl" }}'
    return _lacking(requirement, f"{requirement.name} comes from {why}: {NAME} cannot hold it", hint, project)


def _lacking(requirement: Requirement, message: str, hint: str | None, project: Project) -> Lacking:
    place = declared.place_of(requirement, project)
    return Lacking(requirement, BuildError(message, where=str(place) if place else None, hint=hint))


def answered(need: Need, locked: Locked, project: Project) -> Chosen:
    """What is locked for `need`, which it must still answer."""
    lacks = {lack.requirement: lack for lack in locked.lacking}
    found = [(one, lacks.get(declared.normal(one))) for one in need.requirements]
    return Chosen(
        [one for one, lack in found if lack is None],
        [*need.lacking, *(_lacking(one, lack.message, lack.hint, project) for one, lack in found if lack)],
        locked.wheels,
    )


def lack(lacking: Lacking) -> Lack:
    """As the lock keeps it."""
    return Lack(declared.normal(lacking.requirement), lacking.error.message, lacking.error.hint)


def unanswered(need: Need, locked: Locked, bounds: Mapping[str, str]) -> Iterator[str]:
    """Why what is locked no longer answers `need`, each reason in words. `bounds` are the versions in uv.lock."""
    yield from _differences(need.texts, locked.requires)
    wheels = {wheel.name: wheel for wheel in locked.wheels}
    spared = {lack.requirement for lack in locked.lacking} | {declared.normal(one.requirement) for one in need.lacking}
    for text in locked.requires:
        name = _name(text)
        if name not in wheels and text not in spared:
            yield f"{text} has no file"
    for name, file in need.files.items():
        if name in wheels and wheels[name].sha256 != hashlib.sha256(file.read_bytes()).hexdigest():
            yield f"{file.name} has changed"
    for name, version in bounds.items():
        if name in wheels and wheels[name].version != version:
            yield f"uv.lock has {name} {version}"


def _differences(now: Sequence[str], then: Sequence[str]) -> Iterator[str]:
    added, removed = sorted({*now} - {*then}), sorted({*then} - {*now})
    for text in added:
        before = [one for one in removed if _name(one) == _name(text)]
        yield f"{before[0]} became {text}" if before else f"{text} was added"
    names = {_name(text) for text in added}
    yield from (f"{text} was removed" for text in removed if _name(text) not in names)


def _name(text: str) -> str:
    found = LEADING_NAME.match(text)
    return found[0] if found else text
