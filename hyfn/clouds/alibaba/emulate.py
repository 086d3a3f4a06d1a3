"""Function Compute on this machine: the artifact's own start command, behind a stand-in for the platform's front.

Alibaba publishes its runtimes as images of its own registry, not on PyPI, npm or Debian: the evidence is "spec".
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import hyfn
from hyfn.clouds.alibaba.front import API, Configuration, Front
from hyfn.clouds.alibaba.host import PORT_VARIABLE
from hyfn.clouds.alibaba.instances import Instance
from hyfn.clouds.alibaba.pack import CONCURRENCY, DEFAULT_PYTHON, HOST, MEMORY, RUNTIMES, TIMEOUT, packer, start
from hyfn.errors import MachineError
from hyfn.model import Artifact, Target
from hyfn.toolchain import environments, hosting, listening, pythons
from hyfn.toolchain.fleet import LIMIT, PATIENCE, Fleet
from hyfn.toolchain.processes import free_port
from hyfn.wire.carrier import Endpoint

HEALTH = "/health/readiness"
REGION = "cn-hangzhou"
"""What a function without a region is told."""
ACCOUNT = "1000000000000000"


@dataclass(frozen=True, slots=True)
class AlibabaRunning:
    """Both doors lead to the same instances; `endpoint` is the one that callers use."""

    endpoint: Endpoint
    invoke: Endpoint
    trigger: Endpoint
    runtime: str
    evidence: str
    instances: Fleet[Instance]
    front: Front
    events: Endpoint | None = None

    @property
    def pages(self) -> str:
        """See hyfn.cloud.Paged."""
        return self.trigger.url.rstrip("/")

    def stop(self) -> None:
        """End every process of it. Safe to repeat."""
        self.front.stop()
        self.instances.stop()


class AlibabaEmulator:
    """At most `limit` instances of a function at a time; at the limit a call waits `patience` seconds, then 429.

    Enforces `timeout` and `concurrency`, not `memory` and `cpu`.
    """

    def __init__(self, limit: int = LIMIT, patience: float = PATIENCE) -> None:
        self._limit = limit
        self._patience = patience

    def python(self, target: Target) -> str:
        """The minor version that this machine will run `target` with. Raises MachineError where there is none."""
        return pythons.nearest(str(target.options.get("python") or DEFAULT_PYTHON), tuple(RUNTIMES))[0]

    def prepare(self, target: Target, report: Callable[[str], None]) -> None:
        """Make the runtime's Python, if it is not there. Safe to repeat and to run at once."""
        _environment(self.python(target), report)

    def start(
        self, artifact: Artifact, unpacked: Path, env: Mapping[str, str], log: Path, port: int = 0
    ) -> AlibabaRunning:
        """Start it and wait until it can be called. Raises ProjectError, in its own words, if it cannot load."""
        interpreter = _environment(artifact.python, lambda _: None).python
        configuration = _configuration(artifact)
        known = {**artifact.options.get("env", {}), **_variables(artifact, configuration), **env}

        def instance() -> Instance:
            return _instance(artifact, interpreter, known, packer.roots(unpacked)[0], log, configuration.timeout)

        concurrency = int(artifact.options.get("concurrency") or CONCURRENCY)
        instances = Fleet(instance, self._limit, self._patience, concurrency)
        try:
            instances.release(_first(instances, artifact))
            front = Front(configuration, instances, port)
        except BaseException:
            instances.stop()
            raise
        running = _running(artifact, interpreter, configuration, instances, front)
        return replace(running, events=running.invoke) if hosting.waits_for_events(unpacked) else running


emulator = AlibabaEmulator()


def _environment(python: str, report: Callable[[str], None]) -> environments.Environment:
    return environments.environment("container", [], python, report)


def _first(instances: Fleet[Instance], artifact: Artifact) -> Instance:
    instance = instances.take()
    if instance is None:
        raise MachineError(f"no instance of {artifact.short} could be started")
    return instance


def _instance(
    artifact: Artifact, interpreter: Path, env: Mapping[str, str], code: Path, log: Path, timeout: float
) -> Instance:
    """The start command, with this machine's interpreter in the place of the runtime's, on a port of its own."""
    port = free_port()
    of_its_own = {PORT_VARIABLE: str(port), "FC_SERVER_PORT": str(port), "FC_INSTANCE_ID": str(uuid.uuid4())}
    process = listening.start(
        [interpreter, *start(artifact.python)[1:]],
        env={**env, **of_its_own},
        cwd=code,
        log=log,
        port=port,
        health=HEALTH,
        what=f"{artifact.short} on {artifact.platform}",
    )
    return Instance(process, port, timeout)


def _configuration(artifact: Artifact) -> Configuration:
    options = artifact.options
    return Configuration(
        name=str(options.get("name") or artifact.short.replace(".", "-")),
        region=str(options.get("region") or REGION),
        account=ACCOUNT,
        handler=HOST,
        memory=int(options.get("memory") or MEMORY),
        timeout=float(options.get("timeout") or TIMEOUT),
    )


def _variables(artifact: Artifact, configuration: Configuration) -> dict[str, str]:
    """Those that Function Compute sets (VARIABLES in pack.py, and getEnvString in src/subCommands/local/impl/
    baseLocal.ts of Alibaba's own github.com/devsapp/fc3); HYFN_HOST keeps it on loopback."""
    return {
        "FC_ACCOUNT_ID": configuration.account,
        "FC_FUNCTION_HANDLER": configuration.handler,
        "FC_FUNCTION_MEMORY_SIZE": str(configuration.memory),
        "FC_FUNCTION_NAME": configuration.name,
        "FC_FUNCTION_VERSION": "LATEST",
        "FC_FUNC_CODE_PATH": "/code/",
        "FC_REGION": configuration.region,
        "FC_RUNTIME": RUNTIMES.get(artifact.python, RUNTIMES[DEFAULT_PYTHON])[0],
        "FC_TIMEOUT": f"{configuration.timeout:g}",
        "HYFN_HOST": "127.0.0.1",
    }


def _running(
    artifact: Artifact, interpreter: Path, configuration: Configuration, instances: Fleet[Instance], front: Front
) -> AlibabaRunning:
    address = f"http://127.0.0.1:{front.port}"
    invoke = Endpoint("alibaba", artifact.function, f"{address}{API}{configuration.name}/invocations")
    trigger = Endpoint("alibaba", artifact.function, f"{address}/", "http")
    version = pythons.full_version(interpreter, artifact.python) or artifact.python
    return AlibabaRunning(
        trigger if artifact.options.get("url") else invoke,
        invoke,
        trigger,
        f"hyfn.host {hyfn.__version__} on CPython {version}",
        "spec",
        instances,
        front,
    )
