"""A function's process on this machine. Nothing stands in for anything: this is where @local functions live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import hyfn
from hyfn.clouds.local.pack import DEFAULT_PYTHON, HOST, PYTHONS
from hyfn.model import Artifact, Target
from hyfn.toolchain import environments, listening, pythons
from hyfn.toolchain.listening import Listening
from hyfn.toolchain.processes import free_port
from hyfn.wire.carrier import Endpoint


class LocalEmulator:
    def python(self, target: Target) -> str:
        """The minor version that this machine will run `target` with. Raises MachineError where there is none."""
        return pythons.nearest(str(target.options.get("python") or DEFAULT_PYTHON), PYTHONS)[0]

    def prepare(self, target: Target, report: Callable[[str], None]) -> None:
        """Make an empty environment of its Python. Safe to repeat and to run at once."""
        _environment(self.python(target), report)

    def start(self, artifact: Artifact, unpacked: Path, env: Mapping[str, str], log: Path, port: int = 0) -> Listening:
        """Start it and wait until it is ready. Raises ProjectError, in its own words, if it cannot load."""
        environment = _environment(artifact.python, lambda _: None)
        port = port or free_port()
        process = listening.start(
            [environment.python, "-m", HOST],
            env={**artifact.options.get("env", {}), "HYFN_HOST": "127.0.0.1", "PORT": str(port), **env},
            cwd=unpacked,
            log=log,
            port=port,
            health="/health/readiness",
            what=artifact.short,
        )
        version = pythons.full_version(environment.python, artifact.python) or artifact.python
        return Listening(
            Endpoint("local", artifact.function, f"http://127.0.0.1:{port}/"),
            f"hyfn.host {hyfn.__version__} on CPython {version}",
            "runtime",
            process,
        )


emulator = LocalEmulator()


def _environment(python: str, report: Callable[[str], None]) -> environments.Environment:
    return environments.environment("container", [], python, report)
