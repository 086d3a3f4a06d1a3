"""Containers by podman and runc, with storage of their own."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hyfn.toolchain.processes import free_port
from tests.registry import lacking, needed

SETTINGS = """
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
SECONDS = 120.0
READY_SECONDS = 20.0
PLAYED = 8080
"""Where the container of a pod listens: its address is its own."""


class Failed(Exception):
    """What podman said."""


class Podman:
    """An engine whose images and containers are in `folder`, and are gone afterwards."""

    def __init__(self, folder: Path) -> None:
        needed("podman", "runc")
        if os.geteuid() != 0:
            lacking("only root may run containers here, and end what runs in them by other users")
        self._folder = folder

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "containers.conf").write_text(SETTINGS)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(Failed, subprocess.SubprocessError):
            self.run("pod", "rm", "--all", "--force", "--time", "0")
            self.run("rm", "--all", "--force", "--time", "0")
        for mounted in (self._folder / "root").glob("*"):
            if mounted.is_mount():
                subprocess.run(["umount", "--lazy", str(mounted)], check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, *arguments: str) -> str:
        """podman's standard output. Raises Failed."""
        names = {"root": "--root", "run": "--runroot", "networks": "--network-config-dir"}
        folders = [text for name, option in names.items() for text in (option, str(self._folder / name))]
        env = {**os.environ, "CONTAINERS_CONF": str(self._folder / "containers.conf"), "TMPDIR": str(self._folder)}
        done = subprocess.run(
            ["podman", *folders, *arguments], env=env, capture_output=True, text=True, timeout=SECONDS
        )
        if done.returncode:
            raise Failed(f"podman {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def start(self, image: str, env: Mapping[str, str], options: Sequence[str] = ()) -> Container:
        """A container of `image` by its own user, that listens on the PORT that it is given, on this machine's own
        loopback."""
        port = free_port()
        pairs = [f"--env={name}={value}" for name, value in {**env, "PORT": str(port)}.items()]
        trust = [] if image.startswith("oci:") else ["--tls-verify=false"]
        usual = ["--detach", "--network=host", "--read-only"]
        identity = self.run("run", *usual, *trust, *pairs, *options, image).strip().splitlines()[-1]
        container = Container(self, identity, port)
        container.wait()
        return container

    def play(self, deployment: Mapping[str, Any], secret: Mapping[str, Any]) -> Container:
        """The one container of the Deployment, as Kubernetes would start it, with the Secret that it mounts.

        It is on a network of its own: it is reached by its `address`.
        """
        self._apply(secret)
        identity = self._apply(deployment).split("Container:")[1].split()[0]
        volume = Path(self.run("volume", "inspect", "--format={{.Mountpoint}}", secret["metadata"]["name"]).strip())
        for name, encoded in secret["data"].items():
            (volume / name).write_bytes(base64.b64decode(encoded))  # podman 4.3 leaves it as it is
        address = self._inspected(identity)["NetworkSettings"]["Networks"].popitem()[1]["IPAddress"]
        container = Container(self, identity, PLAYED, address)
        container.wait()
        return container

    def _apply(self, kubernetes_object: Mapping[str, Any]) -> str:
        file = self._folder / "object.json"  # which is YAML too
        file.write_text(json.dumps(kubernetes_object))
        return self.run("play", "kube", "--quiet", "--tls-verify=false", str(file))

    def _inspected(self, identity: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("inspect", identity))[0]
        return found


@dataclass(frozen=True)
class Container:
    """One that runs, and listens on `port` of `address`."""

    podman: Podman
    identity: str
    port: int
    address: str = "127.0.0.1"

    def wait(self) -> None:
        """Until it answers."""
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.get("/")
            except (OSError, http.client.HTTPException):
                if time.monotonic() > until or not self.is_running():
                    raise AssertionError(f"it does not answer:\n{self.logs()}") from None
                time.sleep(0.02)
            else:
                return

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def is_running(self) -> bool:
        return bool(json.loads(self.podman.run("inspect", self.identity))[0]["State"]["Running"])

    def logs(self) -> str:
        return self.podman.run("logs", self.identity)

    def terminate(self) -> float:
        """The seconds from SIGTERM until it has ended."""
        process = int(json.loads(self.podman.run("inspect", self.identity))[0]["State"]["Pid"])
        watched = os.pidfd_open(process)
        try:
            before = time.monotonic()
            os.kill(process, signal.SIGTERM)
            _until_ended(watched)
            return time.monotonic() - before
        finally:
            os.close(watched)

    def exit_code(self) -> int:
        return int(self.podman.run("wait", self.identity))


def _until_ended(watched: int) -> None:
    """Wait for the process behind a pidfd, for SECONDS at most."""
    if not select.select([watched], [], [], SECONDS)[0]:
        raise AssertionError("it does not end")
