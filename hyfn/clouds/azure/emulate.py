"""How an artifact runs on this machine: in Microsoft's azure-functions-runtime, behind a functions host of our own."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hyfn.clouds.azure import pack
from hyfn.errors import BuildError, MachineError
from hyfn.model import Artifact, Target
from hyfn.toolchain import environments, pythons
from hyfn.toolchain.environments import Environment
from hyfn.toolchain.processes import Process, clean_env, wait_until
from hyfn.wire.carrier import Endpoint

RUNTIME = "azure-functions-runtime"
REQUIRED = f"{RUNTIME}==1.3.0"
FRONT = ("grpcio>=1.70", "protobuf>=5.29")
NATIVE = "3.13"
"""The only Python that the library says it runs on. It runs on older ones too, with the SDK that Azure has there."""
OLDER = ("azure-functions>=1.21,<2", "azurefunctions-extensions-base==1.2.0", *FRONT)
START_SECONDS = 60
INVOKE = "/hyfn/invoke/"
HOST = Path(__file__).parent / "runtime" / "host.py"


class Emulated:
    """One artifact up in the worker."""

    evidence = "runtime"

    def __init__(self, process: Process, endpoint: Endpoint, runtime: str, events: Endpoint | None) -> None:
        """`events` is the door of our functions host at which it is told what Azure's would have heard of; the name of
        a function follows it. See runtime/triggers.py."""
        self._process = process
        self.endpoint = endpoint
        self.runtime = runtime
        self.events = events

    @property
    def pages(self) -> str:
        """See hyfn.cloud.Paged."""
        return self.endpoint.url.partition("/api/")[0]

    @property
    def pid(self) -> int:
        """The functions host, leader of the group that its worker is in."""
        return self._process.pid

    def stop(self) -> None:
        """End the host and the worker. Safe to repeat."""
        self._process.stop()


class AzureEmulator:
    """See hyfn.cloud.Emulator."""

    def python(self, target: Target) -> str:
        return pythons.nearest(pack.packer.runtimes(target)[0].python, pack.PYTHONS)[0]

    def prepare(self, target: Target, report: Callable[[str], None]) -> None:
        _environments(self.python(target), report)

    def start(self, artifact: Artifact, unpacked: Path, env: Mapping[str, str], log: Path, port: int = 0) -> Emulated:
        """Raises BuildError where the artifact does not load, MachineError where this machine is the reason."""
        python = pythons.nearest(artifact.python, pack.PYTHONS)[0]
        front, library = _environments(python, _silent)
        ready = log.with_name(f"{log.name}.ready")
        ready.unlink(missing_ok=True)
        options = {
            "root": str(unpacked),
            "roots": [str(root) for root in pack.packer.roots(unpacked)],
            "libraries": [] if library is front else [str(library.site_packages)],
            "port": port,
            "ready": str(ready),
        }
        argv = [str(front.python), str(HOST), json.dumps(options)]
        variables = {**_platform(unpacked), **artifact.options.get("env", {}), **env}
        process = Process.start(argv, env=clean_env(variables), cwd=unpacked, log=log)
        try:
            news = _wait(process, ready)
            origin = f"http://127.0.0.1:{news['port']}"
        except BaseException:
            process.stop()
            raise
        runtime = f"{RUNTIME} {library.version(RUNTIME)} on CPython {news['python']}"
        endpoint = Endpoint(artifact.cloud, artifact.function, origin + news["functions"][0])
        events = Endpoint(artifact.cloud, artifact.function, f"{origin}{INVOKE}") if news["waiting"] else None
        return Emulated(process, endpoint, runtime, events)


emulator = AzureEmulator()


def _environments(python: str, report: Callable[[str], None]) -> tuple[Environment, Environment]:
    """Where host and worker run, and where the library is: the same, but on a Python that the library does not name."""
    if python == NATIVE:
        environment = environments.environment("azure", [REQUIRED, *FRONT], python, report)
        return environment, environment
    front = environments.environment("azure", OLDER, python, report)
    pretend = ("--no-deps", "--python-version", NATIVE)
    return front, environments.environment("azure-runtime", [REQUIRED], python, report, extra_args=pretend)


def _platform(unpacked: Path) -> dict[str, str]:
    """The variables that Azure sets and that libraries look at."""
    return {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "AzureWebJobsScriptRoot": str(unpacked),
        "FUNCTIONS_EXTENSION_VERSION": "~4",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "PYTHONUNBUFFERED": "1",
    }


def _wait(process: Process, ready: Path) -> dict[str, Any]:
    """The host's news once it listens."""
    failure: MachineError | None = None
    try:
        wait_until(ready.exists, process, START_SECONDS)
    except MachineError as error:
        failure = error
    if not ready.exists():
        raise failure or MachineError("the functions host said nothing")
    news: dict[str, Any] = json.loads(ready.read_text())
    if "machine" in news:
        raise MachineError(str(news["machine"]))
    if "error" in news:
        raise _unloadable(news)
    return news


def _unloadable(news: Mapping[str, str]) -> BuildError:
    """What Azure would pass over in silence: the app just has no function."""
    # The runtime appends its advice and sys.path to what the import said.
    said = news["error"].partition(". Cannot find module.")[0]
    place = None
    for file, line in re.findall(r'^ *File "(.+?)", line (\d+)', news["trace"], re.MULTILINE):
        with contextlib.suppress(ValueError):
            place = f"{Path(file).relative_to(news['root'])}:{line}"
    return BuildError(f"Azure's runtime cannot load the artifact: {said}", where=place)


def _silent(_: str) -> None: ...
