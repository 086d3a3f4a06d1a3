"""Kubernetes on this machine: the container's process without a container. The cluster is a stand-in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hyfn.clouds.kubernetes.pack import HOST, PYTHONS, packer
from hyfn.model import Artifact, Target
from hyfn.pack.contained import DEFAULT_PYTHON
from hyfn.toolchain import hosting, pythons
from hyfn.toolchain.hosting import Pair
from hyfn.toolchain.listening import Listening
from hyfn.toolchain.processes import Process
from hyfn.wire.carrier import Endpoint


class KubernetesEmulator:
    """Runs one instance. Does not enforce `memory` and `cpu`, nor that its files are read-only."""

    def python(self, target: Target) -> str:
        """The minor version that this machine will run `target` with. Raises MachineError where there is none."""
        return pythons.nearest(str(target.options.get("python") or DEFAULT_PYTHON), PYTHONS)[0]

    def prepare(self, target: Target, report: Callable[[str], None]) -> None:
        """Make the image's Python. Safe to repeat and to run at once."""
        hosting.environment(self.python(target), report)

    def start(self, artifact: Artifact, unpacked: Path, env: Mapping[str, str], log: Path, port: int = 0) -> Listening:
        """Start it and wait until it is ready. Raises ProjectError, in its own words, if it cannot load."""
        environment = hosting.environment(artifact.python, lambda _: None)
        [root] = packer.roots(unpacked)

        def process(port: int, more: Mapping[str, str]) -> Process:
            return hosting.start(artifact, environment.python, ["-m", HOST], root, {**env, **more}, log, port)

        started = Pair.start(process, port, hosting.waits_for_events(root))
        return Listening(
            Endpoint("kubernetes", artifact.function, started.url),
            hosting.runtime(hosting.own_server(), environment, artifact.python),
            "spec",
            started.process,
            Endpoint("kubernetes", artifact.function, started.events_url) if started.events_url else None,
            started.events_process,
        )


emulator = KubernetesEmulator()
