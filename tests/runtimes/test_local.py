"""Functions on the developer's machine: each in a process of its own, or all in this one."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest

import hyfn
from hyfn import project, remote, wiring
from hyfn.current import is_local
from hyfn.dev.application import Application
from hyfn.errors import NotShipped
from hyfn.remote import Session

SOURCE = """
import os

import hyfn
from hyfn import local


@local
def bare(text: str) -> tuple[str, int]:
    return text, os.getpid()


@local(timeout=5, group="shared")
def called(text: str) -> tuple[str, int]:
    return bare(text)


@local(group="shared")
def where() -> int:
    return os.getpid()
"""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    folder = tmp_path_factory.mktemp("here")
    (folder / "functions_here.py").write_text(SOURCE)
    (folder / "pyproject.toml").write_text('[project]\nname = "here"\ndependencies = []\n')
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).syspath_prepend(str(folder))
        yield stack.enter_context(Application(project.read(folder), lambda text: None))
    sys.modules.pop("functions_here", None)


@pytest.fixture
def here(application: Application, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    session = Session(wiring.read(application.laptop()), frozenset(), "dev")
    monkeypatch.setattr(remote, "session", lambda: session)
    return importlib.import_module("functions_here")


@pytest.mark.runtime
def test_a_function_runs_in_a_process_of_its_own(here: ModuleType) -> None:
    text, process = here.bare("a")
    assert text == "a"
    assert process not in (os.getpid(), here.where())
    assert here.called("b") == ("b", process)


@pytest.mark.runtime
def test_it_runs_on_the_python_that_runs_hyfn(application: Application, here: ModuleType) -> None:
    running = application.running["functions_here:bare@local"]
    version = ".".join(map(str, sys.version_info[:3]))
    assert (running.runtime, running.evidence) == (
        f"hyfn.host {hyfn.__version__} on CPython {version}",
        "runtime",
    )


@pytest.mark.runtime
def test_in_a_local_context_bodies_run_here_after_all(here: ModuleType) -> None:
    with hyfn.local():
        assert here.bare("a") == ("a", os.getpid())
    assert here.bare("a")[1] != os.getpid()


@hyfn.aws
def names(values: list[str]) -> tuple[str, ...]:
    values.append("changed")
    return tuple(values)


@hyfn.knative
async def later(value: int) -> int:
    return double(value) + (await names.aio(["x"])).count("x")


@hyfn.gcp(memory=512)
def double(value: int) -> int:
    return value * 2


def test_in_a_local_context_a_call_is_one_of_the_body() -> None:
    with hyfn.local():
        assert double(4) == 8
        assert asyncio.run(later(4)) == 9
        assert double.spawn(5).result() == 10
        assert list(double.map([1, 2])) == [2, 4]


def test_in_a_local_context_values_pass_through_the_wire() -> None:
    given = ["a"]
    with hyfn.local():
        assert names(given) == ("a", "changed")
    assert given == ["a"]


def test_outside_of_it_nothing_is_silently_local() -> None:
    with hyfn.local(), hyfn.local():
        double(1)
    with pytest.raises(NotShipped):
        double(1)


def test_an_error_ends_the_context() -> None:
    with pytest.raises(KeyError), hyfn.local():
        raise KeyError
    assert not is_local.get()


def test_one_context_can_be_entered_again_and_again() -> None:
    context = hyfn.local()
    with context:
        with context:
            assert is_local.get()
        assert is_local.get()
    assert not is_local.get()


def test_another_thread_is_not_in_the_context() -> None:
    seen: list[bool] = []
    with hyfn.local():
        thread = threading.Thread(target=lambda: seen.append(is_local.get()))
        thread.start()
        thread.join()
    assert seen == [False]


def test_tasks_of_a_context_are_in_it() -> None:
    async def both() -> list[int]:
        with hyfn.local():
            return list(await asyncio.gather(later(1), double.aio(2)))

    assert asyncio.run(both()) == [3, 4]


def test_a_misspelt_option_is_an_error() -> None:
    with pytest.raises(TypeError, match="tmeout"):
        hyfn.local(tmeout=3)  # type: ignore[call-overload]


def test_a_layer_of_decorators_may_hold_local() -> None:
    @hyfn.local
    @hyfn.aws
    def both(value: int) -> int:
        return value

    assert [placement.platform.name for placement in both.placements] == ["local", "aws"]
    with hyfn.local():
        assert both(3) == 3


def test_the_project_folder_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with hyfn.local():
        assert double(3) == 6
