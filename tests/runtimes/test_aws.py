"""AWS Lambda's own awslambdaric runs our artifacts, behind our Runtime API and behind the real aws-lambda-rie."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hyfn.clouds.aws.emulate import LambdaEmulator, LambdaRunning
from hyfn.errors import ProjectError
from hyfn.model import Artifact, Place, Target

pytestmark = pytest.mark.runtime

TARGET = Target("aws", "aws", {}, Place("app.py", 1))
HANDLER = """
import os, sys, threading, time

def handler(event, context):
    if "sleep" in event: time.sleep(event["sleep"])
    if "exit" in event: os._exit(event["exit"])
    if "raise" in event: raise ValueError(event["raise"])
    if "size" in event: return "x" * event["size"]
    if "die" in event: threading.Timer(0.05, os._exit, [0]).start()
    return {"pid": os.getpid(), "name": context.function_name, "left": context.get_remaining_time_in_millis(),
            "arn": context.invoked_function_arn, "env": dict(os.environ), "cwd": os.getcwd(), "path": sys.path[0]}
"""

Start = Callable[..., LambdaRunning]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a plain handler, laid out where an artifact has its own."""
    started: list[LambdaRunning] = []

    def begin(source: str = HANDLER, emulator: LambdaEmulator | None = None, **options: Any) -> LambdaRunning:
        package = tmp_path / "task" / "hyfn" / "clouds" / "aws"
        package.mkdir(parents=True)
        (package / "host.py").write_text(source)
        chosen = emulator or LambdaEmulator()
        python = chosen.python(TARGET)
        artifact = Artifact("app:f", "f", "aws", "aws", "zip", tmp_path, "", 0, python, (), options)
        running = chosen.start(artifact, tmp_path / "task", {"GIVEN": "yes"}, tmp_path / "log")
        started.append(running)
        return running

    yield begin
    for running in started:
        running.stop()


def post(url: str, body: bytes, content_type: str = "application/json") -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port)) as connection:
        connection.request("POST", parts.path or "/", body, {"Content-Type": content_type})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def invoke(running: LambdaRunning, **event: Any) -> tuple[bool, Any]:
    """Whether it was a function error, and its document."""
    status, headers, body = post(running.endpoint.url, json.dumps(event).encode())
    assert status == 200
    return headers.get("x-amz-function-error") == "Unhandled", json.loads(body)


def test_the_runtime_says_what_it_is(start: Start) -> None:
    running = start()
    assert running.runtime.startswith("awslambdaric 4.2.2 on CPython 3.")
    assert running.evidence == "runtime"


def test_the_handler_finds_lambdas_surroundings(start: Start, tmp_path: Path) -> None:
    running = start(memory=512, region="eu-west-1", timeout=7)
    _, told = invoke(running)
    assert told["name"] == "f"
    assert told["arn"] == "arn:aws:lambda:eu-west-1:000000000000:function:f"
    assert 5000 < told["left"] <= 7000
    assert told["cwd"] == told["path"] == told["env"]["LAMBDA_TASK_ROOT"] == str(tmp_path / "task")
    env = told["env"]
    assert env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert (env["AWS_REGION"], env["GIVEN"], env["TZ"]) == ("eu-west-1", "yes", ":UTC")
    assert not {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "AWS_ACCESS_KEY_ID"} & env.keys()


def test_calls_one_after_another_stay_in_one_environment(start: Start) -> None:
    running = start()
    assert len({invoke(running)[1]["pid"] for _ in range(20)}) == 1


def test_an_exception_of_the_handler_is_a_function_error(start: Start) -> None:
    is_error, document = invoke(start(), **{"raise": "boom"})
    assert is_error
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "boom")


def test_a_process_that_ends_is_a_function_error_and_is_replaced(start: Start) -> None:
    running = start()
    is_error, document = invoke(running, exit=3)
    assert is_error
    assert document["errorType"] == "Runtime.ExitError"
    assert document["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert not invoke(running)[0]


def test_a_process_that_ends_between_two_calls_is_replaced_unseen(start: Start) -> None:
    running = start()
    pid = invoke(running, die=True)[1]["pid"]
    wait_for_end(pid)
    assert invoke(running)[1]["pid"] != pid


def test_a_call_that_takes_too_long_is_killed_and_its_environment_replaced(start: Start) -> None:
    running = start(timeout=1)
    pid = invoke(running)[1]["pid"]
    began = time.monotonic()
    is_error, document = invoke(running, sleep=20)
    assert is_error
    assert document["errorType"] == "Sandbox.Timedout"
    assert document["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert time.monotonic() - began < 10
    wait_for_end(pid)
    assert invoke(running)[1]["pid"] != pid


def test_a_result_over_the_limit_is_a_function_error(start: Start) -> None:
    running = start()
    is_error, document = invoke(running, size=6_400_000)
    assert is_error
    assert document["errorType"] == "Function.ResponseSizeTooLarge"
    assert not invoke(running)[0]


def test_calls_at_one_time_have_environments_of_their_own(start: Start) -> None:
    running = start()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: invoke(running, sleep=1.0), range(3)))
    assert len({document["pid"] for _, document in answers}) == 3


