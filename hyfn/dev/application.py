"""A project's functions, each up in its vendor's runtime on this machine, wired to one another."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hyfn import clouds, project
from hyfn.cloud import Emulator, Running
from hyfn.dev import blame, emitting
from hyfn.dev.logs import Logs, Say
from hyfn.dev.occurring import Occurred
from hyfn.dev.wires import Wires
from hyfn.errors import HyfnError, MachineError
from hyfn.model import Artifact, Project, Target
from hyfn.project import Built, Unit, Wishes
from hyfn.toolchain import scratch
from hyfn.toolchain.workers import Workers

Report = Callable[[str], None]

AT_ONCE = 8
"""Runtimes that start or stop at the same time."""


def emulator(target: Target) -> Emulator:
    """How `target`'s platform runs on this machine. Raises MachineError where it does not."""
    try:
        found: Emulator = clouds.get(target.cloud, "emulate").emulator
    except ModuleNotFoundError as error:
        raise MachineError(f"nothing here runs what is for {target.platform}: {error}") from error
    return found


@dataclass(frozen=True, slots=True)
class Up:
    """An artifact that runs. `place` holds what was unpacked, with its import `roots`, and the log."""

    artifact: Artifact
    unit: Unit
    place: Path
    roots: Sequence[Path]
    running: Running

    @property
    def label(self) -> str:
        """As a person is told of it: "ocr@aws"."""
        return f"{self.artifact.short}@{self.artifact.platform}"

    @property
    def log(self) -> Path:
        return self.place / "log"


