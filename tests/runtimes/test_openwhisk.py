"""Our stand-in for OpenWhisk keeps to the specification: the launcher's protocol, its doors, its limits."""

from __future__ import annotations

import http.client
import importlib
import json
import os
import signal
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hyfn import project, remote, wiring
from hyfn.clouds.openwhisk.emulate import LAUNCHER, OpenWhiskEmulator, OpenWhiskRunning, emulator
from hyfn.dev.application import Application
from hyfn.errors import HyfnError, ProjectError
from hyfn.model import Artifact, Place, Target
from hyfn.toolchain import pythons

pytestmark = pytest.mark.spec

TARGET = Target("openwhisk", "openwhisk", {}, Place("app.py", 1))
ACTION = """
import os, sys, threading, time

def main(params):
    if "sleep" in params: time.sleep(params["sleep"])
    if "exit" in params: os._exit(params["exit"])
    if "raise" in params: raise ValueError(params["raise"])
    if "size" in params: return {"x": "y" * params["size"]}
    if "give" in params: return params["give"]
    if "nan" in params: return {"nan": float("nan")}
    if "die" in params: threading.Timer(0.05, os._exit, [0]).start()
    if "print" in params: print(params["print"])
    if "eval" in params: return eval(params["eval"])
    return {"pid": os.getpid(), "params": params, "env": dict(os.environ), "cwd": os.getcwd(), "path": sys.path[0],
            "module": __name__, "version": sys.version_info[:2]}
"""

