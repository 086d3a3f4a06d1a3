"""A container's process on this machine, without a container: what emulators of platforms that run images share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hyfn
from hyfn.model import Artifact
from hyfn.toolchain import environments, listening, pythons
from hyfn.toolchain.environments import Environment
from hyfn.toolchain.processes import Process, free_port

HEALTH = "/health/readiness"
EVENTS = {"HYFN_DOOR": "events"}
"""What tells a host to take its platform's events and nothing else. See hyfn.host.container."""


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


@dataclass(frozen=True, slots=True)
class Pair:
    """A process that takes calls, and one of the same artifact that takes events; its url is "" where none waits."""

    process: Process
    url: str
    events_process: Process | None = None
    events_url: str = ""

    @classmethod
    def start(cls, process: Callable[[int, Mapping[str, str]], Process], port: int, has_events: bool) -> Pair:
        """`process` starts one on a port with further variables, and waits for it. `port` 0 takes a free one."""
        port = port or free_port()
        calls = process(port, {})
        url = f"http://127.0.0.1:{port}/"
        if not has_events:
            return cls(calls, url)
        events_port = free_port()
        try:
            return cls(calls, url, process(events_port, EVENTS), f"http://127.0.0.1:{events_port}/")
        except BaseException:
            calls.stop()
            raise


def waits_for_events(root: Path) -> bool:
    """Whether a function of the artifact whose import root is `root` waits for its platform's events."""
    return bool(waiting(root))


def waiting(root: Path) -> list[dict[str, Any]]:
    """What the functions of the artifact at `root` wait for, each as hyfn.json has it; nothing where it is none."""
    return [trigger for trigger in _triggers(root) if trigger["kind"] != "http"]


def has_pages(root: Path) -> bool:
    """Whether a function of the artifact at `root` takes plain HTTP."""
    return bool(pages(root))


def pages(root: Path) -> list[str]:
    """The paths at which functions of the artifact at `root` take plain HTTP."""
    return [trigger["path"] for trigger in _triggers(root) if trigger["kind"] == "http"]


def _triggers(root: Path) -> list[dict[str, Any]]:
    try:
        triggers = json.loads((root / "hyfn.json").read_bytes()).get("triggers", {})
    except FileNotFoundError:
        return []
    return [trigger for each in triggers.values() for trigger in each]


def runtime(server: str, environment: Environment, python: str) -> str:
    """What runs it, in words: "hyfn.host 0.1.0 on CPython 3.13.0". `python` is the minor version."""
    return f"{server} on CPython {pythons.full_version(environment.python, python) or python}"


def own_server() -> str:
    return f"hyfn.host {hyfn.__version__}"
