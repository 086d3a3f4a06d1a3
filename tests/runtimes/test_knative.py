"""hyfn's artifacts on Knative: behind hyfn's own host and behind Knative's func-python."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from hyfn import project, remote, wiring
from hyfn.clouds.knative.emulate import emulator
from hyfn.clouds.knative.pack import HOST
from hyfn.dev.application import Application
from hyfn.errors import ProjectError
from hyfn.model import Artifact
from hyfn.remote import Session
from hyfn.toolchain import environments
from hyfn.toolchain.listening import Listening
from hyfn.toolchain.processes import clean_env, free_port

SOURCE = """
import asyncio
import os
import threading
import time

from hyfn import knative, openshift


class Unpaid(Exception):
    def __init__(self, amount: int) -> None:
        super().__init__(f"{amount} are missing")
        self.amount = amount


@PLATFORM
def settle(amount: int) -> int:
    if amount < 0:
        raise Unpaid(-amount)
    return amount + fee(amount)


@openshift(RUNTIME)
def fee(amount: int) -> int:
    return amount // 10


@PLATFORM
def place() -> dict[str, str]:
    return {name: os.environ[name] for name in ("K_SERVICE", "K_REVISION", "K_CONFIGURATION", "PORT")}


@PLATFORM
def wait(seconds: float) -> int:
    time.sleep(seconds)
    return threading.get_ident()


@PLATFORM
async def later(text: str) -> str:
    await asyncio.sleep(0)
    return f"{text} in {id(asyncio.get_running_loop())}"


@PLATFORM
def data(value: bytes) -> bytes:
    return value
"""


@dataclass(frozen=True)
class Up:
    runtime: str
    application: Application
    module: ModuleType

    def running(self, party: str) -> Listening:
        found = self.application.running[f"{self.module.__name__}:{party}"]
        assert isinstance(found, Listening)
        return found


def written(folder: Path, module: str, runtime: str) -> Path:
    option = f'runtime="{runtime}"'
    (folder / f"{module}.py").write_text(SOURCE.replace("PLATFORM", f"knative({option})").replace("RUNTIME", option))
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\ndependencies = []\n')
    return folder


@pytest.fixture(
    scope="module",
    params=[pytest.param("hyfn", marks=pytest.mark.spec), pytest.param("func", marks=pytest.mark.runtime)],
)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    runtime: str = request.param
    module = f"shop_on_{runtime}"
    folder = written(tmp_path_factory.mktemp(module), module, runtime)
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).syspath_prepend(str(folder))
        application = stack.enter_context(Application(project.read(folder), lambda text: None))
        yield Up(runtime, application, importlib.import_module(module))
    sys.modules.pop(module, None)


@pytest.fixture
def up(running: Up, monkeypatch: pytest.MonkeyPatch) -> Up:
    """The application, called from this process."""
    session = Session(wiring.read(running.application.laptop()), frozenset(), "dev")
    monkeypatch.setattr(remote, "session", lambda: session)
    return running


def test_a_call_goes_from_knative_to_openshift_and_back(up: Up) -> None:
    assert up.module.settle(100) == 110


def test_each_says_what_runs_it(up: Up) -> None:
    for party in ("settle@knative", "fee@openshift"):
        running = up.running(party)
        expected = {"hyfn": ("hyfn.host", "spec"), "func": ("func-python 0.8.1", "runtime")}[up.runtime]
        assert running.runtime.startswith(expected[0])
        assert running.runtime.rpartition(" on CPython ")[2].startswith("3.")
        assert running.evidence == expected[1]


def test_an_exception_is_raised_as_its_own_class(up: Up) -> None:
    with pytest.raises(up.module.Unpaid, match="7 are missing") as raised:
        up.module.settle(-7)
    assert raised.value.amount == 7


def test_a_container_is_told_what_knative_tells_it(up: Up) -> None:
    told = up.module.place()
    assert told["K_SERVICE"] == told["K_CONFIGURATION"] == "place"
    assert told["K_REVISION"] == "place-00001"
    assert up.running("place@knative").endpoint.url == f"http://127.0.0.1:{told['PORT']}/"


def test_a_call_that_sleeps_does_not_block_others(up: Up) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(up.module.wait, [0.5] * 8))) == 8
    assert time.monotonic() - started < 2


def test_async_functions_share_one_event_loop(up: Up) -> None:
    first, second = [up.module.later.spawn("a").result(timeout=30) for _ in range(2)]
    assert first == second


def test_some_megabytes_go_there_and_back(up: Up) -> None:
    value = os.urandom(4_000_000)
    assert up.module.data(value) == value


def test_only_loopback_is_listened_on(up: Up) -> None:
    port = int(up.module.place()["PORT"])
    listening = {
        columns[1].rpartition(":")[0]
        for table in ("tcp", "tcp6")
        for columns in (line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if columns[3] == "0A" and int(columns[1].rpartition(":")[2], 16) == port
    }
    assert listening == {"0100007F"}


def test_it_ends_at_once_when_told(tmp_path: Path, up: Up) -> None:
    artifact = built(tmp_path, f"ending_on_{up.runtime}", up.runtime)
    project.unpack(artifact, tmp_path / "root")
    running = emulator.start(artifact, tmp_path / "root", {}, tmp_path / "log")
    started = time.monotonic()
    os.kill(running.process.pid, signal.SIGTERM)
    while running.process.poll() is None and time.monotonic() - started < 5:
        time.sleep(0.01)
    taken = time.monotonic() - started
    status = running.process.poll()
    running.stop()
    assert status == 0
    assert taken < 1


def test_what_does_not_load_says_so_in_its_own_words(tmp_path: Path, up: Up) -> None:
    artifact = built(tmp_path, f"broken_on_{up.runtime}", up.runtime)
    project.unpack(artifact, tmp_path / "root")
    rewrite(tmp_path / "root" / "app" / f"broken_on_{up.runtime}.py", "raise OSError('no ink left')\n")
    with pytest.raises(ProjectError, match="no ink left"):
        emulator.start(artifact, tmp_path / "root", {}, tmp_path / "log")


@pytest.mark.spec
def test_a_container_that_is_still_loading_ends_when_told(tmp_path: Path) -> None:
    artifact = built(tmp_path, "loading_on_hyfn", "hyfn")
    [root] = project.unpack(artifact, tmp_path / "root")
    rewrite(root / "loading_on_hyfn.py", "import time\nprint('loading')\ntime.sleep(30)\n")
    python = environments.environment("container", [], artifact.python, lambda text: None).python
    argv = [str(python), "-m", HOST]
    env = clean_env({"PORT": str(free_port())})
    with subprocess.Popen(argv, cwd=root, env=env, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"loading\n"
            process.terminate()
            assert process.wait(5) == 0
        finally:
            process.kill()


def rewrite(module: Path, text: str) -> None:
    """Another text for a module of an artifact, whose compiled form nobody holds against its source."""
    module.write_text(text)
    for compiled in (module.parent / "__pycache__").glob(f"{module.stem}.*.pyc"):
        compiled.unlink()


def built(folder: Path, module: str, runtime: str) -> Artifact:
    """The artifact of `data` alone."""
    (folder / "source").mkdir()
    read = project.read(written(folder / "source", module, runtime))
    [unit] = [unit for unit in project.units(read) if unit.primary.qualname == "data"]
    python = {unit.party: emulator.python(unit.target)}
    done = project.build(read, folder / "out", lambda text: None, project.Wishes(only=[unit.party], pythons=python))
    return done.artifacts[0]
