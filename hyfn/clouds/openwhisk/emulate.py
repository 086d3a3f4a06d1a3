"""OpenWhisk on this machine: a stand-in for its controller, invoker and proxy, written from the specification.

No Python action runtime is on a package index. The launcher, in an interpreter of its own, is in `runtime`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import hyfn
from hyfn.clouds.openwhisk import triggers
from hyfn.clouds.openwhisk.container import Action, Container, InitFailed
from hyfn.clouds.openwhisk.doors import Api, CodeEngineUrl, Door, RawWebAction, Triggers
from hyfn.clouds.openwhisk.front import Controller, Front
from hyfn.clouds.openwhisk.pack import BLOCKING_SECONDS, MAX_PAYLOAD, packer, terms
from hyfn.clouds.openwhisk.pipes import Pipes
from hyfn.errors import MachineError, ProjectError
from hyfn.model import Artifact, Place, Target
from hyfn.toolchain import environments, hosting, pythons
from hyfn.toolchain.fleet import LIMIT, PATIENCE, Fleet
from hyfn.toolchain.processes import Process, clean_env
from hyfn.wire.carrier import Endpoint

LAUNCHER = Path(__file__).parent / "runtime" / "launcher.py"
NAMESPACE = "guest"
"""OpenWhisk's own, of an action that names none."""


@dataclass(frozen=True, slots=True)
class Served:
    """An action behind its doors."""

    action: Action
    fleet: Fleet[Container]
    front: Front

    def stop(self) -> None:
        """End every process of it. Safe to repeat."""
        self.front.stop()
        self.fleet.stop()


@dataclass(frozen=True, slots=True)
class OpenWhiskRunning:
    """`endpoint` is the door that callers use. `aside` is a second function, for events alone, as Code Engine needs.
    `pages`: see hyfn.cloud.Paged."""

    endpoint: Endpoint
    pages: str
    runtime: str
    evidence: str
    fleet: Fleet[Container]
    front: Front
    events: Endpoint | None = None
    aside: Served | None = None

    def stop(self) -> None:
        """End every process of it. Safe to repeat."""
        self.front.stop()
        self.fleet.stop()
        if self.aside is not None:
            self.aside.stop()


class OpenWhiskEmulator:
    """At most `limit` containers of an action; at the limit a call waits `patience` seconds, then 429. After `wait`
    seconds a caller gets the activation's id, and the activation goes on. Does not enforce `memory`."""

    def __init__(self, limit: int = LIMIT, patience: float = PATIENCE, wait: float = BLOCKING_SECONDS) -> None:
        self._limit = limit
        self._patience = patience
        self._wait = wait

    def python(self, target: Target) -> str:
        """The minor version that this machine will run `target` with. Raises MachineError where there is none."""
        there = terms(target)
        return pythons.nearest(str(target.options.get("python") or there.python), there.pythons)[0]

    def prepare(self, target: Target, report: Callable[[str], None]) -> None:
        """Make a bare environment of the action's Python, if it is not there. Safe to repeat and to run at once."""
        environments.environment("container", [], self.python(target), report)

    def start(
        self, artifact: Artifact, unpacked: Path, env: Mapping[str, str], log: Path, port: int = 0
    ) -> OpenWhiskRunning:
        """Start it and wait until it can be called. Raises ProjectError, with the end of its log, if it cannot load."""
        root = packer.roots(unpacked)[0]
        waiting = hosting.waiting(root)
        is_web = hosting.has_pages(root) or bool(artifact.options.get("web"))
        served = self._serve(artifact, root, env, log, port, _doors(artifact, waiting, is_web))
        aside = None
        if waiting and _is_ibm(artifact):
            try:
                aside = self._serve(artifact, root, {**env, **hosting.EVENTS}, log, 0, [CodeEngineUrl()])
            except BaseException:
                served.stop()
                raise
        return OpenWhiskRunning(
            _endpoint(artifact, served.action),
            served.action.api_host if _is_ibm(artifact) else _web_url(served.action),
            f"hyfn {hyfn.__version__}'s stand-in for the actionloop proxy on CPython {_version(artifact)}",
            "spec",
            served.fleet,
            served.front,
            _events(artifact, aside or served) if waiting else None,
            aside,
        )

    def _serve(
        self, artifact: Artifact, root: Path, env: Mapping[str, str], log: Path, port: int, doors: Sequence[Door]
    ) -> Served:
        environment = _environment(artifact)
        front = Front(port)
        action = _action(artifact, front.port)
        given = {**artifact.options.get("env", {}), **_variables(artifact, action), **env}

        def process(pipes: Pipes) -> Process:
            argv = pipes.command([environment.python, LAUNCHER, root])
            return Process.start(argv, env=clean_env(given), cwd=root, log=log)

        fleet = Fleet(lambda: Container(action, process), self._limit, self._patience)
        try:
            fleet.release(_first(fleet, artifact))
            front.serve(Controller(action, doors, fleet, self._wait))
        except BaseException:
            front.stop()
            fleet.stop()
            raise
        return Served(action, fleet, front)


