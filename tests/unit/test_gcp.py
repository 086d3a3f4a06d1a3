"""Google Cloud Run functions: the carrier's ends are inverses, main.py keeps the user's lines, limits are checked."""

from __future__ import annotations

from typing import Any

import pytest

from hyfn import errors
from hyfn.clouds.gcp import host
from hyfn.clouds.gcp.call import MAX_REQUEST, GcpCaller, caller
from hyfn.clouds.gcp.pack import main, packer
from hyfn.model import FunctionSpec, Place, Runtime, Signature, Staged, Target
from hyfn.wire.carrier import Answer, Endpoint, Request, Response
from hyfn.wire.frame import CONTENT_TYPE

ENDPOINT = Endpoint("gcp", "app:f", "http://127.0.0.1:1/")
FRAME = bytes(range(256)) * 3


class FlaskRequest:
    """What the host uses of flask's request."""

    def __init__(self, method: str, content_type: str, body: bytes) -> None:
        self.method = method
        self.headers = {"content-type": content_type}
        self._body = body

    def get_data(self) -> bytes:
        return self._body


def as_response(result: tuple[bytes, int, dict[str, str]]) -> Response:
    body, status, headers = result
    return Response(status, {name.lower(): value for name, value in headers.items()}, body)


def test_a_frame_comes_through_unchanged() -> None:
    sent = caller.request(ENDPOINT, FRAME)
    assert host.receive(FlaskRequest(sent.method, sent.headers["Content-Type"], sent.body)) == FRAME


@pytest.mark.parametrize("status", [200, 403, 504])
def test_a_reply_comes_back_unchanged(status: int) -> None:
    assert caller.reply(as_response(host.answer(Answer(status, FRAME, "FORBIDDEN")))) == FRAME


@pytest.mark.parametrize("error", errors.BY_CODE.values(), ids=lambda error: error.code)
def test_a_refusal_comes_back_as_its_own_error(error: type[errors.CallError]) -> None:
    with pytest.raises(error):
        caller.reply(as_response(host.answer(Answer(error.http_status, b"", error.code))))


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (FlaskRequest("GET", CONTENT_TYPE, b""), (b"MALFORMED", 400)),
        (FlaskRequest("POST", "application/json", b"{}"), (b"UNSUPPORTED_ENCODING", 415)),
        (FlaskRequest("POST", "", FRAME), (b"UNSUPPORTED_ENCODING", 415)),
    ],
)
def test_a_request_that_carries_no_call_is_refused(request_: FlaskRequest, refusal: tuple[bytes, int]) -> None:
    assert host.hyfn_entry(request_)[:2] == refusal


def test_importing_the_host_where_there_is_no_artifact_loads_nothing() -> None:
    assert host._runner is None


@pytest.mark.parametrize(
    ("status", "body", "error", "executed"),
    [
        (401, b"<html><title>401 Unauthorized</title></html>", errors.Unauthenticated, errors.NOT_EXECUTED),
        (403, b"<html><title>403 Forbidden</title></html>", errors.Forbidden, errors.NOT_EXECUTED),
        (404, b"<html><title>404 Page not found</title></html>", errors.NoSuchFunction, errors.NOT_EXECUTED),
        (413, b"<html><title>413 Request Entity Too Large</title></html>", errors.TooLarge, errors.NOT_EXECUTED),
        (429, b"Rate exceeded.", errors.RateLimited, errors.NOT_EXECUTED),
        (
            500,
            b"The request was aborted because there was no available instance",
            errors.OutcomeUnknown,
            errors.UNKNOWN,
        ),
        (503, b"Service Unavailable", errors.OutcomeUnknown, errors.UNKNOWN),
        (504, b"upstream request timeout", errors.OutcomeUnknown, errors.UNKNOWN),
    ],
)
def test_an_answer_of_the_platform_says_whether_the_function_ran(
    status: int, body: bytes, error: type[errors.CallError], executed: int
) -> None:
    with pytest.raises(error) as caught:
        caller.reply(Response(status, {"content-type": "text/html; charset=UTF-8"}, body))
    assert caught.value.executed == executed


