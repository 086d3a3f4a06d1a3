"""A warm call through each runtime: hyfn's stub and artifact, and a client and a handler written by hand for it.

By hand it is http.client and a function that a thread runs, where the platform has threads; and where the function is
`async def`, asyncio's streams and an async handler.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from hyfn import project, remote, wiring
from hyfn.cloud import Running
from hyfn.dev.application import Application, emulator
from hyfn.model import Artifact, FunctionSpec, Project
from hyfn.remote import Session
from hyfn.toolchain import environments
from hyfn.toolchain.processes import Process, clean_env, free_port, wait_until
from tests.bench import byhand
from tests.bench.byhand.client import AsyncClient, Client
from tests.bench.measure import Times, in_turn, ratio, table, verdict

RUNS, WARMUP = 400, 50
TEXT = "please pay"
SHOUT = Path(__file__).parent / "shout"


@dataclass(frozen=True)
class Road:
    """A function of shout.py and what it is held against: one of byhand.ENTRIES, or "" for raw HTTP."""

    name: str
    function: str
    entry: str
    goal: float = 1.15


ROADS = (
    Road("awslambdaric, Invoke", "on_lambda", "lambda"),
    Road("functions-framework", "on_framework", "framework"),
    Road("azure, def", "on_azure", "azure"),
    Road("azure, async def", "on_azure_async", "azure_async"),
    Road("func-python, def", "on_func", "func"),
    Road("func-python, async def", "on_func_async", "func_async"),
    Road("hyfn.host on knative vs raw HTTP", "on_knative", "", 2.5),
    Road("hyfn.host on local vs raw HTTP", "on_local", "", 2.5),
)


def run() -> Iterable[str]:
    source = project.read(SHOUT)
    with ExitStack() as stack:
        application = stack.enter_context(Application(source, _say))
        module = _imported(application)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hyfn-bench-")))
        loop = stack.enter_context(asyncio.Runner()).get_loop()
        rows = []
        for road in ROADS:
            function = getattr(module, road.function)
            client = (AsyncClient if function.is_async else Client)(_started_by_hand(stack, source, road, folder))
            stack.callback(client.close)
            times = in_turn(RUNS, _call(function, loop), _call(client, loop), warmup=WARMUP)
            rows.append(_row(road, *times))
            _say(f"measured {road.name}")
    return table(["runtime", "hyfn µs", "by hand µs", "ratio", "goal", "reached", "hyfn min", "by hand min"], rows)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _row(road: Road, ours: Times, theirs: Times) -> list[str]:
    times = ratio(ours, theirs)
    figures = [f"{seconds * 1e6:.0f}" for seconds in (ours.median, theirs.median, ours.best, theirs.best)]
    return [road.name, *figures[:2], f"{times:.2f}", f"{road.goal:.2f}", verdict(times, road.goal), *figures[2:]]


def _imported(application: Application) -> ModuleType:
    """shout.py in this process, which calls `application`."""
    sys.path.insert(0, str(SHOUT))
    session = Session(wiring.read(application.laptop()), frozenset(), "dev")
    remote.session = lambda: session  # type: ignore[assignment]
    return importlib.import_module("shout")


def _call(function: Callable[[str], Any], loop: asyncio.AbstractEventLoop) -> Callable[[], object]:
    def call() -> object:
        value = function(TEXT)
        return value if isinstance(value, str) else loop.run_until_complete(value)

    assert call() == TEXT.upper()
    return call


def _started_by_hand(stack: ExitStack, source: Project, road: Road, folder: Path) -> str:
    """The URL of what is called by hand."""
    function = next(function for function in source.functions if function.qualname == road.function)
    log = folder / f"{road.function}.log"
    if not road.entry:
        return _raw_http(stack, function, log)
    root = byhand.lay(road.entry, folder / road.function)
    running: Running = emulator(function.targets[0]).start(_artifact(function), root, {}, log)
    stack.callback(running.stop)
    return running.endpoint.url


def _artifact(function: FunctionSpec) -> Artifact:
    """What an emulator wants to know of what it starts."""
    target = function.targets[0]
    python = emulator(target).python(target)
    return Artifact(
        function.name,
        function.qualname,
        target.cloud,
        target.platform,
        "",
        SHOUT,
        "",
        0,
        python,
        (),
        target.options,
    )


def _raw_http(stack: ExitStack, function: FunctionSpec, log: Path) -> str:
    """On the Python that hyfn's host has."""
    port = free_port()
    python = environments.environment("container", [], _artifact(function).python, _say).python
    argv = [str(python), str(byhand.HERE / "raw_http.py"), str(port)]
    process = Process.start(argv, env=clean_env({}), cwd=byhand.HERE, log=log)
    stack.callback(process.stop)
    wait_until(lambda: _listens(port), process, 30)
    return f"http://127.0.0.1:{port}/"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
