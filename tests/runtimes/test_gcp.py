"""Google's own Functions Framework runs our artifacts, started by its command line as in production."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hyfn.clouds.gcp.emulate import FrameworkRunning, emulator
from hyfn.errors import ProjectError
from hyfn.model import Artifact, Place, Target

pytestmark = pytest.mark.runtime

TARGET = Target("gcp", "gcp", {}, Place("app.py", 1))
MAIN = """
import os, sys, time

def hyfn_entry(request):
    time.sleep(float(request.args.get("sleep", 0)))
    if "raise" in request.args: raise ValueError("boom")
    return {"pid": os.getpid(), "env": dict(os.environ), "body": request.get_data().decode("latin-1")}
"""

Start = Callable[..., FrameworkRunning]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a plain main.py, laid out where an artifact has its own."""
    started: list[FrameworkRunning] = []

    def begin(source: str = MAIN, **options: Any) -> FrameworkRunning:
        folder = tmp_path / "workspace"
        folder.mkdir()
        (folder / "main.py").write_text(source)
        artifact = Artifact("app:f", "f", "gcp", "gcp", "zip", tmp_path, "", 0, emulator.python(TARGET), (), options)
        running = emulator.start(artifact, folder, {"GIVEN": "yes"}, tmp_path / "log")
        started.append(running)
        return running

    yield begin
    for running in started:
        running.stop()


def post(url: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port)) as connection:
        connection.request("POST", f"{parts.path}?{parts.query}", body, {"Content-Type": "application/octet-stream"})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def test_the_runtime_says_what_it_is(start: Start) -> None:
    running = start()
    assert running.runtime.startswith("functions-framework 3.10.2 on CPython 3.")
    assert running.evidence == "runtime"


def test_the_function_finds_cloud_runs_surroundings(start: Start) -> None:
    running = start(concurrency=40)
    status, headers, body = post(running.endpoint.url, bytes(range(256)))
    told = json.loads(body)
    assert (status, headers["server"]) == (200, "gunicorn")
    assert told["body"].encode("latin-1") == bytes(range(256))
    env = told["env"]
    assert (env["K_SERVICE"], env["FUNCTION_TARGET"], env["THREADS"], env["GIVEN"]) == ("f", "hyfn_entry", "40", "yes")
    assert env["PORT"] == str(urlsplit(running.endpoint.url).port)
    assert not {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "GOOGLE_APPLICATION_CREDENTIALS"} & env.keys()


def test_calls_at_one_time_do_not_wait_for_each_other(start: Start) -> None:
    running = start()
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(f"{running.endpoint.url}?sleep=1"), range(8)))
    assert [status for status, _, _ in answers] == [200] * 8
    assert time.monotonic() - began < 6


def test_a_crash_of_the_entry_is_a_500_of_the_frameworks(start: Start) -> None:
    status, headers, body = post(f"{start().endpoint.url}?raise")
    assert (status, headers["x-google-status"]) == (500, "crash")
    assert b"boom" not in body


def test_a_module_that_cannot_load_is_told_in_the_frameworks_words(start: Start) -> None:
    with pytest.raises(ProjectError, match="No module named 'nosuch'"):
        start("import nosuch")


def test_after_stop_no_process_is_left(start: Start) -> None:
    running = start()
    pid = json.loads(post(running.endpoint.url)[2])["pid"]
    running.stop()
    running.stop()
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(f"/proc/{running.process.pid}").exists()
    with pytest.raises(ConnectionRefusedError):
        post(running.endpoint.url)
