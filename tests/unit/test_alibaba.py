"""Function Compute: its doors are inverses, its refusals are told apart, its limits are checked before it sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from hyfn import errors
from hyfn.clouds.alibaba import host
from hyfn.clouds.alibaba.call import MAX_REQUEST, AlibabaCaller, caller
from hyfn.clouds.alibaba.pack import HOST, packer, start
from hyfn.host import container, http
from hyfn.host.door import Frames
from hyfn.host.run import Runner
from hyfn.model import FunctionSpec, Place, Signature, Target
from hyfn.wire.carrier import Answer, Endpoint, Request, Response
from hyfn.wire.frame import CONTENT_TYPE, MAGIC
from hyfn.wire.http1 import RequestHead

INVOKE = Endpoint("alibaba", "app:f", "http://127.0.0.1:1/2023-03-30/functions/f/invocations")
TRIGGER = Endpoint("alibaba", "app:f", "http://127.0.0.1:1/", "http")
FRAME = MAGIC + bytes(range(256)) * 3


def passed_on(said: tuple[int, str, bytes]) -> Response:
    """What InvokeFunction makes of a host's response: status and headers are lost."""
    return Response(200, {"content-type": "application/octet-stream", "x-fc-request-id": "r"}, said[2])


def as_it_came(said: tuple[int, str, bytes]) -> Response:
    """What an HTTP trigger makes of it: nothing."""
    return Response(said[0], {"content-type": said[1], "x-fc-request-id": "r"}, said[2])


def failed(status: int, document: Mapping[str, object], kind: str = "") -> errors.CallError:
    headers = {"content-type": "application/json", **({"x-fc-error-type": kind} if kind else {})}
    with pytest.raises(errors.CallError) as raised:
        caller.reply(Response(status, headers, json.dumps(document).encode()))
    return raised.value


def test_a_frame_comes_through_invoke_function_unchanged() -> None:
    request = caller.request(INVOKE, FRAME)
    assert (request.method, request.url) == ("POST", INVOKE.url)
    assert request.headers == {"Content-Type": "application/octet-stream", "X-Fc-Invocation-Type": "Sync"}
    assert host.invoke.receive("POST", request.headers["Content-Type"], request.body) == FRAME


def test_a_frame_comes_through_the_http_trigger_unchanged() -> None:
    request = caller.request(TRIGGER, FRAME)
    assert http.receive(request.method, request.headers["Content-Type"], request.body) == FRAME


@pytest.mark.parametrize("status", [200, 403, 504])
def test_a_reply_comes_back_through_both_doors_unchanged(status: int) -> None:
    answer = Answer(status, FRAME, "FORBIDDEN")
    assert caller.reply(passed_on(host.invoke.answer(answer))) == FRAME
    assert caller.reply(as_it_came(http.answer(answer))) == FRAME


@pytest.mark.parametrize("error", errors.BY_CODE.values(), ids=lambda error: error.code)
def test_a_refusal_is_the_same_error_at_both_doors(error: type[errors.CallError]) -> None:
    refusal = Answer(error.http_status, b"", error.code)
    for response in (passed_on(host.invoke.answer(refusal)), as_it_came(http.answer(refusal))):
        with pytest.raises(error) as raised:
            caller.reply(response)
        assert raised.value.executed == error.executed


def test_both_doors_are_signed() -> None:
    def sign(request: Request) -> Request:
        headers = {**request.headers, "Authorization": f"ACS3-HMAC-SHA256 {len(request.body)}"}
        return Request(request.method, request.url, headers, request.body)

    for endpoint in (INVOKE, TRIGGER):
        signed = AlibabaCaller(sign).request(endpoint, FRAME)
        assert signed.headers["Authorization"] == f"ACS3-HMAC-SHA256 {len(FRAME)}"