class Application:
    """Use it as a context manager: inside, every function can be called; leaving it ends every process."""

    def __init__(
        self,
        source: Project,
        report: Report,
        only: Sequence[str] | None = None,
        note: Report | None = None,
        say: Say | None = None,
    ) -> None:
        """`only` names identities: the functions to start, with all that they may call. `report` hears of each step,
        `note` of what takes long or is not as it was asked for, `say` what functions print."""
        self.project = source
        self._units = _wanted(source, only)
        self._report = report
        self._note = note or report
        self._noted: set[str] = set()
        self._workers = Workers(AT_ONCE, "hyfn-start")
        self._up: dict[str, Up] = {}
        self._logs = Logs(lambda: {up.label: up.log for up in list(self._up.values())}, say) if say else None
        self.data_folders: frozenset[Path] = frozenset()
        """Where the files stand that travel beside modules."""

    @property
    def running(self) -> Mapping[str, Running]:
        """By party: "app:ocr@aws"."""
        return {party: up.running for party, up in self._up.items()}

    def __enter__(self) -> Application:
        with ExitStack() as stack:
            self._folder = stack.enter_context(scratch.folder("hyfn-run-"))
            self._wires = Wires(self._folder / "wiring")
            stack.callback(self._stop_all)
            if self._logs:
                stack.enter_context(self._logs)
            stack.enter_context(self._workers)
            self._start()
            self._end = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    def laptop(self) -> dict[str, str]:
        """The environment of a script that may call every function."""
        return self._wires.laptop()

    def door_wiring(self) -> dict[str, Any]:
        """The wiring of the JSON door."""
        return self._wires.door

    def emit(self, what: Occurred) -> list[dict[str, Any]]:
        """Deliver an event to every artifact that waits for it: its party, the ids delivered, and those that failed.

        Raises a CallError where none waits for it, or a runtime does not answer.
        """
        emitted = emitting.emit(what, {party: (up.unit, up.running) for party, up in self._up.items()})
        return [asdict(each) for each in emitted]

    def reload(self, changed: Project) -> bool:
        """Build the changed project and start anew what differs. Whether anything does.

        Raises HyfnError where it cannot be built or does not start: then what ran before goes on.
        """
        units = project.units(changed)
        built = self._build(changed, units, self._folder / "rebuild")
        different = [artifact for artifact in built.artifacts if not self._runs(artifact)]
        replaced = self._replace(different, built.units)
        gone = [self._up.pop(party) for party in self._up.keys() - {unit.party for unit in units}]
        self.project, self._units = changed, units
        self._rewire({_party(artifact) for artifact in different})
        self._stop([*gone, *replaced])
        return bool(different or gone)

    def _start(self) -> None:
        """Runtimes' environments are made while the build runs."""
        built = self._build(self.project, self._units, self._folder / "build")
        self._start_all([(artifact, built.units[_party(artifact)], 0) for artifact in built.artifacts])
        self._wire()

    def _build(self, source: Project, units: Sequence[Unit], out: Path) -> Built:
        chosen = {unit.party: self._python(unit.target) for unit in units}
        targets = {unit.party: _on(unit.target, chosen[unit.party]) for unit in units}
        distinct = {
            (target.platform, str(target.options.get("runtime")), chosen[party]): target
            for party, target in targets.items()
        }
        preparing = [self._workers.submit(emulator(target).prepare, target, self._note) for target in distinct.values()]
        built = project.build(
            source,
            out,
            self._report,
            Wishes(chosen, list(chosen), is_for_here=True),
        )
        for job in preparing:
            job.result()
        self.data_folders = frozenset(_data_folders(built))
        return built

    def _python(self, target: Target) -> str:
        """The Python that will run it here, and a plain word where that is not the target's own."""
        wanted = project.runtime(target).python
        chosen = emulator(target).python(target)
        if chosen != wanted:
            self._note_once(
                f"{target.platform}: CPython {wanted} is not on this machine; running on {chosen}, the nearest that its"
                " runtime accepts"
            )
        return chosen

    def _note_once(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self._note(text)

    def _runs(self, artifact: Artifact) -> bool:
        up = self._up.get(_party(artifact))
        return up is not None and (up.artifact.digest, up.artifact.options) == (artifact.digest, artifact.options)

    def _start_all(self, wanted: Sequence[tuple[Artifact, Unit, int]]) -> None:
        _all([self._workers.submit(self._start_new, *each) for each in wanted])

    def _start_new(self, artifact: Artifact, unit: Unit, port: int) -> None:
        (self._folder / "functions").mkdir(exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f"{artifact.short}@{artifact.platform}-", dir=self._folder / "functions"))
        roots = project.unpack(artifact, place / "artifact")
        self._start_at(artifact, unit, place, roots, port)

    def _start_at(self, artifact: Artifact, unit: Unit, place: Path, roots: Sequence[Path], port: int) -> None:
        env, log = self._wires.env(unit.party), place / "log"
        try:
            running = emulator(unit.target).start(artifact, place / "artifact", env, log, port)
        except HyfnError as error:
            said = log.read_text(errors="replace") if log.exists() else ""
            raise blame.read(error, said, roots, f"{artifact.short} for {artifact.platform}") from error
        self._up[unit.party] = Up(artifact, unit, place, roots, running)
        self._report(f"started {artifact.short} in {running.runtime}")

    def _replace(self, artifacts: Sequence[Artifact], units: Mapping[str, Unit]) -> list[Up]:
        """Start them on the ports of their predecessors, so that callers keep their wiring. The predecessors.

        Raises HyfnError where one does not start; then the predecessors are up again.
        """
        parties = [_party(artifact) for artifact in artifacts]
        before = [self._up.pop(party) for party in parties if party in self._up]
        for up in before:
            up.running.stop()
        ports = {up.unit.party: _port(up) for up in before}
        try:
            self._start_all([(each, units[_party(each)], ports.get(_party(each), 0)) for each in artifacts])
        except HyfnError:
            self._stop([self._up.pop(party) for party in parties if party in self._up])
            self._again(before)
            raise
        return before

    def _rewire(self, fresh: set[str]) -> None:
        """Those who run, and whose edges are not what they were, start anew."""
        outdated = [self._up[party] for party in self._wire() - fresh]
        for up in outdated:
            self._report(f"{up.artifact.short} has other edges: starting it anew")
            up.running.stop()
        self._again(outdated)

    def _again(self, stopped: Sequence[Up]) -> None:
        _all(
            [
                self._workers.submit(self._start_at, up.artifact, up.unit, up.place, up.roots, _port(up))
                for up in stopped
            ]
        )

    def _wire(self) -> set[str]:
        return self._wires.write(
            self.project, self._units, {party: up.running.endpoint for party, up in self._up.items()}
        )

    def _stop_all(self) -> None:
        self._stop(list(self._up.values()))
        self._up.clear()

    def _stop(self, stopping: Sequence[Up]) -> None:
        with Workers(AT_ONCE, "hyfn-stop") as workers:
            _all([workers.submit(self._stop_one, up) for up in stopping])

    def _stop_one(self, up: Up) -> None:
        up.running.stop()
        if self._logs:
            self._logs.look(up.label, up.log, is_last=True)
        shutil.rmtree(up.place, ignore_errors=True)


def _all(jobs: Sequence[Future[None]]) -> None:
    """Wait for every one, then raise what the first that failed raised."""
    for job in jobs:
        job.exception()
    for job in jobs:
        job.result()


def _data_folders(built: Built) -> Iterator[Path]:
    for artifact in built.artifacts:
        kept = artifact.path.with_suffix(".src")
        for file in kept.rglob("*"):
            if file.is_file() and file.suffix != ".py":
                yield built.project.source_root / file.parent.relative_to(kept)


def _port(up: Up) -> int:
    return urlsplit(up.running.endpoint.url).port or 0


def _party(artifact: Artifact) -> str:
    return f"{artifact.function}@{artifact.platform}"


def _on(target: Target, python: str) -> Target:
    return replace(target, options={**target.options, "python": python})


def _wanted(source: Project, only: Sequence[str] | None) -> list[Unit]:
    """The units that hold one of the functions, or what they may call. All of them for None."""
    if only is None:
        return project.units(source)
    calls = {function.name: function.calls for function in source.functions}
    reached: set[str] = set()
    waiting = list(only)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(calls[name])
    return [unit for unit in project.units(source) if any(each.name in reached for each in unit.functions)]
