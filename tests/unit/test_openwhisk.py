"""OpenWhisk and IBM's Code Engine: what they take is checked, their doors are inverses, their answers told apart."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from hyfn import errors
from hyfn.clouds.openwhisk import host, ibm, openwhisk
from hyfn.clouds.openwhisk.call import MAX_REQUEST, OpenWhiskCaller, caller
from hyfn.clouds.openwhisk.container import Action, Activation
from hyfn.clouds.openwhisk.doors import Api, CodeEngineUrl, Door, RawWebAction
from hyfn.clouds.openwhisk.doors import Request as Received
from hyfn.clouds.openwhisk.pack import MODULE, PACKED, SCRIPT, packer
from hyfn.errors import BuildError
from hyfn.model import FunctionSpec, Place, Signature, Staged, Target
from hyfn.wire.carrier import Answer, Endpoint, Request, Response
from hyfn.wire.frame import CONTENT_TYPE

PLACE = Place("app.py", 6)
FRAME = bytes(range(256)) * 3
ACTION = Action("guest", "", "f", 60, "http://127.0.0.1:1", None)
BASE = "https://whisk.example/api/v1"
DOORS: dict[str, tuple[Door, Endpoint]] = {
    "api": (Api(), Endpoint("openwhisk", "app:f", f"{BASE}/namespaces/guest/actions/f?blocking=true&result=true")),
    "web": (RawWebAction(True), Endpoint("openwhisk", "app:f", f"{BASE}/web/guest/default/f", "web")),
    "url": (CodeEngineUrl(), Endpoint("openwhisk", "app:f", "https://f.abc.eu-de.codeengine.example/", "url")),
}


def target(platform: str = "openwhisk", **options: Any) -> Target:
    return Target("openwhisk", platform, options, PLACE)


def function(qualname: str = "ocr") -> FunctionSpec:
    return FunctionSpec(f"app:{qualname}", "app", qualname, Place("app.py", 7), Signature((), None), None, False, ())


def staged(code: dict[str, bytes]) -> Staged:
    made = target()
    return Staged("shop", function(), made, packer.runtimes(made)[0], code, {"lib.py": b"x = 1\n"}, ())


def test_ibm_is_a_profile_of_openwhisk() -> None:
    assert (openwhisk.cloud, openwhisk.name) == ("openwhisk", "openwhisk")
    assert (ibm.cloud, ibm.name) == ("openwhisk", "ibm")


@pytest.mark.parametrize(
    ("platform", "options"),
    [
        ("openwhisk", {}),
        ("openwhisk", {"memory": 128, "timeout": 0.1, "python": "3.11", "name": "read @ it.now-", "web": True}),
        ("openwhisk", {"memory": 512, "timeout": 60, "namespace": "_", "package": "a_b", "name": "x" * 256}),
        ("ibm", {}),
        ("ibm", {"memory": 1024, "timeout": 120, "python": "3.13", "name": "read-it"}),
        ("ibm", {"memory": 4096, "timeout": 1, "python": "3.11", "name": "a" * 63, "web": False}),
    ],
)
def test_what_the_platform_takes_is_no_problem(platform: str, options: dict[str, Any]) -> None:
    assert list(packer.check(function(), target(platform, **options))) == []


@pytest.mark.parametrize(
    ("platform", "options", "said"),
    [
        ("openwhisk", {"memory": 127}, "128 to 512 MB of memory, and memory=127"),
        ("openwhisk", {"memory": 513}, "128 to 512 MB"),
        ("openwhisk", {"memory": "256"}, "128 to 512 MB"),
        ("openwhisk", {"timeout": 0.05}, "0.1 to 300 seconds, and timeout=0.05"),
        ("openwhisk", {"timeout": 301}, "0.1 to 300 seconds"),
        ("openwhisk", {"timeout": "60"}, "0.1 to 300 seconds"),
        ("openwhisk", {"python": "3.10"}, "Python 3.11 or 3.12, not '3.10'"),
        ("openwhisk", {"name": "ends with space "}, "a name on OpenWhisk is"),
        ("openwhisk", {"name": "-x"}, "a name on OpenWhisk is"),
        ("openwhisk", {"name": "a/b"}, "a name on OpenWhisk is"),
        ("openwhisk", {"name": "größe"}, "a name on OpenWhisk is"),
        ("openwhisk", {"name": "x" * 257}, "1 to 256 letters"),
        ("openwhisk", {"namespace": "a/b"}, "a namespace on OpenWhisk is"),
        ("openwhisk", {"package": " x"}, "a package on OpenWhisk is"),
        ("ibm", {"memory": 256}, "1024, 2048, 4096 MB of memory, and memory=256"),
        ("ibm", {"timeout": 121}, "1 to 120 seconds"),
        ("ibm", {"timeout": 0.5}, "1 to 120 seconds"),
        ("ibm", {"python": "3.12"}, "Python 3.11 or 3.13, not '3.12'"),
        ("ibm", {"name": "Read"}, "1 to 63 of a-z"),
        ("ibm", {"namespace": "guest"}, "has no namespace"),
        ("ibm", {"package": "p"}, "has no package"),
        ("ibm", {"web": True}, "has no web"),
    ],
    ids=str,
)
def test_what_the_platform_refuses_is_a_problem_at_its_line(platform: str, options: dict[str, Any], said: str) -> None:
    [problem] = packer.check(function(), target(platform, **options))
    assert said in problem.message
    assert (problem.level, problem.place) == ("error", PLACE)
    assert problem.hint


def test_a_timeout_that_no_caller_waits_for_is_said() -> None:
    [problem] = packer.check(function(), target(timeout=300))
    assert (problem.level, "60 seconds" in problem.message) == ("warning", True)


@pytest.mark.parametrize(
    ("platform", "options", "python", "glibc"),
    [
        ("openwhisk", {}, "3.12", "2.36"),
        ("openwhisk", {"python": "3.11"}, "3.11", "2.36"),
        ("ibm", {}, "3.13", "2.28"),
    ],
)
def test_the_runtime_follows_the_platform(platform: str, options: dict[str, Any], python: str, glibc: str) -> None:
    [runtime] = packer.runtimes(target(platform, **options))
    assert (runtime.python, runtime.machine, runtime.glibc) == (python, "x86_64", glibc)


def test_a_zip_is_measured_as_the_base64_that_it_is_uploaded_as() -> None:
    assert len(b64encode(bytes(1024))) / 1024 * PACKED.most == pytest.approx(48 * 2**20, rel=0.01)
    assert packer.limits(target()).packed is PACKED
    assert packer.limits(target("ibm")).packed is None


@pytest.mark.parametrize("platform", ["openwhisk", "ibm"])
def test_a_name_is_derived_within_the_rules_and_never_shared(platform: str) -> None:
    functions = [function("ocr"), function("Ocr.ocr"), function("x" * 90), function("x" * 91), function("_ä")]
    names = [packer.platform_name("Meine App", "prod", each, target(platform)) for each in functions]
    assert len(set(names)) == len(functions)
    for each, name in zip(functions, names, strict=True):
        assert list(packer.check(each, target(platform, name=name))) == []
    assert packer.platform_name("app", "prod", function(), target(platform, name="mine")) == "mine"


def test_the_entry_stands_at_the_root_with_the_code() -> None:
    files = packer.tree(staged({"app.py": b"y = 2\n"})).files
    assert set(files) == {SCRIPT, "app.py", "lib.py"}
    assert b"from hyfn.clouds.openwhisk.host import main" in files[SCRIPT]


def test_a_users_own_main_module_keeps_its_lines_before_the_entry() -> None:
    own = b"def helper():\n    return 1\n\n\nif __name__ == '__main__':\n    helper()\n"
    script = packer.tree(staged({SCRIPT: own})).files[SCRIPT]
    assert script.startswith(own.rstrip())
    names: dict[str, Any] = {"__name__": MODULE}
    exec(script, names)
    assert names["main"] is host.main
    assert names["helper"]() == 1


@pytest.mark.parametrize(
    "name",
    [
        "exec",
        "exec/__init__.py",
        "exec__.py",
        "exec.env",
        "main__.py",
        "main__/x.py",
        "virtualenv/x",
        "requirements.txt",
    ],
)
def test_a_file_that_the_runtime_takes_for_its_own_is_refused(name: str) -> None:
    with pytest.raises(BuildError, match="takes for its own") as caught:
        packer.tree(staged({name: b""}))
    assert caught.value.where == "app.py:6"


@pytest.mark.parametrize("name", ["main.py", "executive.py", "data/requirements.txt", "data/exec", "exec.py"])
def test_a_file_that_it_does_not_touch_is_kept(name: str) -> None:
    assert name in packer.tree(staged({name: b""})).files


def test_the_load_check_finds_main_as_the_runtime_does(tmp_path: Path) -> None:
    (tmp_path / "hyfn").mkdir()
    (tmp_path / "hyfn" / "__init__.py").write_text("")
    (tmp_path / SCRIPT).write_text("assert __name__ == 'main__'\ndef main(params): ...\n")
    command = [
        sys.executable,
        "-I",
        "-c",
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{packer.entry(target())}",
    ]
    subprocess.run(command, check=True)


def test_the_manifest_is_what_openwhisk_is_given_but_for_the_code() -> None:
    asked = target(memory=512, timeout=0.5, web=True, env={"B": "2", "A": "1"})
    manifest = packer.manifest(function(), asked, "f", "")
    document = manifest["action"]
    assert document["exec"] == {"kind": "python:3.12", "binary": True, "main": "main"}
    assert document["limits"] == {"timeout": 500, "memory": 512}
    assert {"key": "raw-http", "value": True} in document["annotations"]
    assert document["parameters"][0] == {"key": "A", "value": "1", "init": True}
    assert packer.manifest(function(), target(), "f", "")["action"]["annotations"] == []
    assert [manifest[name] for name in ("triggers", "feeds", "rules")] == [{}, {}, {}]


def test_the_manifest_is_what_code_engine_is_given_but_for_the_code() -> None:
    manifest = packer.manifest(function(), target("ibm", memory=1024, timeout=30, env={"A": "1"}), "f", "")
    [document] = manifest["functions"]
    assert manifest["subscriptions"] == []
    assert (document["runtime"], document["scale_max_execution_time"]) == ("python-3.13", 30)
    assert (document["scale_cpu_limit"], document["scale_memory_limit"]) == ("0.25", "1G")
    assert document["run_env_variables"] == [{"type": "literal", "name": "A", "value": "1"}]


def params(door: Door, request: Request) -> Any:
    """What the action gets of a caller's request."""
    path, _, query = request.url.partition("example")[2].partition("?")
    headers = {name.lower(): value for name, value in request.headers.items()}
    asked = door.asked(Received(request.method, path, query, headers, request.body), ACTION)
    assert asked is not None
    assert asked.is_blocking
    return json.loads(asked.params)


