"""Knative on this machine: the container's process, started by the container contract, without a container.

With runtime="func" Knative's own func-python serves it, else hyfn's host as in production: the platform is a stand-in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hyfn.clouds.knative.pack import HOST, PYTHONS, SCAFFOLD, is_func, packer
from hyfn.model import Artifact, Target
from hyfn.pack.contained import DEFAULT_PYTHON
from hyfn.toolchain import environments, hosting, pythons
from hyfn.toolchain.hosting import Pair
from hyfn.toolchain.listening import Listening
from hyfn.toolchain.processes import Process
from hyfn.wire.carrier import Endpoint

FUNC_PYTHON = "func-python==0.8.1"


class KnativeEmulator:
    """Does not enforce `timeout`, `memory` and `concurrency`: the queue-proxy and the cluster do."""

    def python(self, target: Target) -> str:
        """The minor version that this machine will run `target` with. Raises MachineError where there is none."""
        return pythons.nearest(str(target.options.get("python") or DEFAULT_PYTHON), PYTHONS)[0]

    def prepare(self, target: Target, report: Callable[[str], None]) -> None:
        """Make the image's Python, and install func-python if it is wanted. Safe to repeat and to run at once."""
        _environment(is_func(target), self.python(target), report)

    def start(self, artifact: Artifact, unpacked: Path, env: Mapping[str, str], log: Path, port: int = 0) -> Listening:
        """Start it and wait until it is ready. Raises ProjectError, in its own words, if it cannot load."""
        func = artifact.options.get("runtime") == "func"
        environment = _environment(func, artifact.python, lambda _: None)
        [root] = packer.roots(unpacked)
        arguments = ["-c", SCAFFOLD] if func else ["-m", HOST]

        def process(port: int, more: Mapping[str, str]) -> Process:
            variables = {**_variables(artifact, port), **env, **more}
            return hosting.start(artifact, environment.python, arguments, root, variables, log, port)

        started = Pair.start(process, port, hosting.waits_for_events(root))
        server = f"func-python {environment.version('func-python')}" if func else hosting.own_server()
        return Listening(
            Endpoint("knative", artifact.function, started.url),
            hosting.runtime(server, environment, artifact.python),
            "runtime" if func else "spec",
            started.process,
            Endpoint("knative", artifact.function, started.events_url) if started.events_url else None,
            started.events_process,
        )


emulator = KnativeEmulator()


def _environment(func: bool, python: str, report: Callable[[str], None]) -> environments.Environment:
    if func:
        return environments.environment("func-python", [FUNC_PYTHON], python, report)
    return hosting.environment(python, report)


def _variables(artifact: Artifact, port: int) -> dict[str, str]:
    """What Knative sets in a container; LISTEN_ADDRESS keeps func-python on loopback."""
    service = str(artifact.options.get("name") or artifact.short.replace(".", "-").replace("_", "-").lower())
    return {
        "K_CONFIGURATION": service,
        "K_REVISION": f"{service}-00001",
        "K_SERVICE": service,
        "LISTEN_ADDRESS": f"127.0.0.1:{port}",
    }