Start = Callable[..., OpenWhiskRunning]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a plain action, laid out where an artifact has its own."""
    started: list[OpenWhiskRunning] = []

    def begin(
        source: str = ACTION, chosen: OpenWhiskEmulator = emulator, platform: str = "openwhisk", **options: Any
    ) -> OpenWhiskRunning:
        (tmp_path / "action").mkdir()
        (tmp_path / "action" / "__main__.py").write_text(source)
        python = chosen.python(TARGET)
        artifact = Artifact("app:f", "f", "openwhisk", platform, "zip", tmp_path, "", 0, python, (), options)
        running = chosen.start(artifact, tmp_path / "action", {"GIVEN": "yes"}, tmp_path / "log")
        started.append(running)
        return running

    yield begin
    for running in started:
        running.stop()


Answered = tuple[int, dict[str, str], bytes]


def send(
    running: OpenWhiskRunning, path: str, body: bytes = b"{}", kind: str = "application/json", method: str = "POST"
) -> Answered:
    with closing(http.client.HTTPConnection("127.0.0.1", running.front.port)) as connection:
        connection.request(method, path, body, {"Content-Type": kind} if kind else {})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def invoke(running: OpenWhiskRunning, **params: Any) -> tuple[int, Any]:
    """The status and the document of a blocking invocation."""
    parts = urlsplit(running.endpoint.url)
    status, headers, body = send(running, f"{parts.path}?{parts.query}", json.dumps(params).encode())
    assert len(headers["x-openwhisk-activation-id"]) == 32
    return status, json.loads(body)


def test_the_stand_in_says_that_it_is_one(start: Start) -> None:
    running = start()
    assert "stand-in for the actionloop proxy on CPython 3." in running.runtime
    assert running.evidence == "spec"


def test_an_action_finds_openwhisks_surroundings(start: Start, tmp_path: Path) -> None:
    running = start(timeout=7, namespace="shop", package="letters", name="read it", env={"OWN": "ü"})
    began = time.time()
    _, told = invoke(running, n=1)
    env = told["env"]
    assert told["params"] == {"n": 1}
    assert told["cwd"] == told["path"] == str(tmp_path / "action")
    assert told["module"] == "main__"
    assert env["__OW_ACTION_NAME"] == "/shop/letters/read it"
    assert env["__OW_NAMESPACE"] == "shop"
    assert env["__OW_API_HOST"] == f"http://127.0.0.1:{running.front.port}"
    assert 5 < int(env["__OW_DEADLINE"]) / 1000 - began < 9
    assert (env["GIVEN"], env["OWN"], env["PYTHONIOENCODING"]) == ("yes", "ü", "UTF-8")
    assert not {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "__OW_API_KEY"} & env.keys()


def test_each_activation_has_an_id_that_its_caller_is_told(start: Start) -> None:
    running = start()
    parts = urlsplit(running.endpoint.url)
    seen = [send(running, f"{parts.path}?{parts.query}") for _ in range(2)]
    told = [json.loads(body)["env"]["__OW_ACTIVATION_ID"] for _, _, body in seen]
    assert told == [headers["x-openwhisk-activation-id"] for _, headers, _ in seen]
    assert told[0] != told[1]


def test_activations_one_after_another_stay_in_one_container(start: Start) -> None:
    running = start()
    assert len({invoke(running)[1]["pid"] for _ in range(20)}) == 1


def test_what_an_action_prints_is_in_its_log(start: Start, tmp_path: Path) -> None:
    invoke(start(), print="grüße")
    assert "grüße" in (tmp_path / "log").read_text().splitlines()


def test_an_exception_is_an_application_error_with_its_text(start: Start, tmp_path: Path) -> None:
    assert invoke(start(), **{"raise": "boom"}) == (502, {"error": "boom"})
    assert "ValueError: boom" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("given", [1, "text", None, True])
def test_a_result_that_is_no_object_is_an_error(start: Start, given: object) -> None:
    assert invoke(start(), give=given) == (502, {"error": "The action did not return a dictionary or array."})


def test_a_result_that_json_does_not_have_is_an_error(start: Start) -> None:
    running = start()
    assert invoke(running, nan=1) == (502, {"error": "The action did not return a dictionary or array."})
    assert invoke(running, eval="{'a': {1}}") == (502, {"error": "command exited"})
    assert invoke(running)[0] == 200


def test_text_beyond_ascii_and_lines_come_through(start: Start) -> None:
    running = start()
    text = "☃ \u2028 \n \r \x00 𝄞"
    assert invoke(running, give={"a": text}) == (200, {"a": text})
    parts = urlsplit(running.endpoint.url)
    _, _, body = send(running, f"{parts.path}?{parts.query}", b'{\n  "give": {\n "b": [1,\n2]}\n}\n')
    assert json.loads(body) == {"b": [1, 2]}


def test_an_action_that_takes_too_long_is_killed_and_its_container_replaced(start: Start) -> None:
    running = start(timeout=0.5)
    pid = invoke(running)[1]["pid"]
    began = time.monotonic()
    assert invoke(running, sleep=20) == (502, {"error": "The action exceeded its time limits of 500 milliseconds."})
    assert time.monotonic() - began < 10
    wait_for_end(pid)
    assert invoke(running)[1]["pid"] != pid


def test_a_process_that_ends_is_an_error_and_is_replaced(start: Start) -> None:
    running = start()
    assert invoke(running, exit=3) == (502, {"error": "command exited"})
    assert invoke(running)[0] == 200


def test_a_launcher_that_is_killed_between_two_calls_is_replaced_unseen(start: Start) -> None:
    running = start()
    pid = invoke(running)[1]["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    assert invoke(running)[1]["pid"] != pid


def test_a_launcher_that_is_killed_in_a_call_ends_it(start: Start) -> None:
    running = start()
    pid = invoke(running)[1]["pid"]
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(invoke, running, sleep=30)
        wait_until_taken(running)
        os.kill(pid, signal.SIGKILL)
        assert call.result(timeout=10) == (502, {"error": "command exited"})


def test_a_result_over_the_limit_is_an_error_and_the_next_one_is_not(start: Start) -> None:
    running = start()
    status, document = invoke(running, size=1_048_576)
    assert status == 502
    assert document["error"].startswith(
        "The action produced a response that exceeded the allowed length: 1048586 > 1048576 bytes."
    )
    assert len(document["error"]) < 2000
    assert invoke(running, size=1_048_000)[0] == 200


def test_parameters_over_the_limit_are_refused(start: Start) -> None:
    running = start()
    status, document = invoke_raw(running, b'{"a":"%s"}' % (b"x" * 1_048_576))
    assert (status, document["error"]) == (413, "Request larger than allowed: 1048584 > 1048576 bytes.")
    assert invoke_raw(running, b'{"a":"%s"}' % (b"x" * 1_048_568))[0] in (200, 502)


def invoke_raw(running: OpenWhiskRunning, body: bytes, kind: str = "application/json") -> tuple[int, Any]:
    parts = urlsplit(running.endpoint.url)
    status, _, answered = send(running, f"{parts.path}?{parts.query}", body, kind)
    return status, json.loads(answered)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"a": NaN}', "application/json", 400),
        (b'{"a":' * 100_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"{}", "text/plain", 415),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(start: Start, body: bytes, kind: str, status: int) -> None:
    running = start()
    assert invoke_raw(running, body, kind)[0] == status
    assert invoke(running)[0] == 200


def test_no_body_stands_for_no_parameters(start: Start) -> None:
    assert invoke_raw(start(), b"", "")[1]["params"] == {}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v1/namespaces/guest/actions/other", 404),
        ("POST", "/api/v1/namespaces/elsewhere/actions/f", 404),
        ("POST", "/api/v1/namespaces/guest/triggers/f", 404),
        ("GET", "/api/v1/namespaces/guest/actions/f", 405),
        ("POST", "/api/v1/web/guest/default/f", 404),
        ("POST", "/", 404),
    ],
)
def test_what_is_not_there_is_refused(start: Start, method: str, path: str, status: int) -> None:
    answered, _, body = send(start(), path, method=method)
    assert answered == status
    assert len(json.loads(body)["code"]) == 32


def test_a_caller_that_does_not_wait_gets_an_id_and_the_action_runs(start: Start, tmp_path: Path) -> None:
    running = start()
    status, headers, body = send(running, "/api/v1/namespaces/_/actions/f", b'{"print": "ran"}')
    assert (status, json.loads(body)) == (202, {"activationId": headers["x-openwhisk-activation-id"]})
    wait_until(lambda: "ran" in (tmp_path / "log").read_text())


def test_a_caller_is_let_wait_no_longer_than_a_minute_and_the_action_goes_on(start: Start, tmp_path: Path) -> None:
    running = start(chosen=OpenWhiskEmulator(wait=0.1))
    status, document = invoke(running, sleep=0.5, print="done")
    assert (status, list(document)) == (202, ["activationId"])
    wait_until(lambda: "done" in (tmp_path / "log").read_text())


def test_without_result_the_answer_is_the_activation_record(start: Start) -> None:
    running = start()
    path = "/api/v1/namespaces/guest/actions/f?blocking=true"
    status, _, body = send(running, path, b'{"give": {"a": 1}}')
    record = json.loads(body)
    assert (status, record["response"]) == (200, {"status": "success", "success": True, "result": {"a": 1}})
    assert record["start"] <= record["end"]
    _, _, body = send(running, path, b'{"raise": "boom"}')
    assert json.loads(body)["response"]["status"] == "application error"


def test_activations_at_one_time_have_containers_of_their_own(start: Start) -> None:
    running = start()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: invoke(running, sleep=1.0), range(3)))
    assert len({document["pid"] for _, document in answers}) == 3


def test_activations_beyond_the_limit_are_refused_and_did_not_run(start: Start) -> None:
    running = start(chosen=OpenWhiskEmulator(limit=1, patience=0.1))
    busy = threading.Thread(target=invoke, args=(running,), kwargs={"sleep": 3.0})
    busy.start()
    wait_until_taken(running)
    status, document = invoke(running)
    busy.join()
    assert status == 429
    assert document["error"] == "Too many concurrent requests in flight (count: 1, allowed: 1)."


def test_activations_at_the_limit_wait_for_their_turn(start: Start) -> None:
    running = start(chosen=OpenWhiskEmulator(limit=1, patience=30))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: invoke(running, sleep=0.1), range(4)))
    assert [status for status, _ in answers] == [200] * 4


def test_an_action_that_calls_itself_in_a_chain_is_not_stuck(start: Start) -> None:
    running = start(
        """