emulator = OpenWhiskEmulator()


def _environment(artifact: Artifact) -> environments.Environment:
    return environments.environment("container", [], artifact.python, lambda _: None)


def _version(artifact: Artifact) -> str:
    return pythons.full_version(_environment(artifact).python, artifact.python) or artifact.python


def _first(fleet: Fleet[Container], artifact: Artifact) -> Container:
    try:
        container = fleet.take()
    except InitFailed as error:
        raise ProjectError(f"{artifact.short} does not load as an action of OpenWhisk: {error}") from error
    if container is None:
        raise MachineError(f"no container of {artifact.short} could be started")
    return container


def _action(artifact: Artifact, port: int) -> Action:
    options = artifact.options
    return Action(
        str(options.get("namespace") or NAMESPACE).strip("/"),
        str(options.get("package") or ""),
        str(options.get("name") or artifact.short.replace(".", "-")),
        float(options.get("timeout") or BLOCKING_SECONDS),
        f"http://127.0.0.1:{port}",
        None if _is_ibm(artifact) else MAX_PAYLOAD,
    )


def _is_ibm(artifact: Artifact) -> bool:
    return bool(terms(Target("openwhisk", artifact.platform, {}, Place("", 0))).lacks)


def _doors(artifact: Artifact, waiting: Sequence[Mapping[str, Any]], is_web: bool) -> Sequence[Door]:
    if _is_ibm(artifact):
        return [CodeEngineUrl()]
    return [Triggers(_triggers(artifact, waiting)), Api(), RawWebAction(is_web)]


def _triggers(artifact: Artifact, waiting: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Their own parameters, by their names here."""
    made = {}
    for trigger in waiting:
        options = {name: value for name, value in trigger.items() if name != "kind"}
        made[triggers.named(artifact.function, trigger["kind"], options)] = triggers.fixed(trigger["kind"])
    return made


def _events(artifact: Artifact, served: Served) -> Endpoint:
    host = served.action.api_host
    if _is_ibm(artifact):
        return Endpoint("openwhisk", artifact.function, f"{host}/", "url")
    return Endpoint("openwhisk", artifact.function, f"{host}/api/v1/namespaces/{served.action.namespace}/triggers/")


def _web_url(action: Action) -> str:
    return f"{action.api_host}/api/v1/web/{action.namespace}/{action.package or 'default'}/{quote(action.name)}"


def _endpoint(artifact: Artifact, action: Action) -> Endpoint:
    api = f"{action.api_host}/api/v1"
    if _is_ibm(artifact):
        return Endpoint("openwhisk", artifact.function, f"{action.api_host}/", "url")
    if artifact.options.get("web"):
        return Endpoint("openwhisk", artifact.function, _web_url(action), "web")
    url = f"{api}/namespaces/{action.namespace}/actions/{quote(action.local)}?blocking=true&result=true"
    return Endpoint("openwhisk", artifact.function, url)


def _variables(artifact: Artifact, action: Action) -> dict[str, str]:
    """What a container is started and initialised with (apache/openwhisk pull request 4722, SetEnv in actionProxy.go),
    but for an API key, which only actions with that annotation get."""
    known = {
        "__OW_ACTION_NAME": action.qualified,
        "__OW_API_HOST": action.api_host,
        "__OW_EXECUTION_ENV": f"openwhisk/action-python-v{artifact.python}",
        "__OW_NAMESPACE": action.namespace,
        "__OW_WAIT_FOR_ACK": "1",
        "PYTHONIOENCODING": "UTF-8",
    }
    if _is_ibm(artifact):
        environment = f"ibm/action-python-v{artifact.python}"
        known |= {"CE_EXECUTION_ENV": environment, "CE_FUNCTION": action.name, "CE_REGION": "local"}
    return known