@pytest.mark.parametrize("endpoint", [INVOKE, TRIGGER], ids=["invoke", "http"])
def test_a_frame_over_the_platforms_limit_is_refused_before_it_is_sent(endpoint: Endpoint) -> None:
    assert caller.request(endpoint, bytes(MAX_REQUEST))
    with pytest.raises(errors.TooLarge, match="33554433 bytes"):
        caller.request(endpoint, bytes(MAX_REQUEST + 1))


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "EntityTooLarge", errors.TooLarge),
        (403, "AccessDenied", errors.Forbidden),
        (403, "SignatureNotMatch", errors.Unauthenticated),
        (403, "InvalidAccessKeyID", errors.Unauthenticated),
        (404, "InvalidAccessKeyId.NotFound", errors.Unauthenticated),
        (404, "FunctionNotFound", errors.NoSuchFunction),
        (412, "FunctionNotStarted", errors.Unavailable),
        (429, "ResourceThrottled", errors.RateLimited),
        (503, "ResourceExhausted", errors.Overloaded),
    ],
)
@pytest.mark.parametrize("spelling", ["Code", "ErrorCode", "errorCode"])
def test_an_answer_of_the_platform_that_proves_that_nothing_ran(
    status: int, code: str, error: type[errors.CallError], spelling: str
) -> None:
    raised = failed(status, {spelling: code, "Message": "why"})
    assert (type(raised), raised.executed) == (error, errors.NOT_EXECUTED)
    assert code in str(raised)


@pytest.mark.parametrize(
    ("status", "kind", "message", "error", "executed"),
    [
        (200, "UnhandledInvocationError", "Process exited unexpectedly", errors.OutcomeUnknown, errors.UNKNOWN),
        (200, "HandledInvocationError", "oops", errors.OutcomeUnknown, errors.UNKNOWN),
        (502, "UnhandledInvocationError", "Process exited unexpectedly", errors.OutcomeUnknown, errors.UNKNOWN),
        (404, "UnhandledInvocationError", "oops", errors.OutcomeUnknown, errors.UNKNOWN),
        (200, "UnhandledInvocationError", "Function timed out after 3 s", errors.DeadlineExceeded, errors.UNKNOWN),
        (200, "UnhandledInvocationError", "Function time out after 3 s", errors.DeadlineExceeded, errors.UNKNOWN),
        (200, "FunctionTimeoutError", "", errors.DeadlineExceeded, errors.UNKNOWN),
        (200, "FunctionOOMError", "killed", errors.OutcomeUnknown, errors.UNKNOWN),
        (200, "InitializationError", "no", errors.Unavailable, errors.NOT_EXECUTED),
        (500, "FcCommonError", "internal", errors.OutcomeUnknown, errors.UNKNOWN),
        (503, "", "busy", errors.OutcomeUnknown, errors.UNKNOWN),
    ],
)
def test_a_failure_of_the_function_says_what_is_known(
    status: int, kind: str, message: str, error: type[errors.CallError], executed: int
) -> None:
    raised = failed(status, {"errorMessage": message}, kind)
    assert (type(raised), raised.executed) == (error, executed)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"a":', b"\xff" * 99, b"OK"])
@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_is_no_reply_leaves_the_outcome_unknown(status: int, body: bytes) -> None:
    with pytest.raises(errors.OutcomeUnknown):
        caller.reply(Response(status, {}, body))


def head(path: str, method: str = "POST") -> RequestHead:
    return RequestHead(f"{method} {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/octet-stream".encode())


def test_the_platforms_paths_have_doors() -> None:
    doors = host.doors(Runner({}, None))
    assert sorted(doors) == ["/initialize", "/invoke", "/pre-stop"]
    assert isinstance(doors["/invoke"], Frames)
    for hook, method in (("/initialize", "POST"), ("/pre-stop", "GET")):
        assert doors[hook].refused(head(hook, method)) is None
        assert doors[hook].answer(head(hook, method), b"")[0] == 200


def test_what_is_no_frame_is_refused_at_the_invoke_door() -> None:
    door = host.doors(Runner({}, None))["/invoke"]
    assert door.refused(head("/invoke")) is None
    assert door.answer(head("/invoke"), b'{"key": "value"}') == (200, "application/octet-stream", b"MALFORMED")


