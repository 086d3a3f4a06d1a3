"""A program that answers HTTP on loopback, started and waited for."""

from __future__ import annotations

import http.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hyfn.errors import MachineError, ProjectError
from hyfn.toolchain.processes import Process, clean_env, wait_until
from hyfn.wire.carrier import Endpoint

READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Listening:
    """hyfn.cloud.Running as one process, and a second one for events where there are some."""

    endpoint: Endpoint
    runtime: str
    evidence: str
    process: Process
    events: Endpoint | None = None
    events_process: Process | None = None
    """What takes the platform's events, where that is a process of its own."""

    @property
    def pages(self) -> str:
        """See hyfn.cloud.Paged."""
        return self.endpoint.url.rstrip("/")

    def stop(self) -> None:
        """End every process of it. Safe to repeat."""
        self.process.stop()
        if self.events_process is not None:
            self.events_process.stop()


def start(
    argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, log: Path, port: int, health: str, what: str
) -> Process:
    """Start `argv` and wait until GET `health` on `port` is 200.

    Raises ProjectError, with the end of its log, where `what` ended instead of listening.
    """
    process = Process.start(argv, env=clean_env(env), cwd=cwd, log=log)
    try:
        wait_until(lambda: _is_healthy(port, health), process, READY_SECONDS)
    except BaseException as error:
        has_ended = process.poll() is not None
        process.stop(grace=0.5)
        if isinstance(error, MachineError) and has_ended:
            raise ProjectError(f"{what} does not load: {error}") from error
        raise
    return process


def _is_healthy(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
