"""Function Compute's stand-in: what a custom runtime is told, and what becomes of its answers, crashes and delays."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hyfn.clouds.alibaba.emulate import AlibabaEmulator, AlibabaRunning
from hyfn.clouds.alibaba.front import MAX_BODY
from hyfn.errors import ProjectError
from hyfn.model import Artifact, Place, Target

pytestmark = pytest.mark.spec

TARGET = Target("alibaba", "alibaba", {}, Place("app.py", 1))
INVOKE = "/2023-03-30/functions/f/invocations"
SERVER = """
import json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        wish = json.loads(body) if body.startswith(b"{") else {}
        if "sleep" in wish: time.sleep(wish["sleep"])
        if "exit" in wish: os._exit(wish["exit"])
        told = {name.lower(): value for name, value in self.headers.items()}
        seen = {"method": self.command, "path": self.path, "headers": told, "pid": os.getpid(), "env": dict(os.environ)}
        data = json.dumps(seen).encode()
        self.send_response(wish.get("status", 200))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Mine", "mine")
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_): pass

address = os.environ["HYFN_HOST"], int(os.environ["FC_CUSTOM_LISTEN_PORT"])
ThreadingHTTPServer(address, Handler).serve_forever()
"""

Start = Callable[..., AlibabaRunning]
Got = tuple[int, Mapping[str, str], Any]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a plain server, laid out where an artifact has its own."""
    started: list[AlibabaRunning] = []

    def begin(source: str = SERVER, emulator: AlibabaEmulator | None = None, **options: Any) -> AlibabaRunning:
        package = tmp_path / "code" / "hyfn" / "clouds" / "alibaba"
        package.mkdir(parents=True)
        (package / "host.py").write_text(source)
        chosen = emulator or AlibabaEmulator()
        python = chosen.python(TARGET)
        artifact = Artifact("app:f", "f", "alibaba", "alibaba", "zip", tmp_path, "", 0, python, (), options)
        running = chosen.start(artifact, tmp_path / "code", {"GIVEN": "yes"}, tmp_path / "log")
        started.append(running)
        return running

    yield begin
    for running in started:
        running.stop()


def ask(running: AlibabaRunning, path: str = INVOKE, body: object = b"", method: str = "POST", **headers: str) -> Got:
    """One request; the names in `headers` have _ for -."""
    address = urlsplit(running.endpoint.url)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)) as connection:
        connection.request(method, path, data, {name.replace("_", "-"): value for name, value in headers.items()})
        got = connection.getresponse()
        content = got.read()
        return got.status, {name.lower(): value for name, value in got.headers.items()}, json.loads(content or b"null")


def test_an_invocation_arrives_as_a_post_of_its_body_alone(start: Start) -> None:
    status, headers, seen = ask(start(memory=512, region="eu-central-1"), INVOKE, b"", X_Mine="lost")
    assert (status, seen["method"], seen["path"]) == (200, "POST", "/invoke")
    told = seen["headers"]
    assert told["content-type"] == "application/octet-stream"
    assert "x-mine" not in told
    assert told["x-fc-request-id"] == headers["x-fc-request-id"]
    expected = {"name": "f", "memory": "512", "handler": "hyfn.clouds.alibaba.host"}
    assert {name: told[f"x-fc-function-{name}"] for name in expected} == expected
    assert (told["x-fc-control-path"], told["x-fc-region"]) == ("/invoke", "eu-central-1")


def test_of_an_answer_to_an_invocation_only_the_body_comes_back(start: Start) -> None:
    status, headers, seen = ask(start(), INVOKE, {"status": 404})
    assert (status, seen["path"]) == (200, "/invoke")
    assert headers["content-type"] == "application/octet-stream"
    assert "x-mine" not in headers


def test_an_http_trigger_passes_on_request_and_response_as_they_came(start: Start) -> None:
    status, headers, seen = ask(
        start(), "/a/b?c=d", {"status": 418}, "PUT", X_Yours="yours", X_Fc_Control_Path="/invoke"
    )
    assert (status, headers["x-mine"], headers["content-type"]) == (418, "mine", "application/json")
    assert (seen["method"], seen["path"], seen["headers"]["x-yours"]) == ("PUT", "/a/b?c=d", "yours")
    assert seen["headers"]["x-fc-control-path"] == "/http-invoke"


