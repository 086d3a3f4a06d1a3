"""Fn's options, names, func.yaml, layers and answers, without starting anything."""

from __future__ import annotations

import inspect
import json
import sys
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hyfn.clouds.fn import fn, host, oracle
from hyfn.clouds.fn.call import MAX_REQUEST, FnCaller, caller
from hyfn.clouds.fn.pack import ENTRY, packer
from hyfn.errors import (
    EXECUTED,
    NOT_EXECUTED,
    UNKNOWN,
    BuildError,
    CallError,
    DeadlineExceeded,
    Forbidden,
    Malformed,
    NoSuchFunction,
    OutcomeUnknown,
    Overloaded,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedEncoding,
)
from hyfn.model import FunctionSpec, Place, Signature, Staged, Target
from hyfn.pack import environment
from hyfn.wire.carrier import Answer, Endpoint, Request, Response
from hyfn.wire.frame import CONTENT_TYPE

PLACE = Place("app.py", 3)


def target(platform: str = "fn", **options: Any) -> Target:
    return Target("fn", platform, options, PLACE)


def function(qualname: str = "settle") -> FunctionSpec:
    return FunctionSpec(f"app:{qualname}", "app", qualname, PLACE, Signature((), None), None, False, (target(),))


def staged(code: dict[str, bytes], made: Target | None = None) -> Staged:
    made = made or target()
    return Staged("shop", function(), made, packer.runtimes(made)[0], code, {"lib.py": b"x = 1\n"}, ())


def test_oracle_is_a_profile_of_fn() -> None:
    assert (fn.cloud, fn.name) == ("fn", "fn")
    assert (oracle.cloud, oracle.name) == ("fn", "oracle")


@pytest.mark.parametrize(
    ("platform", "options"),
    [
        ("fn", {}),
        ("oracle", {}),
        ("fn", {"memory": 300, "timeout": 300, "name": "Settle_1.0~x", "app": "shop"}),
        ("fn", {"memory": 8192, "timeout": 1, "python": "3.11", "architecture": "multi"}),
        ("oracle", {"memory": 3072, "timeout": 300}),
    ],
    ids=str,
)
def test_what_the_platform_takes_is_no_problem(platform: str, options: dict[str, Any]) -> None:
    assert list(packer.check(function(), target(platform, **options))) == []


@pytest.mark.parametrize(
    ("platform", "options", "said"),
    [
        ("fn", {"memory": 0}, "1 to 8192 MB"),
        ("fn", {"memory": 8193}, "1 to 8192 MB"),
        ("oracle", {"memory": 300}, "128, 256, 512, 1024, 2048 or 3072 MB"),
        ("oracle", {"memory": 8192}, "memory=8192"),
        ("fn", {"timeout": 301}, "1 to 300 seconds"),
        ("oracle", {"timeout": 0}, "1 to 300 seconds"),
        ("fn", {"timeout": "30"}, "timeout='30'"),
        ("fn", {"python": "3.13"}, "3.11 or 3.12"),
        ("fn", {"architecture": "s390x"}, "x86_64, arm64 or multi"),
        ("fn", {"name": "a b"}, "as name"),
        ("fn", {"name": "a" * 256}, "1 to 255"),
        ("oracle", {"app": "über"}, "as app"),
    ],
    ids=str,
)
def test_what_it_refuses_is_a_problem_at_its_line(platform: str, options: dict[str, Any], said: str) -> None:
    [problem] = packer.check(function(), target(platform, **options))
    assert (problem.level, problem.place) == ("error", PLACE)
    assert said in problem.message
    assert problem.hint


def test_a_derived_name_is_one_that_fn_takes() -> None:
    name = packer.platform_name("My App", "prod", function("S" * 300), target())
    assert list(packer.check(function(), target(name=name))) == []
    assert packer.platform_name("My App", "prod", function(), target(name="mine")) == "mine"


@pytest.mark.parametrize(
    ("platform", "env", "said"),
    [
        ("fn", {"FN_MEMORY": "1"}, "Fn sets itself"),
        ("oracle", {"FN_LISTENER": "1"}, "Oracle Functions sets itself"),
        ("oracle", {"OCI_RESOURCE_PRINCIPAL_REGION": "1"}, "Oracle Functions sets itself"),
        ("oracle", {"A": "x" * 4096}, "Oracle Functions takes"),
        ("fn", {"OCI_RESOURCE_PRINCIPAL_REGION": "1"}, ""),
        ("fn", {"A": "x" * 4096}, ""),
    ],
    ids=str,
)
def test_the_configuration_has_each_platforms_limits(platform: str, env: dict[str, str], said: str) -> None:
    made = target(platform, env=env)
    problems = [problem.message for problem in environment.problems(made, packer.limits(made))]
    assert [said in message for message in problems] == ([True] if said else [])