def back(door: Door, result: Any) -> Response:
    """What the caller gets of an action's result."""
    asked = door.asked(Received(*received(door)), ACTION)
    assert asked is not None
    answered = door.response(ACTION, asked, Activation("1", "success", json.dumps(result).encode()))
    return Response(answered.status, {"content-type": answered.content_type, **answered.headers}, answered.body)


def received(door: Door) -> tuple[str, str, str, dict[str, str], bytes]:
    endpoint = next(endpoint for each, endpoint in DOORS.values() if each is door)
    path, _, query = endpoint.url.partition("example")[2].partition("?")
    return "POST", path, query, {"content-type": "application/json"}, b"{}"


@pytest.mark.parametrize("name", DOORS)
def test_a_frame_comes_through_each_door_unchanged(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    door, endpoint = DOORS[name]
    seen: list[bytes] = []

    class Runner:
        def answer(self, frame: bytes) -> Answer:
            seen.append(frame)
            return Answer(200, FRAME[::-1])

    monkeypatch.setattr(host, "_runner", Runner())
    result = host.main(params(door, caller.request(endpoint, FRAME)))
    assert seen == [FRAME]
    assert caller.reply(back(door, result)) == FRAME[::-1]


@pytest.mark.parametrize("status", [200, 403, 504])
def test_a_sealed_error_comes_back_through_the_web_door(status: int) -> None:
    assert caller.reply(back(DOORS["web"][0], host.web.answer(Answer(status, FRAME, "FORBIDDEN")))) == FRAME


@pytest.mark.parametrize("error", errors.BY_CODE.values(), ids=lambda error: error.code)
@pytest.mark.parametrize("name", DOORS)
def test_a_refusal_is_the_same_error_at_each_door(name: str, error: type[errors.CallError]) -> None:
    doors: dict[str, Any] = {"api": host.invoke, "web": host.web, "url": host.function_url}
    answered = doors[name].answer(Answer(error.http_status, b"", error.code))
    with pytest.raises(error):
        caller.reply(back(DOORS[name][0], answered))


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        "text",
        {},
        {"hyfn": 1},
        {"hyfn": "é"},
        {"hyfn": "a"},
        {"hyfn": "AAAA", "more": 1},
        {"messages": [{"topic": "t", "value": "x"}]},
        {"__ow_path": "", "hyfn": "AAAA"},
    ],
    ids=str,
)
def test_parameters_that_carry_no_call_are_refused(given: object) -> None:
    assert host.main(given) == {"hyfn_refused": "MALFORMED"}


