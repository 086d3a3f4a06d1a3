"""AWS Lambda: its doors are inverses, its refusals are told apart, its limits are checked before it sees them."""

from __future__ import annotations

import json
import os
from binascii import a2b_base64, b2a_base64
from typing import Any

import pytest

from hyfn import errors
from hyfn.clouds.aws import host
from hyfn.clouds.aws.call import MAX_REQUEST, AwsCaller, caller
from hyfn.clouds.aws.pack import packer
from hyfn.model import FunctionSpec, Place, Signature, Target
from hyfn.wire.carrier import Answer, Endpoint, Request, Response
from hyfn.wire.frame import CONTENT_TYPE

INVOKE = Endpoint("aws", "app:f", "http://127.0.0.1:1/2015-03-31/functions/f/invocations")
URL = Endpoint("aws", "app:f", "http://127.0.0.1:1/", "url")
FRAME = bytes(range(256)) * 3


def url_event(body: str, *, content_type: str = CONTENT_TYPE, is_base64: bool = True, method: str = "POST") -> Any:
    """An event as a function URL sends it (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {
            "content-length": "768",
            "content-type": content_type,
            "host": "abc123.lambda-url.eu-west-1.on.aws",
            "x-amzn-tls-version": "TLSv1.3",
            "x-forwarded-for": "203.0.113.7",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc123",
            "domainName": "abc123.lambda-url.eu-west-1.on.aws",
            "domainPrefix": "abc123",
            "http": {
                "method": method,
                "path": "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "-",
            },
            "requestId": "e1506fd5-9e7b-434f-bd42-4f8fa224b599",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238390,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def as_url_event(request: Request) -> Any:
    return url_event(b2a_base64(request.body, newline=False).decode(), content_type=request.headers["Content-Type"])


def as_url_response(result: Any) -> Response:
    body = a2b_base64(result["body"]) if result["isBase64Encoded"] else result["body"].encode()
    return Response(result["statusCode"], result["headers"], body)


def test_a_frame_comes_through_the_invoke_api_unchanged() -> None:
    event = json.loads(caller.request(INVOKE, FRAME).body)
    assert host.invoke.receive(event) == FRAME


def test_a_frame_comes_through_the_function_url_unchanged() -> None:
    assert host.url.receive(as_url_event(caller.request(URL, FRAME))) == FRAME


def test_a_reply_comes_back_through_the_invoke_api_unchanged() -> None:
    body = json.dumps(host.invoke.answer(Answer(200, FRAME))).encode()
    assert caller.reply(Response(200, {"content-type": "application/json"}, body)) == FRAME


@pytest.mark.parametrize("status", [200, 403, 504])
def test_a_reply_comes_back_through_the_function_url_unchanged(status: int) -> None:
    assert caller.reply(as_url_response(host.url.answer(Answer(status, FRAME, "FORBIDDEN")))) == FRAME


@pytest.mark.parametrize("error", errors.BY_CODE.values(), ids=lambda error: error.code)
def test_a_refusal_is_the_same_error_at_both_doors(error: type[errors.CallError]) -> None:
    refusal = Answer(error.http_status, b"", error.code)
    with pytest.raises(error):
        caller.reply(as_url_response(host.url.answer(refusal)))
    with pytest.raises(error):
        caller.reply(Response(200, {}, json.dumps(host.invoke.answer(refusal)).encode()))


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "text",
        {},
        {"hyfn": 1},
        {"hyfn": "é"},
        {"hyfn": "a"},
        {"hyfn": "AAAA", "more": 1},
        {"Records": [{"eventSource": "aws:sqs", "body": "AAAA"}]},
    ],
)
def test_an_event_that_carries_no_call_is_refused(event: object) -> None:
    assert host.handler(event, None) == {"hyfn_refused": "MALFORMED"}


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (url_event("AAAA", content_type="application/json"), 415),
        (url_event("AAAA", method="GET"), 400),
        (url_event("%%%a", is_base64=True), 400),
        ({"requestContext": None}, 400),
        ({"requestContext": {"http": {"method": "POST"}}, "headers": None}, 400),
    ],
)
def test_a_request_that_carries_no_call_is_refused(event: object, status: int) -> None:
    assert host.handler(event, None)["statusCode"] == status


def test_importing_the_host_where_there_is_no_artifact_loads_nothing() -> None:
    assert host._runner is None


@pytest.mark.parametrize(
    ("status", "kind", "error", "executed"),
    [
        (401, "", errors.Unauthenticated, errors.NOT_EXECUTED),
        (403, "AccessDeniedException", errors.Forbidden, errors.NOT_EXECUTED),
        (403, "InvalidSignatureException:http://internal/", errors.Unauthenticated, errors.NOT_EXECUTED),
        (403, "ExpiredTokenException", errors.Unauthenticated, errors.NOT_EXECUTED),
        (404, "ResourceNotFoundException", errors.NoSuchFunction, errors.NOT_EXECUTED),
        (413, "RequestTooLargeException", errors.TooLarge, errors.NOT_EXECUTED),
        (429, "TooManyRequestsException", errors.RateLimited, errors.NOT_EXECUTED),
        (500, "ServiceException", errors.OutcomeUnknown, errors.UNKNOWN),
        (502, "", errors.OutcomeUnknown, errors.UNKNOWN),
        (504, "", errors.OutcomeUnknown, errors.UNKNOWN),
    ],
)
def test_an_answer_of_the_platform_says_whether_the_function_ran(
    status: int, kind: str, error: type[errors.CallError], executed: int
) -> None:
    headers = {"content-type": "application/json", "x-amzn-errortype": kind}
    with pytest.raises(error) as caught:
        caller.reply(Response(status, headers, b'{"Type":"User","Message":"Rate Exceeded."}'))
    assert caught.value.executed == executed
    assert "Rate Exceeded." in str(caught.value)


def test_a_function_error_leaves_the_outcome_unknown() -> None:
    body = b'{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}'
    with pytest.raises(errors.OutcomeUnknown, match=r"Task timed out after 3\.00 seconds"):
        caller.reply(Response(200, {"x-amz-function-error": "Unhandled"}, body))


def test_a_result_that_lambda_refused_was_computed_all_the_same() -> None:
    body = b'{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded"}'
    with pytest.raises(errors.TooLarge) as caught:
        caller.reply(Response(200, {"x-amz-function-error": "Unhandled"}, body))
    assert caught.value.executed == errors.EXECUTED


@pytest.mark.parametrize("endpoint", [INVOKE, URL], ids=["invoke", "url"])
def test_a_call_over_lambdas_limit_is_never_sent(endpoint: Endpoint) -> None:
    caller.request(endpoint, os.urandom(MAX_REQUEST * 3 // 4 - 4096))
    with pytest.raises(errors.TooLarge, match=str(MAX_REQUEST)):
        caller.request(endpoint, bytes(MAX_REQUEST * 3 // 4))


def test_a_signature_is_added_to_what_is_sent() -> None:
    def sign(request: Request) -> Request:
        return Request(
            request.method, request.url, {**request.headers, "Authorization": "AWS4-HMAC-SHA256"}, request.body
        )

    for endpoint in (INVOKE, URL):
        assert AwsCaller(sign).request(endpoint, FRAME).headers["Authorization"] == "AWS4-HMAC-SHA256"


def function(qualname: str = "ocr") -> FunctionSpec:
    place = Place("app.py", 7)
    return FunctionSpec(f"app:{qualname}", "app", qualname, place, Signature((), None), None, False, ())


def target(**options: Any) -> Target:
    return Target("aws", "aws", options, Place("app.py", 6))


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({"memory": 64}, "128 to 10240 MB of memory, and memory=64"),
        ({"memory": 20_000}, "128 to 10240 MB of memory, and memory=20000"),
        ({"timeout": 901}, "1 to 900 seconds, and timeout=901"),
        ({"timeout": 0}, "1 to 900 seconds, and timeout=0"),
        ({"python": "3.9"}, "3.11, 3.12, 3.13 or 3.14, not '3.9'"),
        ({"architecture": "riscv"}, "x86_64 or arm64, not 'riscv'"),
        ({"name": "a.b"}, "1 to 64 letters, digits, - and _, not 'a.b'"),
        ({"name": "x" * 65}, "1 to 64 letters"),
    ],
)
def test_an_option_that_lambda_refuses_is_a_problem_at_its_line(options: dict[str, Any], limit: str) -> None:
    [problem] = packer.check(function(), target(**options))
    assert limit in problem.message
    assert str(problem.place) == "app.py:6"


def test_options_within_the_limits_are_no_problem() -> None:
    allowed = target(memory=10_240, timeout=900, python="3.12", architecture="arm64", name="a_B-9")
    assert list(packer.check(function(), allowed)) == []


@pytest.mark.parametrize(
    ("options", "python", "machine", "glibc"),
    [
        ({}, "3.13", "x86_64", "2.34"),
        ({"python": "3.11"}, "3.11", "x86_64", "2.26"),
        ({"python": "3.12", "architecture": "arm64"}, "3.12", "aarch64", "2.34"),
    ],
)
def test_the_runtime_follows_the_options(options: dict[str, Any], python: str, machine: str, glibc: str) -> None:
    [runtime] = packer.runtimes(target(**options))
    assert (runtime.python, runtime.machine, runtime.glibc) == (python, machine, glibc)


def test_a_name_is_derived_within_the_rules_and_never_shared() -> None:
    functions = [function("ocr"), function("Ocr.ocr"), function("x" * 90), function("x" * 91), function("_ä")]
    names = [packer.platform_name("Meine App", "prod", each, target()) for each in functions]
    assert len(set(names)) == len(functions)
    assert all(list(packer.check(each, target(name=name))) == [] for each, name in zip(functions, names, strict=True))
    assert names[0] == packer.platform_name("Meine App", "prod", function("ocr"), target())
    assert packer.platform_name("app", "prod", function(), target(name="mine")) == "mine"
