"""What each runtime of a project gets: by its lock where that holds, else by uv, and then the lock is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from hyfn.errors import ConfigError
from hyfn.model import Project, Runtime, Wheel
from hyfn.pack.wheels import compatible, lock, needs, sources
from hyfn.pack.wheels.lock import Lock, Locked
from hyfn.pack.wheels.needs import OWN as OWN  # who narrows what was chosen adds them too
from hyfn.pack.wheels.needs import Chosen as Chosen
from hyfn.pack.wheels.needs import Lacking as Lacking
from hyfn.pack.wheels.needs import Need

if TYPE_CHECKING:
    from hyfn.pack.wheels.agree import Picked

Report = Callable[[str], None]
Platforms = Mapping[Runtime, Sequence[str]]


@dataclass(frozen=True, slots=True)
class VersionChange:
    """`old` is "" for what was added, `new` for what was removed; they are equal where only the file is another."""

    name: str
    old: str
    new: str
    runtimes: Sequence[Runtime]


@dataclass(frozen=True, slots=True)
class Choice:
    """`changes` are what the lock had otherwise, for `runtimes` all of these; `notes` are worth a line each;
    `unwritten` is the lock where it is to be written."""

    by_runtime: Mapping[Runtime, Chosen]
    notes: Sequence[str] = ()
    changes: Sequence[VersionChange] = ()
    unwritten: Lock | None = None


def choose(
    project: Project,
    runtimes: Platforms,
    report: Report = lambda _: None,
    *,
    upgrade: Sequence[str] | None = None,
    is_locked: bool = False,
    writes: bool = True,
    serving: Mapping[Runtime, Sequence[str]] = {},
) -> Choice:
    """As `prepare`, and the lock is written where it changes, unless not `writes`."""
    choice = prepare(project, runtimes, report, upgrade=upgrade, is_locked=is_locked, writes=writes, serving=serving)
    return replace(choice, notes=[*choice.notes, *keep(project, choice)], unwritten=None)


def keep(project: Project, choice: Choice) -> list[str]:
    """Write the lock, whole or not at all, if it is to be. Nothing, or a word on why that cannot be done."""
    file = lock.path(project)
    try:
        if choice.unwritten:
            lock.write(file, choice.unwritten)
    except OSError as error:
        return [f"{file.name} cannot be written ({error.strerror}): what was chosen holds for this time only"]
    return []


def prepare(
    project: Project,
    runtimes: Platforms,
    report: Report = lambda _: None,
    *,
    upgrade: Sequence[str] | None = None,
    is_locked: bool = False,
    writes: bool = True,
    serving: Mapping[Runtime, Sequence[str]] = {},
) -> Choice:
    """What each of `runtimes`, with the platforms that have it, gets. Where the lock holds nobody is asked.

    `serving` are the requirements of what serves functions there from within.
    What is locked stays as far as it can; `upgrade` names distributions to choose anew, [] all of them. Nothing is
    written: `keep` does that, unless not `writes`. Where it is, `runtimes` must be all of the project's, since others
    leave the lock.
    Raises ConfigError where `is_locked` and the lock would have to change, or where it cannot be read; BuildError for
    requirements that cannot be had; MachineError without an index.
    """
    file = lock.path(project)
    found = lock.read(file)
    before = found or Lock()
    settings, bounds = sources.settings(project), _bounds(project)
    wanted = [needs.of(project, one, serving.get(one, ())) for one in sorted(runtimes, key=lock.order)]
    reasons = {need.runtime: _reasons(need, before, settings, bounds, runtimes) for need in wanted}
    if is_locked:
        _refuse_change(file, found, reasons, _gone(before, runtimes) if writes else [])
    upgrade = None if upgrade is None else _upgraded(upgrade, before, file)
    stale = [need for need in wanted if reasons[need.runtime] or upgrade is not None]
    picked = _picked(project, before, bounds, upgrade, report, stale) if stale else {}
    choice = {need.runtime: _chosen(need, picked, before, project) for need in wanted}
    after = Lock(
        {need.runtime: _locked(need, choice[need.runtime], picked, runtimes) for need in wanted},
        settings,
        before.foreign,
    )
    unwritten = after if writes and found != after and (found or after.targets) else None
    return Choice(choice, list(_notes(choice, picked)), _changes(before, after) if picked else (), unwritten)


def _bounds(project: Project) -> Mapping[str, str]:
    """The versions in the project's uv.lock."""
    file = project.root / (f"{project.script}.lock" if project.script else "uv.lock")
    if not file.exists():
        return {}
    from hyfn.pack.wheels import resolve  # with a lock that holds, uv and all that asks it stay out

    return resolve.locked_versions(file)