def test_an_image_has_all_under_function_and_starts_fdk(tmp_path: Path) -> None:
    container = packer.container(target(python="3.11"))
    assert container is not None
    assert container.entrypoint == ["python3.11", "/function/bin/fdk", "/function/func.py", "handler"]
    assert (container.root, container.base) == ("function/", "docker.io/fnproject/python:3.11")
    assert (container.user, container.port) == ("1000:1000", 0)
    assert packer.roots(tmp_path) == [tmp_path / "function"]
    assert [each.machine for each in packer.runtimes(target(architecture="multi"))] == ["x86_64", "aarch64"]


def test_fdk_travels_with_what_it_imports() -> None:
    assert [text.partition(">")[0] for text in packer.serving(target())] == ["fdk", "httptools"]
    assert packer.provided(target()) == ()


def test_func_yaml_says_what_fns_tools_ask_for() -> None:
    made = target(memory=256, timeout=12.5, env={"GREETING": 'a "b": ☺', "EMPTY": ""})
    lines = packer.tree(staged({}, made)).files["func.yaml"].decode().splitlines()
    said = {
        key: json.loads(value) if value[:1] in '{"' else value for key, _, value in (x.partition(": ") for x in lines)
    }
    assert said == {
        "schema_version": "20180708",
        "name": "settle",
        "version": "0.0.1",
        "runtime": "python3.12",
        "build_image": "fnproject/python:3.12-dev",
        "run_image": "fnproject/python:3.12",
        "entrypoint": "python3.12 /function/bin/fdk /function/func.py handler",
        "memory": "256",
        "timeout": "13",
        "config": {"GREETING": 'a "b": ☺', "EMPTY": ""},
    }


def test_a_users_own_func_py_keeps_its_lines() -> None:
    files = packer.tree(staged({"func.py": b"def settle(): ...\n"})).files
    assert files["func.py"].decode() == f"def settle(): ...\n\n\n{ENTRY}"
    assert packer.tree(staged({"app.py": b"y = 2\n"})).files["app.py"] == b"y = 2\n"


@pytest.mark.parametrize("path", ["func.yaml", "bin/fdk", "func/__init__.py", "func/part.py", "fdk.py", "fdk/part.py"])
def test_what_would_stand_in_the_way_is_refused(path: str) -> None:
    with pytest.raises(BuildError) as refused:
        packer.tree(staged({path: b""}))
    assert path in refused.value.message
    assert (refused.value.where, bool(refused.value.hint)) == ("app.py:3", True)


def test_the_description_is_the_body_that_creates_the_function() -> None:
    made = target(memory=256, timeout=20, env={"A": "b"})
    assert packer.manifest(function(), made, "settle", "shop/settle:1") == {
        "name": "settle", "image": "shop/settle:1", "memory": 256, "timeout": 20, "config": {"A": "b"},
    }  # fmt: skip
    assert packer.manifest(function(), target("oracle"), "settle", "iad.ocir.io/shop/settle:1") == {
        "displayName": "settle", "image": "iad.ocir.io/shop/settle:1", "memoryInMBs": 128, "timeoutInSeconds": 30,
        "config": {},
    }  # fmt: skip


ENDPOINT = Endpoint("fn", "app:settle", "https://fn.example/invoke/01CQV4NEGMNG8G00GZJ0000002")
ORACLE = Endpoint(
    "fn", "app:settle", "https://x.functions.oci.example/20181201/functions/ocid1.fnfunc/actions/invoke", "oracle"
)


@pytest.mark.parametrize("endpoint", [ENDPOINT, ORACLE], ids=["fn", "oracle"])
def test_a_request_is_the_http_carriers_signed(endpoint: Endpoint) -> None:
    def sign(request: Request) -> Request:
        headers = {**request.headers, "Authorization": f'Signature version="1" of {len(request.body)} bytes'}
        return Request(request.method, request.url, headers, request.body)

    request = FnCaller(sign).request(endpoint, b"frame")
    assert (request.method, request.url, request.body) == ("POST", endpoint.url, b"frame")
    assert request.headers["Content-Type"] == CONTENT_TYPE
    assert request.headers["Authorization"] == 'Signature version="1" of 5 bytes'


def test_only_oracle_has_a_limit_of_what_is_sent() -> None:
    assert caller.request(ORACLE, bytes(MAX_REQUEST)).body == bytes(MAX_REQUEST)
    assert len(caller.request(ENDPOINT, bytes(MAX_REQUEST + 1)).body) == MAX_REQUEST + 1
    with pytest.raises(TooLarge) as refused:
        caller.request(ORACLE, bytes(MAX_REQUEST + 1))
    assert refused.value.executed == NOT_EXECUTED