import http.client, json, os
def main(params):
    n = params["n"]
    if n == 0: return {"depth": 0}
    connection = http.client.HTTPConnection(os.environ["__OW_API_HOST"].removeprefix("http://"))
    path = f"/api/v1/namespaces/_/actions/{params['name']}?blocking=true&result=true"
    connection.request("POST", path, json.dumps({**params, "n": n - 1}), {"Content-Type": "application/json"})
    result = {"depth": json.loads(connection.getresponse().read())["depth"] + 1}
    connection.close()
    return result
"""
    )
    assert invoke(running, n=3, name="f") == (200, {"depth": 3})


def test_a_module_that_cannot_load_is_told_with_the_end_of_its_log(start: Start, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"(?s)exited abruptly.*__main__\.py.*line 2.*No module named 'nosuch'"):
        start("\nimport nosuch\n")


def test_a_launcher_that_does_not_acknowledge_is_refused(start: Start) -> None:
    with pytest.raises(ProjectError, match="The action did not initialize properly"):
        start("import os\nos.write(3, b'hello\\n')\ndef main(params): return {}\n")


def test_a_module_without_main_is_told(start: Start) -> None:
    with pytest.raises(ProjectError, match="has no attribute 'main'"):
        start("x = 1\n")


def test_the_launcher_runs_by_itself(tmp_path: Path) -> None:
    """Nothing of hyfn is imported: the action's folder and the standard library are all there is."""
    python = pythons.nearest("3.12", ("3.11", "3.12"))[1]
    (tmp_path / "__main__.py").write_text("import sys\ndef main(p): return {'hyfn': 'hyfn' in sys.modules}\n")
    given, answers = tmp_path / "given", tmp_path / "answers"
    given.write_bytes(b'{"value": {}, "action_name": "/guest/f"}\n')
    status = os.system(f"cd {tmp_path} && {python} -I {LAUNCHER} {tmp_path} <{given} 3>{answers}")
    assert (status, json.loads(answers.read_bytes())) == (0, {"hyfn": False})


