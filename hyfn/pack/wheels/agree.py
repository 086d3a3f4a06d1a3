"""Choose for the runtimes that no lock answers, so that they get the same versions wherever those exist for each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hyfn.errors import BuildError, HyfnError, ProjectErrors, raise_all
from hyfn.model import Place, Project, Runtime, Wheel
from hyfn.pack.wheels import compatible, declared, lock, unresolved
from hyfn.pack.wheels.lock import Lock
from hyfn.pack.wheels.needs import Chosen, Lacking, Need
from hyfn.pack.wheels.resolve import Question, resolve, wheelless
from hyfn.toolchain import uv
from hyfn.toolchain.workers import Workers

AT_ONCE = 4
"""Runs of uv; each has threads of its own."""

Versions = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Picked:
    """`direct` are the names of the wheels whose URL is the project's own word."""

    chosen: Chosen
    direct: Collection[str]


@dataclass(frozen=True, slots=True)
class Choosing:
    """What is the same for all runtimes. `bounds` are versions that must be, by name; `upgrade` names what is not to
    stay as it is in `before`, [] all of it, None nothing."""

    project: Project
    before: Lock
    bounds: Mapping[str, str]
    upgrade: Sequence[str] | None
    report: Callable[[str], None]


def pick(choosing: Choosing, needs: Sequence[Need]) -> dict[Runtime, Picked]:
    """For each of `needs` its runtime's. The first is chosen alone, the others at once, each with a mind to the first.

    Raises BuildError, with the place of the declaration, for what cannot be had at all, and for a file that is not
    what it was when it was locked; MachineError without an index.
    """
    if not needs:
        return {}
    first = _pick(choosing, needs[0], [])
    model = [(wheel.name, wheel.version) for wheel in first.chosen.wheels]
    with Workers(AT_ONCE) as workers:
        others = _results([workers.submit(_pick, choosing, need, model) for need in needs[1:]])
    picked = {need.runtime: one for need, one in zip(needs, [first, *others], strict=True)}
    _refuse_changed(choosing, picked.values())
    return picked


def _pick(choosing: Choosing, need: Need, model: Versions) -> Picked:
    choosing.report(f"choosing the wheels for {compatible.describe(need.runtime)}")
    question = _question(choosing, need, model)
    without: list[Lacking] = []
    rest = list(need.requirements)
    while True:
        try:
            answer = resolve(replace(question, requirements=_texts(rest, need)))
            break
        except uv.UvError as failure:
            without += _without(choosing.project, rest, question, failure)
            gone = [lacking.requirement for lacking in without]
            rest = [one for one in need.requirements if one not in gone]
    return Picked(Chosen(rest, [*need.lacking, *without], answer.wheels), answer.direct)


def _question(choosing: Choosing, need: Need, model: Versions) -> Question:
    project, before = choosing.project, choosing.before
    own = before.targets.get(need.runtime)
    others = [before.targets[one].wheels for one in sorted(before.targets, key=lock.order) if one != need.runtime]
    staying = [wheel for wheel in (own.wheels if own else ()) if _stays(wheel, choosing.upgrade)]
    beside = [wheel for wheels in others for wheel in wheels if _stays(wheel, choosing.upgrade)]
    preferences = [*_versions(staying), *model, *_versions(beside)]
    return Question(
        _texts(need.requirements, need),
        need.runtime,
        project.root,
        [f"{name}=={version}" for name, version in choosing.bounds.items()],
        list(dict.fromkeys(preferences)),
        frozenset(wheel.file for wheel in staying),
        project.uv,
        choosing.upgrade is not None,
    )


def _texts(requirements: Iterable[Requirement], need: Need) -> list[str]:
    return [*map(declared.normal, requirements), *need.own]


def _versions(wheels: Iterable[Wheel]) -> list[tuple[str, str]]:
    return [(wheel.name, wheel.version) for wheel in wheels]


def _stays(wheel: Wheel, upgrade: Sequence[str] | None) -> bool:
    return upgrade is None or (bool(upgrade) and wheel.name not in upgrade)


def _without(project: Project, wanted: Sequence[Requirement], question: Question, failure: uv.UvError) -> list[Lacking]:
    """Those that exist, but not for this runtime: they matter only to who imports them. Raises the others' errors.

    One at least: whoever asks again without them comes to an end.
    """
    named = {canonicalize_name(name) for name in wheelless(failure.output)}
    suspects = [one for one in wanted if canonicalize_name(one.name) in named]
    blames = unresolved.blames(suspects, _places(project, suspects), question)
    if not blames:
        blames = unresolved.explain(wanted, _places(project, wanted), question, failure)
    raise_all([blame.error for blame in blames if not blame.is_wheelless])
    return [Lacking(blame.requirement, blame.error) for blame in blames]


def _places(project: Project, requirements: Iterable[Requirement]) -> dict[str, Place | None]:
    texts = {str(Requirement(text)): text for text in project.dependencies}
    return {str(one): declared.place(texts[str(one)], project) for one in requirements}


def _results(jobs: Sequence[Future[Picked]]) -> list[Picked]:
    """What fails for many runtimes alike is said once."""
    failed = {str(error): error for job in jobs if (error := job.exception()) is not None}
    known = [error for error in failed.values() if isinstance(error, HyfnError)]
    if len(known) == len(failed) > 1:
        raise ProjectErrors(known)
    return [job.result() for job in jobs]


def _refuse_changed(choosing: Choosing, picked: Iterable[Picked]) -> None:
    """A file of a released version never changes: where it does, somebody meddles, or two indexes differ."""
    known = {wheel.file: wheel for locked in choosing.before.targets.values() for wheel in locked.wheels}
    known = {file: wheel for file, wheel in known.items() if _stays(wheel, choosing.upgrade)}
    for wheel in [wheel for one in picked for wheel in one.chosen.wheels if not _is_own(wheel, one)]:
        was = known.setdefault(wheel.file, wheel)
        if was.sha256 != wheel.sha256:
            raise BuildError(
                f"{wheel.file} is not the file that it was: its SHA-256 is {wheel.sha256}, not {was.sha256}",
                hint=f"where that is right: hyfn lock --upgrade {wheel.name}",
            )


def _is_own(wheel: Wheel, picked: Picked) -> bool:
    """Whether it is a file of the project, which may well be built anew."""
    return wheel.name in picked.direct and wheel.url.startswith("file:")
