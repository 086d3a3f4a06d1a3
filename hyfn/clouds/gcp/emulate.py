"""Google Cloud Run functions on this machine: the vendor's Functions Framework, started as in production."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hyfn.clouds.gcp.pack import DEFAULT_PYTHON, FRAMEWORK, PYTHONS, TARGET
from hyfn.errors import MachineError, ProjectError
from hyfn.model import Artifact, Target
from hyfn.toolchain import environments, hosting, pythons
from hyfn.toolchain.hosting import Pair
from hyfn.toolchain.processes import Process, clean_env, wait_until
from hyfn.wire.carrier import Endpoint

THREADS = 16
"""Calls at a time, at least: this one process stands for all the instances that Google would start."""
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class FrameworkRunning:
    endpoint: Endpoint
    runtime: str
    evidence: str
    process: Process
    events: Endpoint | None = None
    events_process: Process | None = None

    @property
    def pages(self) -> str:
        """See hyfn.cloud.Paged."""
        return self.endpoint.url.rstrip("/")

    def stop(self) -> None:
        """End every process of it. Safe to repeat."""
        self.process.stop()
        if self.events_process is not None:
            self.events_process.stop()


class FrameworkEmulator:
    """Does not enforce `timeout`: Google's front does, which is not on this machine; callers' deadlines hold."""

    def python(self, target: Target) -> str:
        """The minor version that this machine will run `target` with. Raises MachineError where there is none."""
        return pythons.nearest(str(target.options.get("python") or DEFAULT_PYTHON), PYTHONS)[0]

    def prepare(self, target: Target, report: Callable[[str], None]) -> None:
        """Install the framework for it, if it is not there. Safe to repeat and to run at once."""
        _environment(self.python(target), report)

    def start(
        self, artifact: Artifact, unpacked: Path, env: Mapping[str, str], log: Path, port: int = 0
    ) -> FrameworkRunning:
        """Start it and wait until it can be called. Raises ProjectError, in its own words, if it cannot load."""
        environment = _environment(artifact.python, lambda _: None)

        def process(port: int, more: Mapping[str, str]) -> Process:
            return _started(environment, artifact, unpacked, {**env, **more}, log, port)

        started = Pair.start(process, port, hosting.waits_for_events(unpacked))
        python = pythons.full_version(environment.python, artifact.python) or artifact.python
        return FrameworkRunning(
            Endpoint("gcp", artifact.function, started.url),
            f"functions-framework {environment.version('functions-framework')} on CPython {python}",
            "runtime",
            started.process,
            Endpoint("gcp", artifact.function, started.events_url) if started.events_url else None,
            started.events_process,
        )


emulator = FrameworkEmulator()


def _started(
    environment: environments.Environment,
    artifact: Artifact,
    unpacked: Path,
    env: Mapping[str, str],
    log: Path,
    port: int,
) -> Process:
    what = ["--target", TARGET, "--signature-type", "http", "--source", "main.py"]
    argv: list[str | Path] = [
        environment.bin / "functions-framework",
        *what,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    # As Google's builder sets it.
    unbuffered = {"PYTHONUNBUFFERED": "1"}
    variables = {**unbuffered, **_variables(artifact, port), **artifact.options.get("env", {}), **env}
    process = Process.start(argv, env=clean_env(variables), cwd=unpacked, log=log)
    try:
        _wait(process, port, artifact)
    except BaseException:
        process.stop(grace=0.5)
        raise
    return process


def _environment(python: str, report: Callable[[str], None]) -> environments.Environment:
    return environments.environment("functions-framework", [FRAMEWORK], python, report)


def _variables(artifact: Artifact, port: int) -> dict[str, str]:
    """What Cloud Run sets for a function."""
    service = str(artifact.options.get("name") or artifact.short.replace(".", "-").replace("_", "-").lower())
    return {
        "FUNCTION_SIGNATURE_TYPE": "http",
        "FUNCTION_TARGET": TARGET,
        "K_CONFIGURATION": service,
        "K_REVISION": f"{service}-00001-dev",
        "K_SERVICE": service,
        "PORT": str(port),
        "THREADS": str(max(THREADS, int(artifact.options.get("concurrency") or 1))),
    }


def _wait(process: Process, port: int, artifact: Artifact) -> None:
    try:
        wait_until(lambda: _answers(port), process, READY_SECONDS)
    except MachineError as error:
        if process.poll() is None:
            raise
        raise ProjectError(f"{artifact.short} does not load in the Functions Framework: {error}") from error


def _answers(port: int) -> bool:
    """Whether a request comes back: the listening socket is there before the worker is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