WEB_PARAMS = {"__ow_method": "post", "__ow_headers": {"content-type": CONTENT_TYPE}, "__ow_path": "", "__ow_body": ""}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"__ow_method": "get"}, 400),
        ({"__ow_method": None}, 400),
        ({"__ow_headers": {"content-type": "application/json"}}, 415),
        ({"__ow_headers": {}}, 415),
        ({"__ow_headers": None}, 400),
        ({"__ow_headers": {"content-type": 7}}, 400),
        ({"__ow_body": "%%%"}, 400),
        ({"__ow_body": "é"}, 400),
        ({"__ow_body": ["AAAA"]}, 400),
        ({"hyfn": "AAAA"}, 400),
        ({"name": "x"}, 400),
    ],
    ids=str,
)
def test_a_web_request_that_carries_no_call_is_refused(changed: dict[str, Any], status: int) -> None:
    answered = host.main({**WEB_PARAMS, **changed})
    assert (answered["statusCode"], answered["headers"]) == (status, {"content-type": "text/plain"})


@pytest.mark.parametrize("changed", [{"__ce_method": "GET"}, {"q": "1"}, {"hyfn": None}, {"__ce_own": "x"}], ids=str)
def test_a_code_engine_request_that_carries_no_call_is_refused(changed: dict[str, Any]) -> None:
    given = {"__ce_method": "POST", "__ce_headers": {}, "__ce_path": "/", "__ce_query": "", "hyfn": "AAAA"}
    assert host.main({**given, **changed})["body"] == {"hyfn_refused": "MALFORMED"}


