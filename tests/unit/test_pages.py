"""Plain HTTP in the forms that platforms give it: of each, the same request and the same response."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest

from hyfn import Request, Response, local, on
from hyfn.clouds.alibaba.pack import packer as alibaba
from hyfn.clouds.aws.pages import Pages as Lambdas
from hyfn.clouds.openwhisk.pack import packer as openwhisk
from hyfn.clouds.openwhisk.pages import Pages as Actions
from hyfn.host.run import Hosted, Runner
from hyfn.model import FunctionSpec, Place, Signature, Target, Trigger


@local
@on.http("/{rest...}", methods=["GET", "POST", "PUT", "HEAD"])
def echo(request: Request) -> Response:
    said = [request.method, request.path, request.query, request.headers.get("x-a", ""), str(len(request.body))]
    kind = request.headers.get("accept", "text/plain")
    return Response("|".join(said).encode() + request.body, 201, {"content-type": kind}, ["a=1", "b=2"])


def runner() -> Runner:
    trigger = {"kind": "http", "path": "/{rest...}", "methods": ["GET", "POST", "PUT", "HEAD"], "mount": ""}
    return Runner({"echo": Hosted("echo", echo)}, None, triggers={"echo": [trigger]})


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def of_url(path: str, domain: str = "abc.lambda-url.eu-west-1.on.aws", **more: Any) -> dict[str, Any]:
    """An event of payload format 2.0."""
    http = {"method": more.pop("method", "GET"), "path": path}
    return {
        "version": "2.0", "rawPath": path, "rawQueryString": "x=%20y&x=z", "headers": {"X-A": "1"},
        "requestContext": {"http": http, "domainName": domain, "stage": "$default"}, "isBase64Encoded": False, **more,
    }  # fmt: skip


def of_rest(path: str, **more: Any) -> dict[str, Any]:
    """An event of a REST API."""
    return {
        "resource": "/{proxy+}", "httpMethod": "GET", "path": path, "headers": {"X-A": "1"},
        "multiValueHeaders": {"X-A": ["1"]}, "multiValueQueryStringParameters": {"x": [" y", "z&"], "ü": [""]},
        "requestContext": {"path": f"/prod{path}", "stage": "prod"}, "body": None, "isBase64Encoded": False, **more,
    }  # fmt: skip


def answered(event: Any) -> tuple[int, str, Any]:
    """Status, body and the whole of what Lambda is given."""
    result = Lambdas(runner()).answer(event, Context())
    body = result["body"]
    return result["statusCode"], b64decode(body).decode() if result["isBase64Encoded"] else body, result


def test_a_function_url_s_path_is_decoded_once() -> None:
    status, body, result = answered(of_url("/a%20b/c%252F"))
    assert (status, body) == (201, "GET|/a b/c%2F|x=%20y&x=z|1|0")
    assert result["cookies"] == ["a=1", "b=2"]
    assert result["headers"] == {"content-type": "text/plain"}


def test_an_http_api_s_path_is_decoded_before() -> None:
    assert answered(of_url("/a b/c%2F", "abc.execute-api.eu-west-1.amazonaws.com"))[1].startswith("GET|/a b/c%2F|")


def test_a_stage_in_front_of_the_path_is_taken_off() -> None:
    event = of_url("/prod/a", "abc.execute-api.eu-west-1.amazonaws.com")
    event["requestContext"]["stage"] = "prod"
    assert answered(event)[1].startswith("GET|/a|")


def test_a_rest_api_s_query_comes_decoded_and_is_written_again() -> None:
    status, body, result = answered(of_rest("/a%20b"))
    assert (status, body) == (201, "GET|/a b|x=%20y&x=z%26&%C3%BC=|1|0")
    assert result["multiValueHeaders"]["set-cookie"] == ["a=1", "b=2"]
    assert result["isBase64Encoded"] is False
    assert "headers" not in result


def test_binary_bodies_are_base64_both_ways() -> None:
    event = of_rest("/a", httpMethod="POST", body=b64encode(b"\x00\xff").decode(), isBase64Encoded=True)
    event["multiValueHeaders"]["Accept"] = ["image/png"]
    result = Lambdas(runner()).answer(event, Context())
    assert result["isBase64Encoded"] is True
    assert b64decode(result["body"]).endswith(b"|2\x00\xff")


def test_cookies_are_one_header_again() -> None:
    @local
    def cookie(request: Request) -> str:
        return request.headers["cookie"]

    trigger = {"kind": "http", "path": "/", "methods": ["GET"], "mount": ""}
    pages = Lambdas(Runner({"c": Hosted("c", cookie)}, None, triggers={"c": [trigger]}))
    result = pages.answer(of_url("/", cookies=["a=1", "b=2"]), Context())
    assert b64decode(result["body"]) == b'"a=1; b=2"'


def test_head_has_no_body() -> None:
    assert answered(of_url("/a", method="HEAD"))[:2] == (201, "")


@pytest.mark.parametrize(
    "event",
    [
        {"requestContext": {}},
        {"requestContext": {"http": {}}},
        {"requestContext": None},
        {**of_url("/a"), "body": "%", "isBase64Encoded": True},
        {**of_url("/%ff")},
        {**of_url("/a"), "headers": [1]},
    ],
)
def test_what_is_no_request_is_refused(event: Any) -> None:
    status, body, _ = answered(event)
    assert status == 400
    assert '"status":400' in body


def params(prefix: str, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"method": "get", "headers": {"X-A": "1"}, "path": "/a%20b", "query": "x=%20y", **more}
    return {f"{prefix}{name}": value for name, value in given.items()}


@pytest.mark.parametrize("prefix", ["__ow_", "__ce_"])
def test_an_action_s_parameters_are_a_request(prefix: str) -> None:
    result = Actions(runner()).answer(params(prefix))
    assert result == {
        "statusCode": 201,
        "headers": {"content-type": "text/plain", "set-cookie": ["a=1", "b=2"]},
        "body": "GET|/a b|x=%20y|1|0",
    }


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b64encode(b"{}").decode()),
        ("application/octet-stream", b64encode(b"{}").decode()),
        ("text/plain", "{}"),
        ("application/vnd.x+json", "{}"),
    ],
)
def test_an_action_s_body_is_decoded_as_openwhisk_encodes_it(kind: str, body: str) -> None:
    result = Actions(runner()).answer(params("__ow_", method="post", headers={"content-type": kind}, body=body))
    assert result["body"].endswith("|2{}")


@pytest.mark.parametrize(
    ("prefix", "kind", "is_base64"),
    [
        ("__ow_", "application/json", True),
        ("__ow_", "application/problem+json", True),
        ("__ow_", "image/png", True),
        ("__ow_", "text/html; charset=utf-8", False),
        ("__ce_", "application/json", False),
        ("__ce_", "image/png", True),
    ],
)
def test_an_action_s_response_is_encoded_as_its_front_decodes_it(prefix: str, kind: str, is_base64: bool) -> None:
    result = Actions(runner()).answer(params(prefix, headers={"accept": kind}))
    body = b64decode(result["body"], validate=True).decode() if is_base64 else result["body"]
    assert body.startswith("GET|/a b|")


@pytest.mark.parametrize("wrong", [{"headers": 1}, {"path": 1}, {"body": "%"}, {"path": "/%ff"}, {"method": None}])
def test_parameters_that_are_no_request_are_refused(wrong: dict[str, Any]) -> None:
    assert Actions(runner()).answer(params("__ow_", **wrong))["statusCode"] == 400


def test_a_mounted_application_knows_what_is_in_front_of_a_web_action(monkeypatch: pytest.MonkeyPatch) -> None:
    from hyfn.clouds.openwhisk import pages

    monkeypatch.setenv("__OW_ACTION_NAME", "/guest/shop/f")
    assert pages._root() == "/api/v1/web/guest/shop/f"
    monkeypatch.setenv("__OW_ACTION_NAME", "/guest/f")
    assert pages._root() == "/api/v1/web/guest/default/f"


PLACE = Place("app.py", 1)
PAGE = FunctionSpec(
    "app:f", "app", "f", PLACE, Signature((), None), None, False, [],
    triggers=[Trigger("http", {"path": "/", "methods": ("GET",), "mount": ""}, PLACE)],
)  # fmt: skip


def test_a_web_action_answers_options_itself() -> None:
    action = openwhisk.manifest(PAGE, Target("openwhisk", "openwhisk", {}, PLACE), "f", "")["action"]
    said = {each["key"]: each["value"] for each in action["annotations"]}
    assert said == {"web-export": True, "raw-http": True, "final": True, "web-custom-options": True}


def test_function_compute_lets_anybody_in_where_a_function_takes_plain_http() -> None:
    [trigger] = alibaba.manifest(PAGE, Target("alibaba", "alibaba", {}, PLACE), "f", "")["triggers"]
    assert '"authType": "anonymous"' in trigger["triggerConfig"]
    assert '"GET"' in trigger["triggerConfig"]