def test_a_call_over_googles_limit_is_never_sent() -> None:
    caller.request(ENDPOINT, bytes(MAX_REQUEST))
    with pytest.raises(errors.TooLarge, match=str(MAX_REQUEST)):
        caller.request(ENDPOINT, bytes(MAX_REQUEST + 1))


def test_a_token_is_added_to_what_is_sent() -> None:
    def authorise(request: Request) -> Request:
        return Request(request.method, request.url, {**request.headers, "Authorization": "Bearer x"}, request.body)

    assert GcpCaller(authorise).request(ENDPOINT, FRAME).headers["Authorization"] == "Bearer x"


def function(qualname: str = "classify") -> FunctionSpec:
    return FunctionSpec(f"app:{qualname}", "app", qualname, Place("app.py", 7), Signature((), None), None, False, ())


def target(**options: Any) -> Target:
    return Target("gcp", "gcp", options, Place("app.py", 6))


def staged(code: dict[str, bytes]) -> Staged:
    return Staged("app", function(), target(), Runtime("3.13", "x86_64", "2.35"), code, {}, ())


def test_a_module_of_the_users_called_main_keeps_its_lines() -> None:
    own = b'import hyfn\n\n\ndef classify(text: str) -> str:\n    return "x"'
    written = main(staged({"main.py": own}))
    assert written.startswith(own + b"\n")
    assert written.rstrip().splitlines()[-1].startswith(b"from hyfn.clouds.gcp.host import hyfn_entry")


def test_an_empty_module_called_main_is_followed_by_the_entry() -> None:
    assert b"hyfn_entry" in main(staged({"main.py": b""}))


def test_a_package_of_the_users_called_main_keeps_its_name() -> None:
    assert b'del sys.modules["main"]' in main(staged({"main/__init__.py": b"", "main/app.py": b""}))


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({"memory": 64}, "128 to 32768 MiB of memory, and memory=64"),
        ({"timeout": 3601}, "1 to 3600 seconds for a call, and timeout=3601"),
        ({"concurrency": 1001}, "1 to 1000 calls at a time in one instance, and concurrency=1001"),
        ({"max_instances": 0}, "1 to 1000 instances, and max_instances=0"),
        ({"min_instances": -1}, "0 to 1000 instances kept ready, and min_instances=-1"),
        ({"python": "2.7"}, "3.11, 3.12, 3.13, 3.14, not '2.7'"),
        ({"name": "Classify"}, "1 to 63 of a-z, 0-9 and -, from a letter, not 'Classify'"),
        ({"name": "a" * 64}, "1 to 63"),
    ],
)
def test_an_option_that_google_refuses_is_a_problem_at_its_line(options: dict[str, Any], limit: str) -> None:
    [problem] = packer.check(function(), target(**options))
    assert limit in problem.message
    assert str(problem.place) == "app.py:6"


def test_options_within_the_limits_are_no_problem() -> None:
    allowed = target(memory=32_768, timeout=3600, python="3.12", concurrency=80, min_instances=1, name="a-9")
    assert list(packer.check(function(), allowed)) == []


@pytest.mark.parametrize(("python", "glibc"), [("", "2.35"), ("3.12", "2.35"), ("3.14", "2.39")])
def test_the_glibc_follows_the_stack_of_the_python(python: str, glibc: str) -> None:
    assert packer.runtimes(target(python=python))[0].glibc == glibc


def test_a_name_is_derived_within_the_rules_and_never_shared() -> None:
    functions = [function("classify"), function("Classify.run"), function("x" * 90), function("x" * 91), function("_ä")]
    names = [packer.platform_name("4 Äpfel", "prod", each, target()) for each in functions]
    assert len(set(names)) == len(functions)
    assert all(list(packer.check(each, target(name=name))) == [] for each, name in zip(functions, names, strict=True))
    assert packer.platform_name("app", "prod", function(), target(name="mine")) == "mine"