@pytest.mark.parametrize(
    ("status", "message", "error", "executed"),
    [
        (401, "NotAuthenticated", Unauthenticated, NOT_EXECUTED),
        (403, "Forbidden", Forbidden, NOT_EXECUTED),
        (404, "Fn not found", NoSuchFunction, NOT_EXECUTED),
        (413, "Request content too large", TooLarge, NOT_EXECUTED),
        (429, "Too many requests submitted", RateLimited, NOT_EXECUTED),
        (503, "Timed out - server too busy", Overloaded, NOT_EXECUTED),
        (502, "Container failed to initialize, please ensure you are using the latest fdk", Unavailable, NOT_EXECUTED),
        (504, "Container initialization timed out, please ensure", Unavailable, NOT_EXECUTED),
        (504, "Image pull timed out", Unavailable, NOT_EXECUTED),
        (504, "Timed out", DeadlineExceeded, UNKNOWN),
        (502, "function response body too large", TooLarge, EXECUTED),
        (502, "function failed", OutcomeUnknown, UNKNOWN),
        (502, "error receiving function response", OutcomeUnknown, UNKNOWN),
        (502, "invalid function response", OutcomeUnknown, UNKNOWN),
        (500, "internal server error", OutcomeUnknown, UNKNOWN),
        (503, "anything else", OutcomeUnknown, UNKNOWN),
        (500, "Timed out - server too busy", OutcomeUnknown, UNKNOWN),
    ],
)
def test_an_answer_of_the_agents_tells_what_ran(
    status: int, message: str, error: type[CallError], executed: int
) -> None:
    body = json.dumps({"message": message}).encode()
    with pytest.raises(error) as raised:
        caller.reply(Response(status, {"content-type": "application/json; charset=utf-8"}, body))
    assert (type(raised.value), raised.value.executed) == (error, executed)


def test_words_of_a_proxys_own_prove_nothing() -> None:
    with pytest.raises(OutcomeUnknown):
        caller.reply(Response(503, {"content-type": "text/html"}, b"Timed out - server too busy"))


def test_a_hosts_refusal_comes_with_200_and_is_one_nonetheless() -> None:
    with pytest.raises(Unauthenticated) as refused:
        caller.reply(Response(200, {"content-type": "text/plain"}, b"UNAUTHENTICATED"))
    assert refused.value.executed == NOT_EXECUTED


def test_a_reply_comes_back_whatever_its_status() -> None:
    assert caller.reply(Response(200, {"content-type": CONTENT_TYPE}, b"sealed")) == b"sealed"
    assert caller.reply(Response(504, {"content-type": CONTENT_TYPE}, b"Timed out")) == b"Timed out"


class Context:
    """fdk's InvokeContext, as far as the host asks it."""

    def __init__(
        self, headers: dict[str, Any], through_gateway: dict[str, str] | None = None, method: str = ""
    ) -> None:
        self._headers, self._through_gateway, self._method = headers, through_gateway or {}, method

    def Headers(self) -> dict[str, Any]:  # noqa: N802
        return self._headers

    def HTTPHeaders(self) -> dict[str, str]:  # noqa: N802
        return self._through_gateway

    def Method(self) -> str | None:  # noqa: N802
        return self._method or None


def test_a_frame_is_received_directly_and_through_a_gateway() -> None:
    assert host.receive(Context({"content-type": CONTENT_TYPE}), b"frame") == b"frame"
    both = {"content-type": ["text/plain", CONTENT_TYPE]}
    assert host.receive(Context(both, {"content-type": CONTENT_TYPE}, "POST"), b"frame") == b"frame"
    assert host.receive(Context({"content-type": CONTENT_TYPE}, {"accept": "*/*"}, "POST"), b"frame") == b"frame"


@pytest.mark.parametrize(
    ("context", "error"),
    [
        (Context({}), UnsupportedEncoding),
        (Context({"content-type": "application/json"}), UnsupportedEncoding),
        (Context({"content-type": CONTENT_TYPE}, {"content-type": "text/html"}, "POST"), UnsupportedEncoding),
        (Context({}, {"content-type": CONTENT_TYPE}, "GET"), Malformed),
    ],
)
def test_what_is_no_call_is_not_received(context: Context, error: type[CallError]) -> None:
    with pytest.raises(error):
        host.receive(context, b"frame")


@pytest.mark.parametrize("status", [200, 404, 502, 504])
def test_fn_sees_an_answer_and_a_gateway_its_status(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Runs:
        def answer(self, data: bytes) -> Answer:
            return Answer(status, b"reply to " + data)

    made: list[dict[str, Any]] = []

    class Stand:
        """fdk.response.Response."""

        def __init__(self, ctx: Any, **given: Any) -> None:
            made.append(given)
            self.status_code = given["status_code"]

    fdk = ModuleType("fdk.response")
    fdk.Response = Stand  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fdk", ModuleType("fdk"))
    monkeypatch.setitem(sys.modules, "fdk.response", fdk)
    monkeypatch.setattr(host, "_runner", Runs())
    response = host.handler(Context({"content-type": CONTENT_TYPE}), BytesIO(b"frame"))
    assert made == [
        {"response_data": b"reply to frame", "headers": {"Content-Type": CONTENT_TYPE}, "status_code": status}
    ]
    assert response.status_code == 200


def test_fdk_is_given_no_coroutine_that_it_would_cut_off_after_a_minute() -> None:
    assert not inspect.iscoroutinefunction(host.handler)
