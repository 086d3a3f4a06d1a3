"""A cold start in each runtime, process start to first answer: hyfn's artifact, and a handler written by hand.

Both find their modules compiled, but in the rows "nothing compiled": there neither artifact is, as in a folder that is
read-only and was never written to.
"""

from __future__ import annotations

import importlib
import json
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hyfn import project, wiring
from hyfn.clouds.azure.pack import function_name
from hyfn.dev.application import emulator
from hyfn.model import FunctionSpec, Project
from hyfn.remote import Attempts, Session
from hyfn.trust.edges import LAPTOP, Edges, nodes
from hyfn.wire.carrier import Endpoint, Request, Response
from tests.bench import byhand
from tests.bench.measure import Times, difference, ratio, table, verdict
from tests.bench.starts import Command, first_answer
from tests.bench.starts.commands import command, raw_http

RUNS, WARMUP = 21, 2
TEXT = "please pay"
SHOUT = Path(__file__).parent / "shout"
JSON = {"Content-Type": "application/json"}
UNCOMPILED = {"PYTHONDONTWRITEBYTECODE": "1"}

Sent = tuple[Request, Callable[[Response], object]]
"""A request, and how its answer is read."""


@dataclass(frozen=True)
class Road:
    """A function of shout.py, and one of byhand.ENTRIES or "" for raw HTTP. The goal is a ratio, or milliseconds."""

    name: str
    function: str
    entry: str
    ratio: float = 0
    more_ms: float = 15
    is_compiled: bool = True


ROADS = (
    Road("awslambdaric", "on_lambda", "lambda", ratio=1.05),
    Road("... nothing compiled", "on_lambda", "lambda", ratio=1.05, is_compiled=False),
    Road("functions-framework", "on_framework", "framework"),
    Road("azure", "on_azure", "azure"),
    Road("func-python", "on_func", "func"),
    Road("hyfn.host on knative vs raw HTTP", "on_knative", ""),
    Road("... nothing compiled", "on_knative", "", is_compiled=False),
    Road("hyfn.host on local vs raw HTTP", "on_local", ""),
)


def run() -> Iterable[str]:
    with tempfile.TemporaryDirectory(prefix="hyfn-bench-") as folder:
        bench = Bench(project.read(SHOUT), Path(folder))
        rows = [_row(road, *_in_turn(bench.ours(road), bench.theirs(road), Path(folder) / "log")) for road in ROADS]
    return table(["runtime", "hyfn ms", "by hand ms", "goal", "is", "reached", "hyfn min", "by hand min"], rows)


def _row(road: Road, ours: Times, theirs: Times) -> list[str]:
    figures = [f"{seconds * 1e3:.0f}" for seconds in (ours.median, theirs.median, ours.best, theirs.best)]
    if road.ratio:
        times = ratio(ours, theirs)
        found = [f"{road.ratio:.2f} x", f"{times:.2f} x", verdict(times, road.ratio)]
    else:
        more = difference(ours, theirs) * 1e3
        found = [f"+{road.more_ms:.0f}", f"{more:+.0f}", verdict(more, road.more_ms)]
    return [road.name, *figures[:2], *found, *figures[2:]]


@dataclass(frozen=True)
class Side:
    """What is started, and what it is sent then."""

    command: Callable[[], Command]
    sent: Callable[[], Sent]


def _in_turn(ours: Side, theirs: Side, log: Path) -> tuple[Times, Times]:
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS + WARMUP):
        for side, taken in zip((ours, theirs), seconds, strict=True):
            request, read = side.sent()
            took, response = first_answer(side.command(), request, log)
            value = read(response)
            if value != TEXT.upper():
                raise RuntimeError(f"{value!r}: {log.read_text()}")
            taken.append(took)
    return Times(seconds[0][WARMUP:]), Times(seconds[1][WARMUP:])


class Bench:
    """The artifacts of shout.py, each with its wiring, and this process as their caller."""

    def __init__(self, source: Project, folder: Path) -> None:
        self._folder = folder
        self._functions = {function.qualname: function for function in source.functions}
        units = project.units(source)
        pythons = {unit.party: emulator(unit.target).python(unit.target) for unit in units}
        for unit in units:
            emulator(unit.target).prepare(unit.target, lambda _: None)
        built = project.build(source, folder / "build", lambda _: None, project.Wishes(pythons))
        self._artifacts = {artifact.short: artifact for artifact in built.artifacts}
        parties = {(unit.primary.name, unit.target.platform): unit.party for unit in units}
        self._edges = Edges(source.app, "dev", secrets.token_bytes(32), nodes(source.functions), parties)
        self._endpoints = {placed: _endpoint(self._functions[placed[0].partition(":")[2]]) for placed in parties}
        sys.path.insert(0, str(SHOUT))
        self._stubs = importlib.import_module("shout")

    def ours(self, road: Road) -> Side:
        artifact, function = self._artifacts[road.function], self._functions[road.function]
        place = self._place(road, "ours")
        project.unpack(artifact, place / "artifact")
        party = f"{function.name}@{artifact.platform}"
        (place / "wiring").write_text(json.dumps(self._edges.wiring(party, [function.name], self._endpoints)))
        env = {"HYFN_WIRING": str(place / "wiring"), "HYFN_STAGE": "dev", **_compiled(road)}
        laptop = wiring.Wiring(self._edges.wiring(LAPTOP, [], self._endpoints))
        line = Session(laptop, frozenset(), "dev").line(getattr(self._stubs, road.function))
        ((route, caller),) = line.routes

        def sent() -> Sent:
            attempts = Attempts(line, (TEXT,), {})
            return attempts.request(route, caller), lambda response: attempts.value(caller.reply(response))

        return Side(lambda: command(artifact, place / "artifact", env), sent)

    def theirs(self, road: Road) -> Side:
        function = self._functions[road.function]
        place = self._place(road, "theirs")
        path = "/api/shout" if function.targets[0].cloud == "azure" else "/"
        request = Request("POST", path, JSON, json.dumps({"text": TEXT}).encode())
        artifact = self._artifacts[road.function]
        if not road.entry:
            return Side(lambda: raw_http(artifact, _compiled(road)), lambda: (request, _text))
        byhand.lay(road.entry, place / "artifact")
        return Side(lambda: command(artifact, place / "artifact", _compiled(road)), lambda: (request, _text))

    def _place(self, road: Road, side: str) -> Path:
        place = Path(tempfile.mkdtemp(prefix=f"{road.function}-{side}-", dir=self._folder))
        (place / "artifact").mkdir()
        return place


def _compiled(road: Road) -> dict[str, str]:
    return {} if road.is_compiled else UNCOMPILED


def _endpoint(function: FunctionSpec) -> Endpoint:
    """Where it will answer, whatever its port."""
    cloud = function.targets[0].cloud
    path = f"/api/{function_name(function)}" if cloud == "azure" else "/"
    return Endpoint(cloud, function.name, f"http://127.0.0.1:1{path}")


def _text(response: Response) -> object:
    return json.loads(response.body)["text"]