WEB = """
import base64
def main(params):
    how = params["__ow_path"]
    if how == "/raise": raise ValueError("x")
    if how == "/error": return {"error": {"statusCode": 418, "body": "teapot"}}
    if how == "/exit": __import__("os")._exit(1)
    if how == "/params": return {"body": params}
    if how == "/none": return {}
    if how == "/wrong": return {"statusCode": "x"}
    if how == "/split": return {"headers": {"x": "a\\r\\nb: c"}, "body": "x"}
    if how == "/text": return {"body": "☃", "headers": {"content-type": "text/plain", "X-Own": 7}}
    return {"statusCode": 201, "headers": {"content-type": "application/x-own"}, "body": params["__ow_body"]}
"""
AT = "/api/v1/web/guest/default/f"


def test_a_raw_web_action_carries_bytes_both_ways(start: Start) -> None:
    running = start(WEB, web=True)
    assert running.endpoint.door == "web"
    every = bytes(range(256))
    status, headers, body = send(running, urlsplit(running.endpoint.url).path, every, "application/x-own")
    assert (status, headers["content-type"], body) == (201, "application/x-own", every)


def test_a_raw_web_action_is_given_the_request(start: Start) -> None:
    running = start(WEB, web=True)
    _, _, body = send(running, f"{AT}.http/params?a=1&b=%20", "grüße".encode(), "text/plain", method="PUT")
    given = json.loads(body)
    assert given["__ow_method"] == "put"
    assert given["__ow_headers"]["content-type"] == "text/plain"
    assert (given["__ow_path"], given["__ow_query"], given["__ow_body"]) == ("/params", "a=1&b=%20", "grüße")
    _, _, body = send(running, f"{AT}/params", b'{"a":1}')
    assert json.loads(body)["__ow_body"] == b64encode(b'{"a":1}').decode()


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/raise", 400, b"Response is not valid 'message/http'."),
        ("/error", 418, b"teapot"),
        ("/exit", 400, b"There was an error processing your request."),
        ("/none", 204, b""),
        ("/wrong", 400, b"Response is not valid 'message/http'."),
        ("/split", 400, b"Response is not valid 'message/http'."),
        ("/text", 200, "☃".encode()),
    ],
)
def test_a_raw_web_actions_result_describes_the_response(start: Start, path: str, status: int, said: bytes) -> None:
    answered, _, body = send(start(WEB, web=True), f"{AT}{path}", b"x", "text/plain")
    assert answered == status
    assert said in body


@pytest.mark.parametrize("path", ["/api/v1/web/guest/default/g", "/api/v1/web/guest/f", "/api/v1/web/", f"{AT}.json"])
def test_a_web_action_that_is_not_there_is_refused(start: Start, path: str) -> None:
    assert send(start(WEB, web=True), path, b"")[0] == 404


def test_a_web_request_over_the_limit_is_refused(start: Start) -> None:
    assert send(start(WEB, web=True), AT, bytes(1_048_577), "application/x-own")[0] == 413


CODE_ENGINE = """
def main(params):
    if params["__ce_path"] == "/late": __import__("time").sleep(30)
    if params["__ce_path"] == "/raise": raise ValueError("boom")
    if params["__ce_path"] == "/wrong": return {"statusCode": "x"}
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": params}
"""


