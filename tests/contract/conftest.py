"""Each cloud's own runtime with one application in it, once for all tests of a session."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import ModuleType

import pytest

from hyfn import clouds, project, remote, wiring
from hyfn.dev.application import Application
from hyfn.remote import Session
from tests.contract import everything


@dataclass(frozen=True)
class Live:
    """A running application, its module in this process, and this process as its caller."""

    platform: str
    module: ModuleType
    application: Application
    session: Session


@pytest.fixture(scope="session", params=sorted(clouds.platforms()))
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    platform: str = request.param
    folder = everything.write(tmp_path_factory.mktemp(platform), platform)
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).syspath_prepend(str(folder))
        application = stack.enter_context(Application(project.read(folder), lambda text: None))
        module = importlib.import_module(f"everything_{platform}")
        given = wiring.read(application.laptop())
        yield Live(platform, module, application, Session(given, frozenset(), "dev"))
    sys.modules.pop(f"everything_{platform}", None)


@pytest.fixture
def live(running: Live, monkeypatch: pytest.MonkeyPatch) -> Live:
    """The application of each cloud, called from this process."""
    monkeypatch.setattr(remote, "session", lambda: running.session)
    return running
