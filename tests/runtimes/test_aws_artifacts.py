"""hyfn's artifacts on AWS Lambda: calls by both doors in awslambdaric, and behind the real aws-lambda-rie."""

from __future__ import annotations

import importlib
import json
import platform
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hyfn import project, remote, wiring
from hyfn.clouds.aws.emulate import RUNTIME, emulator
from hyfn.clouds.aws.pack import HANDLER
from hyfn.dev.application import Application
from hyfn.errors import MachineError, OutcomeUnknown, TooLarge
from hyfn.model import Place, Target
from hyfn.remote import Session
from hyfn.toolchain import environments
from hyfn.toolchain.processes import Process, clean_env, free_port, wait_until
from hyfn.wire.carrier import Endpoint

pytestmark = pytest.mark.runtime

SOURCE = """
import asyncio
import os
import time

from hyfn import aws


class Unreadable(Exception):
    def __init__(self, page: int) -> None:
        super().__init__(f"page {page} cannot be read")
        self.page = page


@aws
def echo(data: bytes) -> bytes:
    return data


@aws(url=True)
def echo_url(data: bytes) -> bytes:
    return data


@aws(url=True)
async def later(text: str) -> str:
    await asyncio.sleep(0)
    return f"{text} in {id(asyncio.get_running_loop())}"


@aws
def read(page: int) -> str:
    raise Unreadable(page)


@aws(url=True)
def read_url(page: int) -> str:
    raise Unreadable(page)


@aws
def ping(n: int) -> int:
    return 1 + pong(n - 1) if n else 0


@aws(url=True)
def pong(n: int) -> int:
    return 1 + ping(n - 1) if n else 0


@aws(timeout=1)
def slow() -> None:
    time.sleep(30)


@aws(url=True)
def crash() -> None:
    os._exit(1)


@aws
def big(size: int) -> bytes:
    return os.urandom(size)
"""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    folder = written(tmp_path_factory.mktemp("pages"), "pages_on_aws")
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).syspath_prepend(str(folder))
        yield stack.enter_context(Application(project.read(folder), lambda text: None))
    sys.modules.pop("pages_on_aws", None)


@pytest.fixture
def pages(application: Application, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module in this process, whose calls go to the application."""
    session = Session(wiring.read(application.laptop()), frozenset(), "dev")
    monkeypatch.setattr(remote, "session", lambda: session)
    return importlib.import_module("pages_on_aws")


def written(folder: Path, module: str) -> Path:
    (folder / f"{module}.py").write_text(SOURCE)
    (folder / "pyproject.toml").write_text('[project]\nname = "pages"\ndependencies = []\n')
    return folder


@pytest.mark.parametrize("door", ["echo", "echo_url"])
@pytest.mark.parametrize("size", [0, 1, 100_000, 4_000_000])
def test_bytes_come_back_by_both_doors(pages: ModuleType, door: str, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert getattr(pages, door)(data) == data


def test_async_functions_share_one_event_loop(pages: ModuleType) -> None:
    first, second = pages.later.remote("a"), pages.later.remote("a")
    assert run(first) == run(second)


@pytest.mark.parametrize("door", ["read", "read_url"])
def test_an_exception_is_raised_as_its_own_class_by_both_doors(pages: ModuleType, door: str) -> None:
    with pytest.raises(pages.Unreadable, match="page 7 cannot be read") as caught:
        getattr(pages, door)(7)
    assert caught.value.page == 7


def test_functions_that_call_each_other_in_turn_scale_out(pages: ModuleType) -> None:
    assert pages.ping(4) == 4


def test_a_call_that_lambda_ends_has_an_unknown_outcome(pages: ModuleType) -> None:
    with pytest.raises(OutcomeUnknown, match=r"Task timed out after 1\.00 seconds"):
        pages.slow()


def test_a_crash_has_an_unknown_outcome_and_the_next_call_finds_a_new_environment(pages: ModuleType) -> None:
    for _ in range(2):
        with pytest.raises(OutcomeUnknown, match="502"):
            pages.crash()


def test_a_result_that_lambda_cannot_carry_says_so(pages: ModuleType) -> None:
    with pytest.raises(TooLarge, match="6291556"):
        pages.big(5_000_000)


def test_many_calls_at_once_all_answer(pages: ModuleType) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(pages.echo, [b"%d" % n for n in range(64)])) == [b"%d" % n for n in range(64)]


def run(coroutine: Any) -> Any:
    import asyncio

    return asyncio.run(coroutine)


@pytest.fixture(scope="module")
def rie() -> Path:
    """The vendor's emulator, out of the wheel that carries it."""
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "")
    python = emulator.python(Target("aws", "aws", {}, Place("app.py", 1)))
    try:
        environment = environments.environment(
            "aws-lambda-rie", ["aws-sam-cli==1.170.0"], python, lambda text: None, extra_args=["--no-deps"]
        )
    except MachineError as error:
        pytest.skip(f"the wheel of aws-sam-cli cannot be fetched: {error}")
    return environment.site_packages / "samcli" / "local" / "rapid" / f"aws-lambda-rie-{machine}"


