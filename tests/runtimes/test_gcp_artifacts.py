"""hyfn's artifacts on Google Cloud: calls through the Functions Framework, whatever the user's module is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest

from hyfn import project, remote, wiring
from hyfn.dev.application import Application
from hyfn.remote import Session

pytestmark = pytest.mark.runtime

SOURCE = """
import asyncio
import os
import time

from hyfn import gcp


class Unreadable(Exception):
    def __init__(self, page: int) -> None:
        super().__init__(f"page {page} cannot be read")
        self.page = page


@gcp
def echo(data: bytes) -> bytes:
    return data


@gcp(group="one")
def process_id(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


@gcp(group="one")
async def loop_id() -> int:
    await asyncio.sleep(0)
    return id(asyncio.get_running_loop())


@gcp
def read(page: int) -> str:
    raise Unreadable(page)


@gcp
def ping(n: int) -> int:
    return 1 + pong(n - 1) if n else 0


@gcp
def pong(n: int) -> int:
    return 1 + ping(n - 1) if n else 0
"""

Serve = Callable[..., ModuleType]


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    folder = written(tmp_path_factory.mktemp("pages"), "pages_on_gcp.py", SOURCE)
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).syspath_prepend(str(folder))
        yield stack.enter_context(Application(project.read(folder), lambda text: None))
    sys.modules.pop("pages_on_gcp", None)


@pytest.fixture
def pages(application: Application, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module in this process, whose calls go to the application."""
    return connected(application, "pages_on_gcp", monkeypatch)


def connected(application: Application, module: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    session = Session(wiring.read(application.laptop()), frozenset(), "dev")
    monkeypatch.setattr(remote, "session", lambda: session)
    return importlib.import_module(module)


def written(folder: Path, file: str, source: str) -> Path:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(source)
    (folder / "pyproject.toml").write_text('[project]\nname = "pages"\ndependencies = []\n')
    return folder


@pytest.mark.parametrize("size", [0, 1, 100_000, 10_000_000])
def test_bytes_come_back(pages: ModuleType, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert pages.echo(data) == data


def test_an_exception_is_raised_as_its_own_class(pages: ModuleType) -> None:
    with pytest.raises(pages.Unreadable, match="page 7 cannot be read") as caught:
        pages.read(7)
    assert caught.value.page == 7


def test_functions_that_call_each_other_in_turn_do_not_wait_for_each_other(pages: ModuleType) -> None:
    assert pages.ping(6) == 6


def test_calls_at_one_time_share_one_process_and_one_event_loop(pages: ModuleType) -> None:
    with ThreadPoolExecutor(8) as pool:
        processes = set(pool.map(pages.process_id, [0.3] * 8))
    with ThreadPoolExecutor(4) as pool:
        loops = {call.result(30) for call in [pages.loop_id.spawn() for _ in range(4)]}
    assert (len(processes), len(loops)) == (1, 1)


@pytest.mark.parametrize("file", ["main.py", "main/app.py"])
def test_a_module_of_the_users_called_main_answers_too(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "from hyfn import gcp\n\n\n@gcp\ndef shout(text: str) -> str:\n    return text.upper()\n"
    folder = written(tmp_path, file, source)
    if "/" in file:
        (folder / "main" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(folder))
    module = file.removesuffix(".py").replace("/", ".")
    try:
        with Application(project.read(folder), lambda text: None) as application:
            assert connected(application, module, monkeypatch).shout("please pay") == "PLEASE PAY"
    finally:
        for name in ("main", "main.app"):
            sys.modules.pop(name, None)
