"""What stands behind a fake control plane: the code that it was given, in its vendor's own runtime."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any, Self

from hyfn import clouds, project
from hyfn.call.transport import default
from hyfn.cloud import Emulator, Running
from hyfn.model import Artifact, Place, Target
from hyfn.wire.carrier import Request, Response

SECONDS = 60.0


class Behind:
    """Starts each version of each function when it is first called. A context manager, which ends them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._running: dict[str, Running] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def running(
        self, platform: str, code: bytes, env: Mapping[str, str], options: Mapping[str, Any] | None = None
    ) -> Running:
        """The runtime of the zip `code`, started with `env` as the platform would."""
        key = hashlib.sha256(code + json.dumps([platform, dict(env), options], sort_keys=True).encode()).hexdigest()
        with self._lock:
            if key not in self._running:
                found = self._running[key] = self._start(key, platform, code, env, options or {})
                self._stack.callback(found.stop)
            return self._running[key]

    def send(self, running: Running, path: str, request: Request) -> Response:
        """What it answers to the request, of which `path` follows its origin; "" takes the endpoint's own."""
        url = running.endpoint.url
        origin = "/".join(url.split("/", 3)[:3])
        return default().send(
            Request(request.method, f"{origin}{path}" if path else url, request.headers, request.body), SECONDS
        )

    def _start(
        self, key: str, platform: str, code: bytes, env: Mapping[str, str], options: Mapping[str, Any]
    ) -> Running:
        place = self._folder / key[:12]
        place.mkdir()
        (place / "code.zip").write_bytes(code)
        cloud = clouds.platforms()[platform].cloud
        target = Target(cloud, platform, options, Place("app.py", 1))
        emulator: Emulator = clouds.get(cloud, "emulate").emulator
        emulator.prepare(target, lambda _: None)
        python = emulator.python(target)
        function = _first(code)
        short = function.partition(":")[2]
        digest = f"sha256:{hashlib.sha256(code).hexdigest()}"
        artifact = Artifact(
            function, short, cloud, platform, "zip", place / "code.zip", digest, len(code), python, (), options
        )
        project.unpack(artifact, place / "code")
        return emulator.start(artifact, place / "code", env, place / "log")


def _first(code: bytes) -> str:
    """The function that the artifact is named for."""
    with zipfile.ZipFile(BytesIO(code)) as archive:
        [name] = [each for each in archive.namelist() if each.rpartition("/")[2] == "hyfn.json"]
        document = json.loads(archive.read(name))
    return str(document["functions"][0])