def test_the_artifact_answers_behind_the_real_aws_lambda_rie(rie: Path, tmp_path: Path, monkeypatch: Any) -> None:
    module = "pages_on_rie"
    folder = written(tmp_path, module)
    read = project.read(folder)
    [unit] = [unit for unit in project.units(read) if unit.primary.qualname == "echo"]
    python = emulator.python(unit.target)
    built = project.build(
        read, tmp_path / "out", lambda text: None, project.Wishes(only=[unit.party], pythons={unit.party: python})
    )
    [artifact] = built.artifacts
    task = tmp_path / "task"
    project.unpack(artifact, task)
    port = free_port()
    endpoint = Endpoint("aws", unit.primary.name, f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations")
    key = {"kid": "00" * 8, "key": "11" * 32}
    (tmp_path / "wiring.json").write_text(json.dumps(callee_wiring(unit.primary.name, key)))
    runtime = environments.environment("awslambdaric", [RUNTIME], python, lambda text: None)
    addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    addresses += ["--runtime-api-address", f"127.0.0.1:{free_port()}"]
    env = {"HYFN_WIRING": str(tmp_path / "wiring.json"), "PYTHONPATH": str(task), "LAMBDA_TASK_ROOT": str(task)}
    process = Process.start(
        [rie, *addresses, runtime.python, "-m", "awslambdaric", HANDLER],
        env=clean_env(env),
        cwd=task,
        log=tmp_path / "log",
    )
    try:
        wait_until(lambda: listens(port), process, 30)
        given = wiring.Wiring(caller_wiring(unit.primary.name, key, endpoint))
        session = Session(given, frozenset(), "dev")
        monkeypatch.setattr(remote, "session", lambda: session)
        monkeypatch.syspath_prepend(str(folder))
        echo = importlib.import_module(module).echo
        assert [echo(data) for data in (b"", b"page", bytes(range(256)) * 4096)] == [
            b"",
            b"page",
            bytes(range(256)) * 4096,
        ]
    finally:
        process.stop()
        sys.modules.pop(module, None)


def callee_wiring(name: str, key: dict[str, str]) -> dict[str, Any]:
    callers = {key["kid"]: {"iss": "pages/dev/laptop@local", "aud": name, "key": key["key"], "json": False}}
    return {"app": "pages", "stage": "dev", "self": f"{name}@aws", "calls": {}, "callers": callers}


def caller_wiring(name: str, key: dict[str, str], endpoint: Endpoint) -> dict[str, Any]:
    route = {"placement": "aws", "cloud": "aws", "url": endpoint.url, "door": "", **key}
    calls = {name: {"raises": [], "routes": [route]}}
    return {"app": "pages", "stage": "dev", "self": "laptop@local", "calls": calls, "callers": {}}


def listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