def test_importing_the_host_where_there_is_no_artifact_loads_nothing() -> None:
    assert host._runner is None


@pytest.mark.parametrize(
    ("status", "body", "error", "executed"),
    [
        (202, b'{"activationId":"1"}', errors.OutcomeUnknown, errors.UNKNOWN),
        (299, b'{"error":"late"}', errors.OutcomeUnknown, errors.UNKNOWN),
        (400, b'{"error":"There was an error processing your request."}', errors.OutcomeUnknown, errors.UNKNOWN),
        (401, b'{"error":"The supplied authentication is invalid"}', errors.Unauthenticated, errors.NOT_EXECUTED),
        (403, b'{"error":"not authorized"}', errors.Forbidden, errors.NOT_EXECUTED),
        (404, b'{"error":"The requested resource does not exist."}', errors.NoSuchFunction, errors.NOT_EXECUTED),
        (413, b'{"error":"Request larger than allowed"}', errors.TooLarge, errors.NOT_EXECUTED),
        (416, b"", errors.TooLarge, errors.EXECUTED),
        (429, b'{"error":"Too many concurrent requests in flight"}', errors.RateLimited, errors.NOT_EXECUTED),
        (500, b'{"error":"internal"}', errors.OutcomeUnknown, errors.UNKNOWN),
        (502, b'{"error":"The action exceeded its time limits of 1 milliseconds."}', errors.OutcomeUnknown, 2),
        (
            502,
            b'{"error":"The action produced a response that exceeded the allowed length: 2 > 1 bytes."}',
            errors.TooLarge,
            errors.EXECUTED,
        ),
        (503, b"", errors.OutcomeUnknown, errors.UNKNOWN),
        (200, b'{"a": 1}', errors.OutcomeUnknown, errors.UNKNOWN),
        (302, b"", errors.OutcomeUnknown, errors.UNKNOWN),
    ],
)
def test_an_answer_of_the_platform_says_whether_the_function_ran(
    status: int, body: bytes, error: type[errors.CallError], executed: int
) -> None:
    with pytest.raises(errors.CallError) as caught:
        caller.reply(Response(status, {"content-type": "application/json"}, body))
    assert (type(caught.value), caught.value.executed) == (error, executed)


@pytest.mark.parametrize("name", ["api", "web"])
def test_a_call_over_openwhisks_limit_is_never_sent(name: str) -> None:
    endpoint = DOORS[name][1]
    caller.request(endpoint, bytes(MAX_REQUEST * 3 // 4 - 4096))
    with pytest.raises(errors.TooLarge, match=str(MAX_REQUEST)) as caught:
        caller.request(endpoint, bytes(MAX_REQUEST * 3 // 4))
    assert caught.value.executed == errors.NOT_EXECUTED


def test_the_key_is_added_to_calls_of_the_api_alone() -> None:
    def sign(request: Request) -> Request:
        return Request(request.method, request.url, {**request.headers, "Authorization": "Basic x"}, request.body)

    signed = {
        name: "Authorization" in OpenWhiskCaller(sign).request(each[1], FRAME).headers for name, each in DOORS.items()
    }
    assert signed == {"api": True, "web": False, "url": False}


def test_the_api_is_asked_as_the_reference_says() -> None:
    request = caller.request(DOORS["api"][1], FRAME)
    assert (request.method, request.headers) == ("POST", {"Content-Type": "application/json"})
    assert request.url.endswith("/api/v1/namespaces/guest/actions/f?blocking=true&result=true")
    assert list(json.loads(request.body)) == ["hyfn"]