def test_a_process_is_told_what_function_compute_tells_it(start: Start) -> None:
    running = start(memory=1024, timeout=7, env={"OWN": "mine"})
    told = ask(running)[2]["env"]
    expected = {
        "FC_FUNCTION_NAME": "f",
        "FC_FUNCTION_MEMORY_SIZE": "1024",
        "FC_REGION": "cn-hangzhou",
        "FC_RUNTIME": {"3.11": "custom.debian12", "3.12": "custom.debian11"}[AlibabaEmulator().python(TARGET)],
        "FC_TIMEOUT": "7",
        "OWN": "mine",
        "GIVEN": "yes",
    }
    assert {name: told[name] for name in expected} == expected
    assert told["FC_ACCOUNT_ID"].isdigit()
    assert told["FC_CUSTOM_LISTEN_PORT"] == told["FC_SERVER_PORT"]


@pytest.mark.parametrize(("path", "status"), [(INVOKE, 200), ("/", 502)], ids=["invoke", "http"])
def test_a_crash_is_the_functions_error_and_the_next_call_gets_a_new_instance(
    path: str, status: int, start: Start
) -> None:
    running = start()
    before = ask(running, path)[2]["pid"]
    got, headers, document = ask(running, path, {"exit": 3})
    assert (got, headers["x-fc-error-type"]) == (status, "UnhandledInvocationError")
    assert document["errorMessage"].startswith("Process exited unexpectedly before completing request")
    assert ask(running, path)[2]["pid"] != before


def test_a_function_that_takes_too_long_is_ended(start: Start) -> None:
    running = start(timeout=0.4)
    before = ask(running)[2]["pid"]
    began = time.monotonic()
    status, headers, document = ask(running, INVOKE, {"sleep": 30})
    assert time.monotonic() - began < 5
    assert (status, headers["x-fc-error-type"]) == (200, "UnhandledInvocationError")
    assert document["errorMessage"] == "Function timed out after 0.4 seconds"
    assert not Path(f"/proc/{before}").exists()


@pytest.mark.parametrize(("concurrency", "processes"), [(1, 3), (3, 1)])
def test_an_instance_runs_as_many_calls_at_a_time_as_it_may(concurrency: int, processes: int, start: Start) -> None:
    running = start(concurrency=concurrency)
    with ThreadPoolExecutor(3) as pool:
        got = list(pool.map(lambda _: ask(running, INVOKE, {"sleep": 1.5}), range(3)))
    assert len({seen["pid"] for _, _, seen in got}) == processes


def test_more_calls_than_the_instances_take_are_throttled(start: Start) -> None:
    running = start(emulator=AlibabaEmulator(limit=1, patience=0.05))
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(ask, running, INVOKE, {"sleep": 1.0})
        while running.instances.idle:
            time.sleep(0.01)
        status, _, document = ask(running)
        assert (status, document["Code"]) == (429, "ResourceThrottled")
        assert busy.result()[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("/2023-03-30/functions/g/invocations", b"", {}, 404, "FunctionNotFound"),
        ("/2023-03-30/functions/f", b"", {}, 400, "PathNotSupported"),
        (INVOKE, bytes(MAX_BODY + 1), {}, 400, "EntityTooLarge"),
        ("/", bytes(MAX_BODY + 1), {}, 400, "EntityTooLarge"),
        (INVOKE, b"", {"X_Fc_Invocation_Type": "Async"}, 400, "InvalidArgument"),
    ],
    ids=["function", "path", "size", "size over http", "async"],
)
def test_what_is_not_passed_on_is_refused(
    path: str, body: bytes, headers: dict[str, str], status: int, code: str, start: Start
) -> None:
    got, told, document = ask(start(), path, body, **headers)
    assert (got, document["Code"], document["RequestId"]) == (status, code, told["x-fc-request-id"])


def test_stopping_ends_every_instance(start: Start) -> None:
    running = start()
    pid = ask(running)[2]["pid"]
    running.stop()
    running.stop()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(OSError, match="refused"):
        ask(running)


def test_what_does_not_load_says_so_in_its_own_words(start: Start) -> None:
    with pytest.raises(ProjectError, match="no ink left"):
        start("raise OSError('no ink left')")


def test_an_instance_that_does_not_start_again_is_told_to_the_caller(start: Start, tmp_path: Path) -> None:
    running = start()
    ask(running, INVOKE, {"exit": 1})
    (tmp_path / "code" / "hyfn" / "clouds" / "alibaba" / "host.py").write_text("raise OSError('no ink left')")
    status, _, document = ask(running)
    assert (status, document["Code"]) == (412, "FunctionNotStarted")
    assert "no ink left" in document["Message"]
