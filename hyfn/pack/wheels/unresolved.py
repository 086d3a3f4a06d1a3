"""Why uv found no versions, said in one line about the requirement that is to blame."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hyfn.errors import BuildError
from hyfn.model import Place, Runtime
from hyfn.pack.wheels import compatible, resolve, sources
from hyfn.pack.wheels.resolve import Question
from hyfn.toolchain import uv

log = logging.getLogger(__name__)

UNKNOWN = re.compile(r"([\w.\[\]-]+) was not found in the (?:package registry|provided package locations)")
NO_VERSION = re.compile(
    r"there is no version of|only (\S+) is available|only the following versions of \S+ are available"
)
NO_WHEEL = re.compile(r"no (?:usable wheels|wheels with a matching)")
PLATFORMS = re.compile(r"on the following platforms?: (.+)")

OTHER_PYTHONS = ("3.14", "3.13", "3.12", "3.11", "3.10")
OTHER_MACHINE = {"x86_64": "aarch64", "aarch64": "x86_64"}


@dataclass(frozen=True, slots=True)
class Blame:
    """What is wrong with one declared requirement on a runtime. `is_wheelless`: it exists, but has no wheel there."""

    requirement: Requirement
    error: BuildError
    is_wheelless: bool


def explain(
    requirements: Sequence[Requirement],
    places: Mapping[str, Place | None],
    question: Question,
    failure: uv.UvError,
) -> list[Blame]:
    """One Blame for each of `requirements` that fails by itself. Raises BuildError where they only fail together.

    `question` is what failed; `places` are by str(requirement). Asks uv again, once for each requirement and for each
    other target that the hint may name.
    """
    log.debug("%s", failure.output)
    found = blames(requirements, places, question)
    if not found:
        target = compatible.describe(question.runtime)
        raise BuildError(
            f"the dependencies contradict each other on {target}: {_premises(failure.output)}",
            where=_where(next((places.get(str(one)) for one in requirements), None)),
        )
    return found


def blames(requirements: Sequence[Requirement], places: Mapping[str, Place | None], question: Question) -> list[Blame]:
    """As `explain`, and none where each of them can be had by itself."""
    return [blame for requirement in requirements for blame in _alone(requirement, places, question)]


def elsewhere(
    requirement: Requirement | str, runtime: Runtime, root: Path, table: Mapping[str, Any] | None = None
) -> str:
    """Where there is a wheel of `requirement`, which has none for `runtime`: other Pythons, another machine, or the
    platforms of its wheels. A hint, for whoever must do without. `table` is the project's [tool.uv].

    Asks uv once for each of them; MachineError where the index cannot be reached.
    """
    wanted, table = str(requirement), table or {}
    platforms = PLATFORMS.search(resolve.refusal(wanted, runtime, root, table))
    if platforms and "linux" not in platforms[1]:
        return _for_platforms(platforms[1])
    others = [replace(runtime, python=python) for python in OTHER_PYTHONS if python != runtime.python]
    fitting = [other.python for other in others if not resolve.refusal(wanted, other, root, table)]
    if fitting:
        return f"it has wheels for CPython {', '.join(fitting)}: set the target's python="
    turned = replace(runtime, machine=OTHER_MACHINE.get(runtime.machine, runtime.machine))
    if not resolve.refusal(wanted, turned, root, table):
        return f"it has wheels for {turned.machine}"
    if platforms:
        return _for_platforms(platforms[1])
    return "it comes only as source; build a wheel of it and name that with [tool.uv] find-links"


def _for_platforms(listed: str) -> str:
    return f"its wheels are for {listed.replace('`', '')}"


def _alone(requirement: Requirement, places: Mapping[str, Place | None], question: Question) -> list[Blame]:
    try:
        resolve.resolve(replace(question, requirements=[str(requirement)]))
    except uv.UvError as failure:
        message, hint, is_wheelless = _say(requirement, failure.output, question)
        error = BuildError(message, where=_where(places.get(str(requirement))), hint=hint)
        error.add_note(failure.output)
        return [Blame(requirement, error, is_wheelless)]
    return []


def _say(requirement: Requirement, output: str, question: Question) -> tuple[str, str | None, bool]:
    flat = " ".join(output.split())
    unknown = UNKNOWN.search(flat)
    if unknown:
        return f"{_subject(unknown[1], requirement)} is not in the package index", "is the name right?", False
    if NO_WHEEL.search(flat):
        culprit = _wheelless(requirement, flat)
        message = f"{_subject(culprit, requirement)} has no wheel for {compatible.describe(question.runtime)}"
        alone = _asked_alone(culprit, requirement)
        return message, elsewhere(alone, question.runtime, question.root, question.uv), True
    only = NO_VERSION.search(flat)
    if only:
        return f"no version of {requirement} exists", f"there is {only[1]}" if only[1] else None, False
    return f"{requirement} cannot be resolved: {uv.reason(output)}", None, False


def _premises(output: str) -> str:
    """What uv's conclusion rests on: "all versions of a depend on b>=2; the project depends on b<2"."""
    flat = " ".join(output.partition("cause:")[2].partition("hint:")[0].split()) or uv.reason(output)
    steps = [step.split(", we can conclude")[0] for step in re.split(r"\. And because ", flat)]
    return "; ".join(steps).removeprefix("Because ").replace(sources.NAME, "the project")


def _subject(culprit: str, requirement: Requirement) -> str:
    if canonicalize_name(culprit.split("[")[0]) == canonicalize_name(requirement.name):
        return str(requirement)
    return f"{culprit}, which {requirement} needs,"


def _wheelless(requirement: Requirement, flat: str) -> str:
    own = canonicalize_name(requirement.name)
    others = [name for name in resolve.wheelless(flat) if canonicalize_name(name) != own]
    return others[0] if others else requirement.name


def _asked_alone(culprit: str, requirement: Requirement) -> Requirement:
    # Of a dependency of the declared one only the name is known; to try the declared one's every version is slow.
    return requirement if canonicalize_name(culprit) == canonicalize_name(requirement.name) else Requirement(culprit)


def _where(place: Place | None) -> str | None:
    return str(place) if place else None
