"""A project's functions, each up in its vendor's runtime on this machine, wired to one another."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hyfn import clouds, project
from hyfn.cloud import Emulator, Running
from hyfn.errors import HyfnError
from hyfn.model import Artifact, Project, Target
from hyfn.project import Built, Unit
from hyfn.trust.edges import LAPTOP, Edges
from hyfn.wire.carrier import Endpoint

Report = Callable[[str], None]

DOOR = "dev@local"
"""The party that the JSON door of `hyfn dev` is."""
STAGE = "dev"


def emulator(target: Target) -> Emulator:
    """How `target`'s platform runs on this machine. Raises MachineError where it does not."""
    found: Emulator = clouds.get(target.cloud, "emulate").emulator
    return found


class Application:
    """Everything between `start` and `stop`. Use it as a context manager: leaving it ends every process."""

    def __init__(self, source: Project, report: Report, only: Sequence[str] | None = None) -> None:
        """`only` names identities: the functions to start, with all that they may call."""
        self.project = source
        self._report = report
        self._units = [unit for unit in project.units(source) if _wanted(source, unit, only)]
        self._secret = secrets.token_bytes(32)
        self._folder = Path(tempfile.mkdtemp(prefix="hyfn-run-"))
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="hyfn-start")
        self._pythons: dict[str, str] = {}
        self._digests: dict[str, str] = {}
        self._artifacts: dict[str, Artifact] = {}
        self._wired: dict[str, dict[str, Any]] = {}
        self.running: dict[str, Running] = {}
        """By party: "app:ocr@aws"."""

    def __enter__(self) -> Application:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Build, start and wire every function. Runtimes' environments are made while the build runs."""
        targets = {unit.target.platform + str(unit.target.options.get("runtime")): unit.target for unit in self._units}
        chosen = self._choose_pythons(self._units)
        preparing = [
            self._pool.submit(emulator(target).prepare, _on(target, chosen.get(target.platform)), self._report)
            for target in targets.values()
        ]
        built = self._build(self.project, self._units, self._folder / "build")
        for job in preparing:
            job.result()
        self._digests = {_party(artifact): artifact.digest for artifact in built.artifacts}
        self._start_all(built.artifacts, built.units, {})
        self._wire()

    def _build(self, source: Project, units: Sequence[Unit], out: Path) -> Built:
        chosen = self._choose_pythons(units)
        return project.build(
            source,
            out,
            self._report,
            pythons_by_party={unit.party: chosen[unit.target.platform] for unit in units},
            only=[unit.party for unit in units],
            is_for_here=True,
        )

    def stop(self) -> None:
        """End every process and remove every file. Safe to repeat."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(lambda running: running.stop(), self.running.values()))
        self.running.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def reload(self, changed: Project | HyfnError) -> bool:
        """Build the changed project, and start anew what differs. False where it cannot be built: the old goes on."""
        if isinstance(changed, HyfnError):
            self._report(f"not rebuilt: {changed}")
            return False
        try:
            units = project.units(changed)
            built = self._build(changed, units, self._folder / "rebuild")
        except HyfnError as error:
            self._report(f"not rebuilt: {error}")
            return False
        before = self._digests
        self.project, self._units = changed, units
        parties = {unit.party for unit in units}
        for party in [party for party in self.running if party not in parties]:
            self.running.pop(party).stop()
        different = [artifact for artifact in built.artifacts if before.get(_party(artifact)) != artifact.digest]
        self._restart(different, built.units)
        self._digests = {_party(artifact): artifact.digest for artifact in built.artifacts}
        return bool(different) or parties != before.keys()

    def _restart(self, artifacts: Sequence[Artifact], units: Mapping[str, Unit]) -> None:
        """On their old ports, so that what did not change keeps its wiring; all of it where the edges changed."""
        ports = {party: urlsplit(running.endpoint.url).port or 0 for party, running in self.running.items()}
        for artifact in artifacts:
            if (old := self.running.pop(_party(artifact), None)) is not None:
                old.stop()
        self._start_all(artifacts, units, ports)
        for party in self._wire() - {_party(artifact) for artifact in artifacts}:
            self._report(f"{party} has new edges: starting it anew")
            self.running.pop(party).stop()
            artifact = self._artifacts[party]
            self._start_all([artifact], units, ports)

    def laptop(self) -> dict[str, str]:
        """The environment of a script that may call every function."""
        return {"HYFN_WIRING": str(self._wiring_file(LAPTOP)), "HYFN_STAGE": STAGE}

    def door_wiring(self) -> dict[str, Any]:
        """The wiring of the JSON door."""
        return self._edges().wiring(DOOR, [], self._endpoints(), is_json=[DOOR])

    def _choose_pythons(self, units: Sequence[Unit]) -> dict[str, str]:
        """The Python that each platform will run here, and a plain word where it is not the target's own."""
        chosen = self._pythons
        for unit in units:
            platform = unit.target.platform
            if platform in chosen:
                continue
            wanted = project.packer(unit.target).runtime(unit.target).python
            chosen[platform] = emulator(unit.target).python(unit.target)
            if chosen[platform] != wanted:
                self._report(
                    f"{platform}: CPython {wanted} is not on this machine; running on {chosen[platform]},"
                    " the nearest that its runtime accepts"
                )
        return chosen

    def _start_all(self, artifacts: Sequence[Artifact], units: Mapping[str, Unit], ports: Mapping[str, int]) -> None:
        def start(artifact: Artifact) -> None:
            party = _party(artifact)
            self._artifacts[party] = artifact
            self.running[party] = self._start_one(artifact, units[party], ports.get(party, 0))
            self._report(f"started {artifact.short} in {self.running[party].runtime}")

        jobs = [self._pool.submit(start, artifact) for artifact in artifacts]
        for job in jobs:
            job.exception()
        for job in jobs:
            job.result()

    def _start_one(self, artifact: Artifact, unit: Unit, port: int) -> Running:
        (self._folder / "functions").mkdir(exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f"{artifact.short}@{artifact.platform}-", dir=self._folder / "functions"))
        project.packer(unit.target).unpack(artifact.path, place / "artifact")
        env = {"HYFN_WIRING": str(self._wiring_file(unit.party)), "HYFN_STAGE": STAGE}
        return emulator(unit.target).start(artifact, place / "artifact", env, place / "log", port)

    def _wire(self) -> set[str]:
        """Write each party's wiring, nobody's with another's keys. The parties whose wiring is not what it was."""
        edges, endpoints = self._edges(), self._endpoints()
        (self._folder / "wiring").mkdir(mode=0o700, exist_ok=True)
        documents = {
            unit.party: edges.wiring(unit.party, [f.name for f in unit.functions], endpoints, is_json=[DOOR])
            for unit in self._units
        }
        before, self._wired = self._wired, documents
        for party, document in documents.items():
            self._write_wiring(party, document)
        self._write_wiring(LAPTOP, edges.wiring(LAPTOP, [], endpoints))
        return {party for party, document in documents.items() if party in before and before[party] != document}

    def _edges(self) -> Edges:
        parties = {(f.name, unit.target.platform): unit.party for unit in self._units for f in unit.functions}
        return Edges(self.project.app, STAGE, self._secret, self.project.functions, parties)

    def _endpoints(self) -> dict[tuple[str, str], Endpoint]:
        return {
            (function.name, unit.target.platform): self.running[unit.party].endpoint
            for unit in self._units
            for function in unit.functions
            if unit.party in self.running
        }

    def _wiring_file(self, party: str) -> Path:
        return self._folder / "wiring" / f"{party.replace(':', '.')}.json"

    def _write_wiring(self, party: str, document: Mapping[str, Any]) -> None:
        path = self._wiring_file(party)
        descriptor = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(document, file)
        path.with_suffix(".new").replace(path)


def _party(artifact: Artifact) -> str:
    return f"{artifact.function}@{artifact.platform}"


def _on(target: Target, python: str | None) -> Target:
    return replace(target, options={**target.options, "python": python}) if python else target


def _wanted(source: Project, unit: Unit, only: Sequence[str] | None) -> bool:
    if only is None:
        return True
    calls = {function.name: function.calls for function in source.functions}
    reached: set[str] = set()
    waiting = list(only)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(calls[name])
    return any(function.name in reached for function in unit.functions)