def _picked(
    project: Project,
    before: Lock,
    bounds: Mapping[str, str],
    upgrade: Sequence[str] | None,
    report: Report,
    stale: Sequence[Need],
) -> Mapping[Runtime, Picked]:
    from hyfn.pack.wheels import agree

    return agree.pick(agree.Choosing(project, before, bounds, upgrade, report), stale)


def _reasons(need: Need, before: Lock, settings: str, bounds: Mapping[str, str], runtimes: Platforms) -> list[str]:
    """Why the lock does not answer `need`."""
    locked = before.targets.get(need.runtime)
    if locked is None:
        whose = ", ".join(sorted(runtimes[need.runtime]))
        return [f"{compatible.describe(need.runtime)}{f' ({whose})' if whose else ''} is new"]
    changed = ["[tool.uv] changed"] if before.settings != settings else []
    return [*changed, *needs.unanswered(need, locked, bounds)]


def _gone(before: Lock, runtimes: Platforms) -> list[Runtime]:
    return [runtime for runtime in before.targets if runtime not in runtimes]


def _refuse_change(
    file: Path, found: Lock | None, reasons: Mapping[Runtime, Sequence[str]], gone: Sequence[Runtime]
) -> None:
    hint = "run hyfn lock, and commit what it writes"
    if found is None:
        raise ConfigError(f"there is no {file.name}", hint=hint)
    said = dict.fromkeys(reason for many in reasons.values() for reason in many)
    said |= dict.fromkeys(f"{compatible.describe(runtime)} is no longer a target" for runtime in gone)
    if said:
        raise ConfigError(f"{file.name} is out of date: {'; '.join(said)}", hint=hint)


def _upgraded(names: Sequence[str], before: Lock, file: Path) -> list[str]:
    known = {wheel.name for locked in before.targets.values() for wheel in locked.wheels}
    wanted: list[str] = [canonicalize_name(name) for name in names]
    for name in wanted:
        if name not in known:
            raise ConfigError(f"{name} is not in {file.name}", hint="name one that is, or none to upgrade all")
    return wanted


def _chosen(need: Need, picked: Mapping[Runtime, Picked], before: Lock, project: Project) -> Chosen:
    if need.runtime in picked:
        return picked[need.runtime].chosen
    return needs.answered(need, before.targets[need.runtime], project)


def _locked(need: Need, chosen: Chosen, picked: Mapping[Runtime, Picked], runtimes: Platforms) -> Locked:
    wheels = chosen.wheels
    if need.runtime in picked:
        direct = picked[need.runtime].direct
        wheels = [wheel if wheel.name in direct else replace(wheel, url="") for wheel in wheels]
    lacks = [needs.lack(one) for one in chosen.lacking if one not in need.lacking]
    return Locked(sorted(runtimes[need.runtime]), need.texts, wheels, lacks)


def _notes(choice: Mapping[Runtime, Chosen], picked: Iterable[Runtime]) -> Iterator[str]:
    said = [lacking.error for runtime in picked for lacking in choice[runtime].lacking]
    yield from dict.fromkeys(f"{error}; only functions that import it need it" for error in said)
    versions: dict[str, dict[str, list[Runtime]]] = {}
    for runtime, chosen in choice.items() if picked else ():
        for wheel in chosen.wheels:
            versions.setdefault(wheel.name, {}).setdefault(wheel.version, []).append(runtime)
    for name, by_version in sorted(versions.items()):
        if len(by_version) > 1:
            each = (f"{version} on {', '.join(map(_short, where))}" for version, where in sorted(by_version.items()))
            yield f"{name} has not one version for all targets: {'; '.join(each)}"


def _short(runtime: Runtime) -> str:
    return f"CPython {runtime.python} {runtime.machine}"


def _changes(before: Lock, after: Lock) -> list[VersionChange]:
    found: dict[tuple[str, str, str], list[Runtime]] = {}
    for runtime in sorted({*before.targets, *after.targets}, key=lock.order):
        old, new = (_by_name(one.targets.get(runtime)) for one in (before, after))
        for name in sorted({*old, *new}):
            then, now = old.get(name), new.get(name)
            if then is None or now is None or then.sha256 != now.sha256:
                versions = then.version if then else "", now.version if now else ""
                found.setdefault((name, *versions), []).append(runtime)
    return [VersionChange(*key, where) for key, where in sorted(found.items(), key=lambda item: item[0])]


def _by_name(locked: Locked | None) -> dict[str, Wheel]:
    return {wheel.name: wheel for wheel in locked.wheels} if locked else {}
