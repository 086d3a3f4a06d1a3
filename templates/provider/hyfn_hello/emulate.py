"""The platform on this machine, for `hyfn run`, `hyfn dev` and tests: the container's process, without a container.

Where the vendor's own runtime can run here, start that one, and say evidence "runtime".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hyfn.model import Artifact, Target
from hyfn.pack.contained import DEFAULT_PYTHON, PYTHONS
from hyfn.toolchain import hosting, pythons
from hyfn.toolchain.listening import Listening
from hyfn.toolchain.processes import free_port
from hyfn.wire.carrier import Endpoint

from hyfn_hello.pack import HOST, packer

CLOUD = "hello"
"""As the entry point is named."""


class Emulator:
    """See hyfn.cloud.Emulator for what each of these promises."""

    def python(self, target: Target) -> str:
        return pythons.nearest(str(target.options.get("python") or DEFAULT_PYTHON), PYTHONS)[0]

    def prepare(self, target: Target, report: Callable[[str], None]) -> None:
        hosting.environment(self.python(target), report)

    def start(self, artifact: Artifact, unpacked: Path, env: Mapping[str, str], log: Path, port: int = 0) -> Listening:
        environment = hosting.environment(artifact.python, lambda _: None)
        port = port or free_port()
        [root] = packer.roots(unpacked)
        process = hosting.start(artifact, environment.python, ["-m", HOST], root, env, log, port)
        endpoint = Endpoint(CLOUD, artifact.function, f"http://127.0.0.1:{port}/")
        runtime = hosting.runtime(hosting.own_server(), environment, artifact.python)
        return Listening(endpoint, runtime, "spec", process)


emulator = Emulator()