def test_code_engine_gives_the_properties_of_a_json_body_and_the_request(start: Start) -> None:
    running = start(CODE_ENGINE, platform="ibm")
    assert running.endpoint.door == "url"
    status, _, body = send(running, "/sub?q=1", b'{"hyfn": "AAAA"}')
    given = json.loads(body)
    assert status == 200
    assert (given["hyfn"], given["q"], given["__ce_method"]) == ("AAAA", "1", "POST")
    assert (given["__ce_path"], given["__ce_query"]) == ("/sub", "q=1")
    assert given["__ce_headers"]["Content-Type"] == "application/json"
    assert given["__ce_body"] == b64encode(b'{"hyfn": "AAAA"}').decode()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/late", b"{}", 299), ("/raise", b"{}", 500), ("/wrong", b"{}", 422), ("/", b'{"__ce_path": "/late"}', 400)],
)
def test_code_engine_answers_itself_where_the_function_does_not(
    start: Start, path: str, body: bytes, status: int
) -> None:
    assert send(start(CODE_ENGINE, platform="ibm", timeout=0.5), path, body)[0] == status


def test_after_stop_no_process_is_left(start: Start) -> None:
    running = start()
    with ThreadPoolExecutor(2) as pool:
        pids = {document["pid"] for _, document in pool.map(lambda _: invoke(running, sleep=0.5), range(2))}
    running.stop()
    running.stop()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    with pytest.raises(ConnectionRefusedError):
        invoke(running)


def test_stop_ends_a_call_under_way(start: Start) -> None:
    running = start()
    pid = invoke(running)[1]["pid"]
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(invoke, running, sleep=30)
        wait_until_taken(running)
        running.stop()
        assert isinstance(call.exception(timeout=10), OSError | http.client.HTTPException)
    wait_for_end(pid)


def test_containers_leave_no_descriptor_open(start: Start) -> None:
    before = descriptors()
    running = start(chosen=OpenWhiskEmulator())
    for _ in range(3):
        invoke(running, exit=1)
    invoke(running)
    running.stop()
    wait_until(lambda: descriptors() <= before)


EACH_OTHER = """
from hyfn import ibm, openwhisk

class TooDeep(Exception): ...

@openwhisk(web=True, package="letters", name="by url")
def by_url(n: int, path: list[str]) -> list[str]:
    return by_api(n, [*path, "web"])

@openwhisk(namespace="shop", name="by api")
def by_api(n: int, path: list[str]) -> list[str]:
    return hosted(n, [*path, "api"])

@ibm
def hosted(n: int, path: list[str]) -> list[str]:
    if n < 0:
        raise TooDeep(n)
    return by_url(n - 1, [*path, "ibm"]) if n else [*path, "end"]
"""


def test_all_doors_lead_to_one_another_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each function is called again while it waits: its second activation has a container of its own."""
    (tmp_path / "each_other.py").write_text(EACH_OTHER)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "each-other"\ndependencies = []\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    with Application(project.read(tmp_path), lambda text: None) as application:
        given = wiring.read(application.laptop())
        session = remote.Session(given, frozenset(), "dev")
        monkeypatch.setattr(remote, "session", lambda: session)
        module = importlib.import_module("each_other")
        assert module.by_url(1, []) == ["web", "api", "ibm", "web", "api", "end"]
        with pytest.raises(module.TooDeep):
            module.by_url(-1, [])


def test_a_function_that_does_not_load_is_named_by_its_own_line(tmp_path: Path) -> None:
    """The build's load check passes: only in the platform is the variable missing."""
    (tmp_path / "app.py").write_text(
        "import os\nfrom hyfn import openwhisk\n\nif '__OW_NAMESPACE' in os.environ:\n    1 / 0\n\n"
        "@openwhisk\ndef f() -> int:\n    return 1\n"
    )
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "app"\ndependencies = []\n')
    with pytest.raises(HyfnError, match="ZeroDivisionError") as raised, Application(project.read(tmp_path), print):
        pass
    assert raised.value.where == "app.py:5"


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_until_taken(running: OpenWhiskRunning) -> None:
    wait_until(lambda: not running.fleet.idle)


def wait_until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not ready() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert ready()


def wait_for_end(pid: int) -> None:
    wait_until(lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