def test_calls_beyond_the_limit_are_throttled_and_did_not_run(start: Start) -> None:
    running = start(emulator=LambdaEmulator(limit=1, patience=0.1))
    busy = threading.Thread(target=invoke, args=(running,), kwargs={"sleep": 2.0})
    busy.start()
    answers = [post(running.endpoint.url, b"{}")]
    while answers[-1][0] == 200 and busy.is_alive():
        answers.append(post(running.endpoint.url, b"{}"))
    busy.join()
    status, headers, _ = answers[-1]
    assert (status, headers["x-amzn-errortype"]) == (429, "TooManyRequestsException")


def test_calls_at_the_limit_wait_for_their_turn(start: Start) -> None:
    running = start(emulator=LambdaEmulator(limit=1, patience=30))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: invoke(running, sleep=0.1), range(4)))
    assert [is_error for is_error, _ in answers] == [False] * 4


def test_a_module_that_cannot_load_is_told_in_the_runtimes_words(start: Start) -> None:
    with pytest.raises(ProjectError, match=r"Runtime\.ImportModuleError: .*No module named 'nosuch'"):
        start("import nosuch")


def test_a_process_that_ends_while_it_loads_is_told_with_its_last_words(start: Start) -> None:
    with pytest.raises(ProjectError, match="exit status 9\nlast words"):
        start("import os; print('last words', flush=True); os._exit(9)")


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("/2015-03-31/functions/other/invocations", b"{}", 404, "ResourceNotFoundException"),
        ("/2015-03-31/functions/f/invocations", b"{", 400, "InvalidRequestContentException"),
        ("/2015-03-31/functions/f/invocations", b'"%s"' % (b"x" * 6_291_456), 413, "RequestTooLargeException"),
        ("/2015-03-31/functions/f/versions", b"{}", 404, "UnknownOperationException"),
    ],
)
def test_the_invoke_api_refuses_what_lambda_refuses(
    start: Start, path: str, body: bytes, status: int, kind: str
) -> None:
    running = start()
    answered, headers, _ = post(f"http://127.0.0.1:{running.front.port}{path}", body)
    assert (answered, headers["x-amzn-errortype"]) == (status, kind)


URL_HANDLER = """
import base64
def handler(event, context):
    if event["rawPath"] == "/raise": raise ValueError
    if event["rawPath"] == "/plain": return {"a": event["body"], "is_text": not event["isBase64Encoded"]}
    return {"statusCode": 418, "headers": {"content-type": "application/x"}, "body": event["body"],
            "isBase64Encoded": event["isBase64Encoded"]}
"""


def test_a_function_url_carries_bytes_both_ways(start: Start) -> None:
    running = start(URL_HANDLER, url=True)
    assert running.endpoint is running.function_url
    status, headers, body = post(running.endpoint.url, bytes(range(256)), "application/octet-stream")
    assert (status, headers["content-type"], body) == (418, "application/x", bytes(range(256)))


def test_a_function_url_gives_any_other_result_as_json(start: Start) -> None:
    running = start(URL_HANDLER)
    status, _, body = post(f"{running.function_url.url}plain", "ä".encode(), "text/plain")
    assert (status, json.loads(body)) == (200, {"a": "ä", "is_text": True})


def test_a_function_url_hides_a_function_error(start: Start) -> None:
    status, _, body = post(f"{start(URL_HANDLER).function_url.url}raise", b"")
    assert (status, body) == (502, b"Internal Server Error")


def test_after_stop_no_process_is_left(start: Start) -> None:
    running = start()
    with ThreadPoolExecutor(2) as pool:
        pids = {document["pid"] for _, document in pool.map(lambda _: invoke(running, sleep=0.5), range(2))}
    running.stop()
    running.stop()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    with pytest.raises(ConnectionRefusedError):
        post(running.endpoint.url, b"{}")


def test_stop_ends_a_call_under_way(start: Start) -> None:
    running = start()
    pid = invoke(running)[1]["pid"]
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(post, running.endpoint.url, b'{"sleep": 30}')
        wait_until_taken(running)
        running.stop()
        assert isinstance(call.exception(timeout=10), OSError | http.client.HTTPException)
    wait_for_end(pid)


def wait_until_taken(running: LambdaRunning) -> None:
    deadline = time.monotonic() + 10
    while running.fleet.idle and time.monotonic() < deadline:
        time.sleep(0.005)


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
