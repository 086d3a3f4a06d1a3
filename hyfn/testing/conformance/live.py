"""A platform's own runtime with the application in it that every cloud must run alike."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

from hyfn import project, remote, wiring
from hyfn.dev.application import Application
from hyfn.remote import Session
from hyfn.testing.conformance import everything


@dataclass(frozen=True)
class Live:
    """A running application, its module in this process, and this process as its caller."""

    platform: str
    module: ModuleType
    application: Application
    session: Session


class OnPlatform:
    """Tests of one platform. Those that ask for `live` share an application, which runs as long as their class does."""

    platform: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def running(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
        with _started(cls.platform, tmp_path_factory.mktemp(cls.platform)) as live:
            yield live

    @pytest.fixture
    def live(self, running: Live, monkeypatch: pytest.MonkeyPatch) -> Live:
        """The application, called from this process."""
        monkeypatch.setattr(remote, "session", lambda: running.session)
        return running


@contextmanager
def _started(platform: str, folder: Path) -> Iterator[Live]:
    everything.write(folder, platform)
    name = everything.module(platform)
    with ExitStack() as stack:
        stack.callback(sys.modules.pop, name, None)
        stack.enter_context(pytest.MonkeyPatch.context()).syspath_prepend(str(folder))
        application = stack.enter_context(Application(project.read(folder), lambda text: None))
        given = wiring.read(application.laptop())
        yield Live(platform, importlib.import_module(name), application, Session(given, frozenset(), "dev"))
