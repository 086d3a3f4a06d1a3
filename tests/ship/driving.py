"""Driving a ship without a command line: the same journey, in this process or in one that may be killed."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hyfn import project
from hyfn.project import shipping, wanting
from hyfn.project.desired import Desired
from hyfn.project.shipping import Planned, Site
from hyfn.ship import ledger as ledgers
from hyfn.ship.stores import FileStore
from tests.commands import written

LEASE = 0.05


class Driven:
    """A project on disk, and its stage."""

    def __init__(self, folder: Path, files: dict[str, str], stage: str = "dev") -> None:
        self.folder = written(folder, files)
        self.stage = stage
        self.site: Site = shipping.site(project.read(folder), stage)

    def desired(self, **changed: str) -> Desired:
        """What the project says; `changed` are files without their suffix."""
        for name, text in changed.items():
            (self.folder / f"{name}.py").write_text(text)
        built = project.build(project.read(self.folder), self.folder / ".hyfn" / "build", lambda _: None)
        return wanting.desired(built, {}, self.site.stage, self.site.secret)

    def kept(self, desired: Desired, name: str) -> Desired:
        """With files of its own, which the next build leaves."""
        folder = self.folder.parent / f"{self.folder.name}-{name}"
        folder.mkdir()
        resources = []
        for each in desired.resources:
            if each.file is not None:
                each = replace(each, file=Path(shutil.copy(each.file, folder)))
            resources.append(each)
        return replace(desired, resources=resources)

    def ship(self, desired: Desired) -> Planned:
        return shipping.ship(self.site, desired, _agrees, lambda _: None, lambda *_: None)

    def destroy(self) -> Planned:
        return shipping.destroy(self.site, _agrees, lambda _: None, lambda *_: None)

    def is_settled(self, desired: Desired) -> None:
        """Live = wanted = recorded, and nothing else."""
        found = shipping.planned(self.site, desired)
        assert found.plan.is_empty, found.plan.changes
        assert not found.plan.drift
        assert set(found.live) == {each.key for each in desired.resources} == set(found.state.records)
        assert not found.state.intents
        assert found.state.lease is None

    def killed(self, act: Callable[[Driven], Any], point: Callable[[str], bool], fake: Any) -> bool:
        """Do it in a process of its own, which is killed (SIGKILL) at the boundary of which `point` says so: a call to
        the platform, before or after it is served, or a write of the record. Whether it was. Each process counts for
        itself: `point` is asked for calls in this one, and for writes in the other."""
        child = os.fork()
        if child == 0:
            self._die_when_writing(point)
            try:
                act(self)
            except BaseException:  # noqa: BLE001  (what is left of it is looked at by the parent)
                os._exit(1)
            os._exit(0)

        def boundary(name: str) -> None:
            if point(name):
                os.kill(child, signal.SIGKILL)
                raise ConnectionAbortedError  # what it asked for before it died is not done

        fake.boundary = boundary
        _, status = os.waitpid(child, 0)
        fake.boundary = lambda _: None
        return os.WIFSIGNALED(status)

    def _die_when_writing(self, point: Callable[[str], bool]) -> None:
        site = self.site

        class Dying(FileStore):
            def write(self, name: str, content: bytes, mark: str | None) -> str:
                self._die(point("before write"))
                made = super().write(name, content, mark)
                self._die(point("after write"))
                return made

            def _die(self, is_due: bool) -> None:
                if is_due:
                    os.kill(os.getpid(), signal.SIGKILL)

        self.site = replace(site, store=Dying(Path(site.store.where)))


def _agrees(planned: Planned) -> bool:
    shipping.check(planned, False)
    return True


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who died is taken over from at once."""
    monkeypatch.setattr(ledgers.Ledger.__init__, "__defaults__", (LEASE, 0.0))
