"""An image for Fn in a container, started and called as Fn does it."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path

import pytest

from hyfn import remote, wiring
from hyfn.clouds.fn import uds
from hyfn.clouds.fn.pack import PYTHONS
from hyfn.remote import Session
from hyfn.wire.carrier import Request, Response
from tests.commands import hyfn, written
from tests.containers import Podman
from tests.images import PYTHON
from tests.shops import ARCHITECTURE, KEY

pytestmark = pytest.mark.runtime

MODULE = "imaged_on_fn"
SOURCE = f"""
import os

from hyfn import fn


@fn(python="{PYTHON}", architecture="{ARCHITECTURE}")
def who() -> list[int]:
    return [os.getuid(), os.getgid()]
"""
MOUNTED = "/tmp/iofs"
"""Where Fn's agent mounts the folder of the socket (fn/api/agent/config.go)."""
READY_SECONDS = 20


class Socket:
    """A transport to the unix socket of a container."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, request: Request, timeout: float) -> Response:
        headers = {**request.headers, "Host": "localhost", "Fn-Call-Id": "1"}
        return uds.post(self._path, "/call", headers, request.body, timeout)

    async def asend(self, request: Request, timeout: float) -> Response:
        raise NotImplementedError

    def close(self) -> None: ...


def start(podman: Podman, image: Path, folder: Path) -> Path:
    """The socket on which the container listens in the folder. Its user is the image's own, its root read-only."""
    given = {"FN_FORMAT": "http-stream", "FN_LISTENER": f"unix:{MOUNTED}/lsnr.sock", "FN_MEMORY": "128"}
    wired = {"HYFN_WIRING": f"{MOUNTED}/wiring.json"}
    variables = [f"--env={name}={value}" for name, value in {**given, **wired}.items()]
    usual = ["--detach", "--network=none", "--read-only", f"--volume={folder}:{MOUNTED}"]
    identity = podman.run("run", *usual, *variables, f"oci:{image}").split()[-1]
    until = time.monotonic() + READY_SECONDS
    while not (folder / "lsnr.sock").exists():
        assert time.monotonic() < until, podman.run("logs", identity)
        time.sleep(0.02)
    return folder / "lsnr.sock"


def wired(name: str, **edges: object) -> str:
    return json.dumps({"app": "shop", "stage": "dev", "self": name, "calls": {}, "callers": {}, **edges})


@pytest.mark.skipif(PYTHON not in PYTHONS, reason="this Python is none of Fn's images'")
def test_an_image_starts_as_fn_starts_it(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyproject = '[project]\nname = "shop"\ndependencies = []\n'
    project = written(tmp_path / "source", {f"{MODULE}.py": SOURCE, "pyproject.toml": pyproject})
    done = hyfn("build", "--base", "scratch-python", "--out", "dist", cwd=project)
    assert done.status == 0, done.err
    folder = tmp_path / "iofs"
    folder.mkdir()
    folder.chmod(0o777)
    caller = {"iss": "shop/dev/laptop@local", "aud": f"{MODULE}:who", "key": KEY["key"], "json": False}
    (folder / "wiring.json").write_text(wired(f"{MODULE}:who@fn", callers={KEY["kid"]: caller}))
    route = {"placement": "fn", "cloud": "fn", "url": "https://fn.invalid/invoke/1", "door": "", **KEY}
    calls = {f"{MODULE}:who": {"raises": [], "routes": [route]}}
    session = Session(wiring.read({"HYFN_WIRING": wired("laptop@local", calls=calls)}), frozenset(), "dev")
    monkeypatch.setattr(remote, "session", lambda: session)
    monkeypatch.syspath_prepend(str(project))
    with Podman(tmp_path_factory.mktemp("podman") / "engine") as podman:
        monkeypatch.setattr(session, "_transport", Socket(start(podman, project / "dist/fn/who.oci", folder)))
        assert importlib.import_module(MODULE).who() == [1000, 1000]
    sys.modules.pop(MODULE, None)
