"""Debian's docker-registry on loopback, behind a wire that counts bytes and can be cut."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from hyfn.toolchain.processes import Process, clean_env, free_port, wait_until

PROGRAM = "docker-registry"
USER, PASSWORD = "ada", "analytical"
HTPASSWD = "ada:$2b$05$abcdefghijklmnopqrstuuxkleb1NWew3dFCVW4PrlVhUVEPBBgm.\n"
"""That user and password, by bcrypt."""
READY_SECONDS = 20.0
BLOCK = 65536


PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
"""Where programs are looked for: not every user's PATH has those of the system."""


def needed(*programs: str) -> None:
    """Skip where one of the programs is missing at home, fail where it is on CI."""
    missing = [program for program in programs if shutil.which(program, path=PLACES) is None]
    if missing:
        lacking(f"this machine has no {', '.join(missing)}: apt install {' '.join(programs)}")


def lacking(reason: str) -> None:
    """Skip at home, fail on CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class Registry:
    """A registry in `folder`, up while this is used as a context manager.

    `auth` is its table of that name: `Registry.by_password` has one. `received` counts what clients sent, headers too.
    """

    def __init__(self, folder: Path, auth: Mapping[str, Any] | None = None) -> None:
        needed(PROGRAM)
        self._folder = folder
        self._auth = auth
        self._behind = free_port()
        self._wire = Wire(self._behind)

    @classmethod
    def by_password(cls, folder: Path) -> Self:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "htpasswd").write_text(HTPASSWD)
        return cls(folder, {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}})

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        config: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "storage")}},
            "http": {"addr": f"127.0.0.1:{self._behind}", "relativeurls": True},
        }
        if self._auth:
            config["auth"] = self._auth
        file = self._folder / "config.yml"
        file.write_text(json.dumps(config))  # which is YAML too
        # It takes any REGISTRY_* for settings of its own, and podman's REGISTRY_AUTH_FILE is one of these names.
        env = {name: value for name, value in clean_env({}).items() if not name.startswith("REGISTRY_")}
        command = [PROGRAM, "serve", str(file)]
        self._process = Process.start(command, env=env, cwd=self._folder, log=self._folder / "log")
        try:
            wait_until(lambda: _answers(self._behind), self._process, READY_SECONDS)
            self._wire.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Safe to repeat."""
        self._wire.stop()
        self._process.stop(grace=0)

    @property
    def port(self) -> int:
        return self._wire.port

    @property
    def host(self) -> str:
        """As images are named: "localhost:5000"."""
        return f"localhost:{self.port}"

    @property
    def received(self) -> int:
        return self._wire.received

    def cut_after(self, count: int) -> None:
        """Cut the next connection that sends more bytes than that, once."""
        self._wire.cut = count

    @property
    def log(self) -> str:
        """What the registry said, a line for each request too."""
        return (self._folder / "log").read_text()


class Wire:
    """What clients send goes on to the port behind, and is counted."""

    def __init__(self, behind: int, host: str = "127.0.0.1") -> None:
        self._behind = (host, behind)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._turn = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.received = 0
        self.cut: int | None = None

    def start(self) -> None:
        self._run(self._accept)

    def stop(self) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for each in (self._listener, *self._open):
            each.close()

    def _run(self, job: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=job, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._behind)
            except OSError:
                return
            self._open += [client, server]
            self._run(self._up, client, server)
            self._run(_copy, server, client)

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while block := client.recv(BLOCK):
                sent += len(block)
                if self._is_cut(len(block), sent):
                    break
                server.sendall(block)
        _shut(client, server)

    def _is_cut(self, count: int, sent: int) -> bool:
        with self._turn:
            self.received += count
            is_cut = self.cut is not None and sent > self.cut
            self.cut = None if is_cut else self.cut
            return is_cut


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(BLOCK):
            target.sendall(block)
    _shut(source, target)


def _shut(*both: socket.socket) -> None:
    for each in both:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status in (200, 401)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
