"""AWS Lambda on this machine: the vendor's awslambdaric behind a Runtime API of ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hyfn.clouds.aws.front import API, Front
from hyfn.clouds.aws.pack import DEFAULT_PYTHON, HANDLER, MEMORY, PYTHONS, TIMEOUT, packer
from hyfn.clouds.aws.runtime_api import Configuration, Environment, InitFailed
from hyfn.errors import MachineError, ProjectError
from hyfn.model import Artifact, Target
from hyfn.toolchain import environments, hosting, pythons
from hyfn.toolchain.fleet import LIMIT, PATIENCE, Fleet
from hyfn.toolchain.processes import Process, clean_env
from hyfn.wire.carrier import Endpoint

RUNTIME = "awslambdaric==4.2.2"
REGION = "us-east-1"
"""What a function without a region is told."""


@dataclass(frozen=True, slots=True)
class LambdaRunning:
    """Both doors lead to the same environments; `endpoint` is the one that callers use."""

    endpoint: Endpoint
    function_url: Endpoint
    runtime: str
    evidence: str
    fleet: Fleet[Environment]
    front: Front
    events: Endpoint | None = None

    @property
    def pages(self) -> str:
        """See hyfn.cloud.Paged."""
        return self.function_url.url.rstrip("/")

    def stop(self) -> None:
        """End every process of it. Safe to repeat."""
        self.front.stop()
        self.fleet.stop()


class LambdaEmulator:
    """At most `limit` environments of a function at a time; at the limit a call waits `patience` seconds, then 429."""

    def __init__(self, limit: int = LIMIT, patience: float = PATIENCE) -> None:
        self._limit = limit
        self._patience = patience

    def python(self, target: Target) -> str:
        """The minor version that this machine will run `target` with. Raises MachineError where there is none."""
        return pythons.nearest(str(target.options.get("python") or DEFAULT_PYTHON), PYTHONS)[0]

    def prepare(self, target: Target, report: Callable[[str], None]) -> None:
        """Install awslambdaric for it, if it is not there. Safe to repeat and to run at once."""
        _environment(self.python(target), report)

    def start(
        self, artifact: Artifact, unpacked: Path, env: Mapping[str, str], log: Path, port: int = 0
    ) -> LambdaRunning:
        """Start it and wait until it can be called. Raises ProjectError, in the runtime's words, if it cannot load."""
        environment = _environment(artifact.python, lambda _: None)
        configuration = _configuration(artifact)
        root = packer.roots(unpacked)[0]
        known = _variables(artifact, configuration, root)
        process_env = clean_env({"TZ": ":UTC", **artifact.options.get("env", {}), **known, **env})

        def process(address: str) -> Process:
            argv: list[str | Path] = [environment.python, "-m", "awslambdaric", HANDLER]
            return Process.start(argv, env={**process_env, "AWS_LAMBDA_RUNTIME_API": address}, cwd=root, log=log)

        fleet = Fleet(lambda: Environment(configuration, process), self._limit, self._patience)
        try:
            fleet.release(_first(fleet, artifact))
            front = Front(configuration, fleet, port)
        except BaseException:
            fleet.stop()
            raise
        url = f"http://127.0.0.1:{front.port}"
        invoke = Endpoint("aws", artifact.function, f"{url}{API}{configuration.name}/invocations")
        function_url = Endpoint("aws", artifact.function, f"{url}/", "url")
        return LambdaRunning(
            function_url if artifact.options.get("url") else invoke,
            function_url,
            f"awslambdaric {environment.version('awslambdaric')} on CPython {_version(environment.python, artifact)}",
            "runtime",
            fleet,
            front,
            invoke if hosting.waits_for_events(root) else None,
        )


emulator = LambdaEmulator()


def _environment(python: str, report: Callable[[str], None]) -> environments.Environment:
    return environments.environment("awslambdaric", [RUNTIME], python, report)


def _first(fleet: Fleet[Environment], artifact: Artifact) -> Environment:
    try:
        environment = fleet.take()
    except InitFailed as error:
        raise ProjectError(f"{artifact.short} does not load in AWS Lambda's runtime: {error}") from error
    if environment is None:
        raise MachineError(f"no environment of {artifact.short} could be started")
    return environment


def _configuration(artifact: Artifact) -> Configuration:
    name = str(artifact.options.get("name") or artifact.short.replace(".", "-"))
    region = artifact.options.get("region") or REGION
    timeout = float(artifact.options.get("timeout") or TIMEOUT)
    return Configuration(name, f"arn:aws:lambda:{region}:000000000000:function:{name}", timeout)


def _variables(artifact: Artifact, configuration: Configuration, root: Path) -> dict[str, str]:
    """The environment variables that Lambda reserves, as it sets them."""
    region = str(artifact.options.get("region") or REGION)
    return {
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{artifact.python}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(artifact.options.get("memory") or MEMORY),
        "AWS_LAMBDA_FUNCTION_NAME": configuration.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{configuration.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"2015/03/31/[$LATEST]{os.getpid():032x}",
        "AWS_REGION": region,
        "LAMBDA_TASK_ROOT": str(root),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(root), artifact.options.get("env", {}).get("PYTHONPATH")])),
        "_HANDLER": HANDLER,
    }


def _version(python: Path, artifact: Artifact) -> str:
    return pythons.full_version(python, artifact.python) or artifact.python
