"""Fn on this machine: Fn's own fdk, in containers that are plain processes, behind an agent of ours."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hyfn.clouds.fn import pack
from hyfn.clouds.fn.agent import Agent, Gateway, Invoked
from hyfn.clouds.fn.call import ORACLE
from hyfn.clouds.fn.container import FnContainer, NotLoaded
from hyfn.errors import ProjectError
from hyfn.model import Artifact, Target
from hyfn.toolchain import environments, hosting, pythons
from hyfn.toolchain.fleet import LIMIT, PATIENCE, Fleet
from hyfn.toolchain.http1 import Server
from hyfn.toolchain.processes import Process, clean_env
from hyfn.wire.carrier import Endpoint

FRAME = re.compile(r'File "(/.+?)", line (\d+)')
SYNTAX = re.compile(r"\((\S+\.py), line (\d+)\)$")


@dataclass(frozen=True, slots=True)
class FnRunning:
    """hyfn.cloud.Running."""

    endpoint: Endpoint
    runtime: str
    evidence: str
    fleet: Fleet[FnContainer]
    server: Server
    events: Endpoint | None = None
    pages: str = ""
    """See hyfn.cloud.Paged."""

    def stop(self) -> None:
        """End every process of it. Safe to repeat."""
        self.server.stop()
        self.fleet.stop()


class FnEmulator:
    """At most `limit` containers of a function; a call that waits `patience` seconds for one finds the server too busy.
    Enforces the timeout, and of Oracle Functions the size of requests and responses; not `memory`."""

    def __init__(self, limit: int = LIMIT, patience: float = PATIENCE) -> None:
        self._limit = limit
        self._patience = patience

    def python(self, target: Target) -> str:
        """The minor version that this machine will run `target` with. Raises MachineError where there is none."""
        return pythons.nearest(str(target.options.get("python") or pack.DEFAULT_PYTHON), pack.PYTHONS)[0]

    def prepare(self, target: Target, report: Callable[[str], None]) -> None:
        """Make the image's Python; fdk is in the artifact. Safe to repeat and to run at once."""
        _environment(self.python(target), report)

    def start(self, artifact: Artifact, unpacked: Path, env: Mapping[str, str], log: Path, port: int = 0) -> FnRunning:
        """Start it and wait until it can be called. Raises ProjectError, with the user's line, if it cannot load."""
        environment = _environment(artifact.python, lambda _: None)
        root = pack.packer.roots(unpacked)[0]
        argv: list[str | Path] = [environment.python, root / pack.COMMAND, root / pack.SCRIPT, pack.HANDLER]
        given = {**pack.ENV, **artifact.options.get("env", {}), **_variables(artifact), **env}

        def process(listening: Mapping[str, str]) -> Process:
            return Process.start(argv, env=clean_env({**given, **listening}), cwd=root, log=log)

        fleet = Fleet(lambda: FnContainer(process), self._limit, self._patience)
        try:
            with fleet.lent():
                server = Server(Agent(_invoked(artifact), fleet, _gateway(artifact, root)).answer, port)
        except BaseException as error:
            fleet.stop()
            if isinstance(error, NotLoaded):
                raise _unloadable(error, artifact, root) from error
            raise
        url = f"http://127.0.0.1:{server.port}{_invoked(artifact).path}"
        version = pythons.full_version(environment.python, artifact.python) or artifact.python
        endpoint = Endpoint("fn", artifact.function, url, ORACLE if artifact.platform == ORACLE else "")
        return FnRunning(
            endpoint,
            f"fdk {_version(root)} on CPython {version}",
            "runtime",
            fleet,
            server,
            endpoint if hosting.waits_for_events(root) else None,
            f"http://127.0.0.1:{server.port}{_prefix(artifact)}",
        )


emulator = FnEmulator()


def _environment(python: str, report: Callable[[str], None]) -> environments.Environment:
    return environments.environment("container", [], python, report)


def _version(root: Path) -> str:
    """That of the fdk in the artifact."""
    found = importlib.metadata.distributions(name="fdk", path=[str(root)])
    return next((each.version for each in found), "")


def _invoked(artifact: Artifact) -> Invoked:
    timeout = pack.seconds(artifact.options)
    if artifact.platform == ORACLE:
        return Invoked(f"/20181201/functions/{_id(artifact)}/actions/invoke", timeout, pack.SIZE)
    return Invoked(f"/invoke/{_id(artifact)}", timeout)


def _gateway(artifact: Artifact, root: Path) -> Gateway | None:
    paths = hosting.pages(root)
    if not paths:
        return None
    return Gateway(_prefix(artifact), None if artifact.platform == ORACLE else paths)


def _prefix(artifact: Artifact) -> str:
    """What Fn has in front of the paths of HTTP triggers; an API gateway of Oracle's has nothing."""
    return "" if artifact.platform == ORACLE else f"/t/{artifact.options.get('app') or 'local'}"


def _id(artifact: Artifact) -> str:
    """As long as no server gave it one."""
    return f"ocid1.fnfunc.oc1.local.{_name(artifact)}" if artifact.platform == ORACLE else f"local-{_name(artifact)}"


def _name(artifact: Artifact) -> str:
    return str(artifact.options.get("name") or artifact.short.replace(".", "-").replace("_", "-").lower())


def _variables(artifact: Artifact) -> dict[str, str]:
    """What Fn sets in a container (buildConfig in fn/api/agent/call.go), but for where to listen."""
    app = str(artifact.options.get("app") or "local")
    return {
        "FN_APP_ID": f"local-{app}",
        "FN_APP_NAME": app,
        "FN_FN_ID": _id(artifact),
        "FN_FN_NAME": _name(artifact),
        "FN_MEMORY": str(artifact.options.get("memory") or pack.MEMORY),
        "FN_TYPE": "sync",
    }


def _unloadable(error: NotLoaded, artifact: Artifact, root: Path) -> ProjectError:
    """fdk's words, and of the places that they and its log name the last that is the user's."""
    said = str(error)
    places = [(Path(file), line) for file, line in [*FRAME.findall(error.tail), *SYNTAX.findall(said)]]
    foreign = {"hyfn", "bin", *_brought(root)}
    if (root / pack.SCRIPT).read_text() == pack.ENTRY:
        foreign.add(pack.SCRIPT)
    inside = [(file.relative_to(root), line) for file, line in places if file.is_relative_to(root)]
    mine = [f"{file}:{line}" for file, line in inside if file.parts[0] not in foreign]
    mine += [f"{file}:{line}" for file, line in places if not file.is_absolute()]
    where = mine[-1] if mine else None
    return ProjectError(f"{artifact.short} does not load in Fn's fdk: {said}", where=where)


def _brought(root: Path) -> Iterator[str]:
    """The folders and modules that distributions put there."""
    for record in root.glob("*.dist-info/RECORD"):
        yield from (re.split("[/,]", line, maxsplit=1)[0] for line in record.read_text().splitlines())
