"""A container's process on this machine, without a container: what emulators of platforms that run images share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import hyfn
from hyfn.model import Artifact
from hyfn.toolchain import environments, listening, pythons
from hyfn.toolchain.environments import Environment
from hyfn.toolchain.processes import Process

HEALTH = "/health/readiness"


def environment(python: str, report: Callable[[str], None]) -> Environment:
    """A bare CPython `python`, as an image has it. Made on first use."""
    return environments.environment("container", [], python, report)


def start(
    artifact: Artifact,
    python: Path,
    arguments: Sequence[str],
    root: Path,
    variables: Mapping[str, str],
    log: Path,
    port: int,
) -> Process:
    """Start `python` with the arguments in the artifact's import root, and wait until it is ready on `port`.

    It has the artifact's own variables and, over them, `variables`; HYFN_HOST keeps it on loopback. Raises
    ProjectError, in the artifact's own words, where it cannot load.
    """
    return listening.start(
        [python, *arguments],
        env={**artifact.options.get("env", {}), "HYFN_HOST": "127.0.0.1", "PORT": str(port), **variables},
        cwd=root,
        log=log,
        port=port,
        health=HEALTH,
        what=f"{artifact.short} on {artifact.platform}",
    )


def runtime(server: str, environment: Environment, python: str) -> str:
    """What runs it, in words: "hyfn.host 0.1.0 on CPython 3.13.0". `python` is the minor version."""
    return f"{server} on CPython {pythons.full_version(environment.python, python) or python}"


def own_server() -> str:
    return f"hyfn.host {hyfn.__version__}"
