"""How each runtime is started, as hyfn's emulators start it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from hyfn.clouds.aws import emulate as aws
from hyfn.clouds.aws.pack import HANDLER
from hyfn.clouds.azure import emulate as azure
from hyfn.clouds.azure import pack as azure_pack
from hyfn.clouds.gcp import emulate as gcp
from hyfn.clouds.gcp.pack import TARGET
from hyfn.clouds.knative import emulate as knative
from hyfn.clouds.knative.pack import HOST as KNATIVE_HOST
from hyfn.clouds.knative.pack import SCAFFOLD
from hyfn.clouds.local import emulate as local
from hyfn.clouds.local.pack import HOST as LOCAL_HOST
from hyfn.model import Artifact
from hyfn.toolchain.processes import clean_env, free_port
from tests.bench import byhand
from tests.bench.starts import Command


def command(artifact: Artifact, unpacked: Path, env: Mapping[str, str]) -> Command:
    """What starts `artifact`, which lies in `unpacked`, with `env` besides what its runtime wants."""
    return {"aws": _aws, "azure": _azure, "gcp": _gcp, "knative": _knative, "local": _local}[artifact.cloud](
        artifact, unpacked, env
    )


def raw_http(artifact: Artifact, env: Mapping[str, str]) -> Command:
    """The hand-written server, on the Python that hyfn's host has."""
    port = free_port()
    python = str(local._environment(artifact.python, _quiet).python)
    return Command([python, str(byhand.HERE / "raw_http.py"), str(port)], clean_env(env), byhand.HERE, port)


def _quiet(_: str) -> None: ...


def _aws(artifact: Artifact, unpacked: Path, env: Mapping[str, str]) -> Command:
    python = aws._environment(artifact.python, _quiet).python
    variables = aws._variables(artifact, aws._configuration(artifact), unpacked)
    return Command([str(python), "-m", "awslambdaric", HANDLER], clean_env({**variables, **env}), unpacked)


def _gcp(artifact: Artifact, unpacked: Path, env: Mapping[str, str]) -> Command:
    port = free_port()
    program = str(gcp._environment(artifact.python, _quiet).bin / "functions-framework")
    what = ["--target", TARGET, "--signature-type", "http", "--source", "main.py"]
    variables = gcp._variables(artifact, port)
    argv = [program, *what, "--host", "127.0.0.1", "--port", str(port)]
    return Command(argv, clean_env({**variables, **env}), unpacked, port)


def _azure(artifact: Artifact, unpacked: Path, env: Mapping[str, str]) -> Command:
    port = free_port()
    front, library = azure._environments(artifact.python, _quiet)
    options = {
        "root": str(unpacked),
        "roots": [str(root) for root in azure_pack.packer.roots(unpacked)],
        "libraries": [] if library is front else [str(library.site_packages)],
        "port": port,
        "ready": str(unpacked.with_name("ready")),
    }
    argv = [str(front.python), str(azure.HOST), json.dumps(options)]
    return Command(argv, clean_env({**azure._platform(unpacked), **env}), unpacked, port)


def _knative(artifact: Artifact, unpacked: Path, env: Mapping[str, str]) -> Command:
    port = free_port()
    func = artifact.options.get("runtime") == "func"
    python = str(knative._environment(func, artifact.python, _quiet).python)
    argv = [python, *(["-c", SCAFFOLD] if func else ["-m", KNATIVE_HOST])]
    return Command(argv, clean_env({**knative._variables(artifact, port), **env}), unpacked / "app", port)


def _local(artifact: Artifact, unpacked: Path, env: Mapping[str, str]) -> Command:
    port = free_port()
    python = str(local._environment(artifact.python, _quiet).python)
    variables = {"HYFN_HOST": "127.0.0.1", "PORT": str(port)}
    return Command([python, "-m", LOCAL_HOST], clean_env({**variables, **env}), unpacked, port)