@pytest.mark.parametrize(
    ("variables", "address"), [({}, "127.0.0.1"), ({"FC_FUNCTION_NAME": "f"}, "0.0.0.0")], ids=["elsewhere", "platform"]
)
def test_the_host_listens_on_every_address_only_on_the_platform(
    variables: Mapping[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(container, "main", lambda *given, **limits: told.extend([*given, limits["limits"].idle_time]))
    monkeypatch.delenv("FC_FUNCTION_NAME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    host.main()
    assert told == [address, "FC_CUSTOM_LISTEN_PORT", 9000, 1800]


def spec(**options: Any) -> tuple[FunctionSpec, Target]:
    place = Place("app.py", 3)
    target = Target("alibaba", "alibaba", options, place)
    return FunctionSpec("app:f", "app", "f", place, Signature((), None), None, False, [target]), target


def problems(**options: Any) -> list[str]:
    return [problem.message for problem in packer.check(*spec(**options))]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"memory": 128, "cpu": 0.05, "timeout": 86_400, "concurrency": 200},
        {"memory": 32_768, "cpu": 16},
        {"memory": 1024, "cpu": 0.35},
        {"python": "3.11"},
        {"name": "_A-z_9"},
        {"env": {"A_b1": "x"}},
    ],
    ids=str,
)
def test_what_function_compute_takes_is_no_problem(options: dict[str, Any]) -> None:
    assert problems(**options) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"memory": 64}, "128 to 32768 MB"),
        ({"memory": 200}, "steps of 64 MB"),
        ({"timeout": 86_401}, "86400 seconds"),
        ({"timeout": 0}, "1 to 86400"),
        ({"concurrency": 201}, "1 to 200 calls"),
        ({"cpu": 0.07}, "steps of 0.05"),
        ({"cpu": 17, "memory": 32_768}, "0.05 to 16 vCPUs"),
        ({"cpu": 1, "memory": 512}, "one vCPU for every 1 to 4 GB"),
        ({"cpu": 0.05, "memory": 512}, "one vCPU for every 1 to 4 GB"),
        ({"python": "3.13"}, "Python 3.11 and 3.12, not '3.13'"),
        ({"name": "9lives"}, "from a letter or _"),
        ({"name": "a" * 65}, "1 to 64"),
        ({"env": {"_HIDDEN": "x"}}, "from a letter, not '_HIDDEN'"),
    ],
    ids=str,
)
def test_what_function_compute_would_refuse_is_said_with_its_limit(options: dict[str, Any], said: str) -> None:
    [problem] = problems(**options)
    assert said in problem


def test_each_python_has_its_runtime_and_glibc() -> None:
    runtimes = {python: packer.runtimes(spec(python=python)[1])[0] for python in ("", "3.11", "3.12")}
    assert {python: (one.python, one.machine, one.glibc) for python, one in runtimes.items()} == {
        "": ("3.12", "x86_64", "2.31"),
        "3.11": ("3.11", "x86_64", "2.36"),
        "3.12": ("3.12", "x86_64", "2.31"),
    }
    assert [start(python)[0] for python in ("3.11", "3.12")] == [
        "/usr/bin/python3",
        "/var/fc/lang/python3.12/bin/python3",
    ]


def test_the_manifest_is_what_create_function_takes() -> None:
    function, target = spec(memory=512, cpu=0.25, python="3.11", env={"A": "b"}, concurrency=4)
    assert packer.manifest(function, target, "shop-dev-f", "") == {
        "function": {
            "functionName": "shop-dev-f",
            "runtime": "custom.debian12",
            "handler": HOST,
            "memorySize": 512,
            "cpu": 0.25,
            "diskSize": 512,
            "timeout": 60,
            "instanceConcurrency": 4,
            "customRuntimeConfig": {"command": ["/usr/bin/python3"], "args": ["-m", HOST], "port": 9000},
            "environmentVariables": {"A": "b"},
        },
        "triggers": [],
        "rules": [],
    }


def test_an_http_trigger_takes_signed_posts_only() -> None:
    [trigger] = packer.manifest(*spec(url=True), "f", "")["triggers"]
    assert (trigger["triggerName"], trigger["triggerType"]) == ("http", "http")
    assert json.loads(trigger["triggerConfig"]) == {"authType": "function", "methods": ["POST"]}


def test_a_derived_name_is_one_that_the_platform_takes() -> None:
    function, target = spec()
    name = packer.platform_name("Shop", "dev", function, target)
    assert packer.platform_name("Shop", "dev", *spec(name="mine")) == "mine"
    assert problems(name=name) == []


def test_the_same_limits_stand_at_both_ends() -> None:
    from hyfn.clouds.alibaba import front

    assert front.MAX_BODY == MAX_REQUEST
    assert http.answer(Answer(200, FRAME))[1] == CONTENT_TYPE
