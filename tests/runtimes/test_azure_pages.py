"""Plain HTTP on Azure: functions under @on.http, through Microsoft's own runtime, beside calls and events."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.azure_events import Live, live_in

pytestmark = pytest.mark.runtime

SOURCE = """
from collections.abc import Callable
from typing import Any

from hyfn import Request, Response, azure, on

{KEEP}


@azure(group="all")
def shout(text: str) -> str:
    return text.upper()


@azure(group="all")
@on.http("/orders/{id}", methods=["GET"])
async def order(id: int, full: bool = False) -> dict[str, int | bool]:
    return {"id": id, "full": full}


@azure(group="all")
@on.http("/raw/{rest...}", methods=["GET", "PUT"])
def raw(request: Request) -> Response:
    seen = f"{request.method} {request.path} {request.query} {request.headers['x-a']} {len(request.body)}"
    return Response(seen, 201, {"x-b": "b"}, ["a=1; Path=/; HttpOnly", "b=2; Max-Age=60; Secure; SameSite=Lax"])


@azure(group="all")
@on.http("/fail")
def fail() -> None:
    raise LookupError("secret")


@azure(group="all")
@on.http("/site", mount="wsgi")
def site() -> Callable[..., Any]:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()]

    return app
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    source = SOURCE.replace("from hyfn import", "from hyfn import Blob, Event,")
    with live_in(tmp_path_factory.mktemp("azure-pages"), source) as live:
        yield live


Said = tuple[int, list[tuple[str, str]], bytes]


def _ask(live: Live, method: str, target: str, body: bytes = b"") -> Said:
    with closing(http.client.HTTPConnection(urlsplit(live.running.endpoint.url).netloc, timeout=30)) as connection:
        connection.request(method, target, body, {"X-A": "a"})
        response = connection.getresponse()
        return response.status, [(name.lower(), value) for name, value in response.getheaders()], response.read()


def test_parameters_of_path_and_query_become_arguments_by_their_types(live: Live) -> None:
    status, headers, body = _ask(live, "GET", "/orders/7?full=true")
    assert (status, json.loads(body)) == (200, {"id": 7, "full": True})
    assert ("content-type", "application/json") in headers


def test_a_request_comes_as_it_was_sent_and_a_response_goes_as_it_is(live: Live) -> None:
    status, headers, body = _ask(live, "PUT", "/raw/a%20b/c?x=%20", b"12345")
    assert (status, body.decode()) == (201, "PUT /raw/a b/c x=%20 a 5")
    assert ("x-b", "b") in headers
    cookies = [value for name, value in headers if name == "set-cookie"]
    assert cookies == ["a=1; Path=/; HttpOnly", "b=2; Max-Age=60; Secure; SameSite=Lax"]


def test_head_is_get_without_its_body(live: Live) -> None:
    status, headers, body = _ask(live, "HEAD", "/orders/7")
    assert (status, body) == (200, b"")
    assert ("content-length", str(len(_ask(live, "GET", "/orders/7")[2]))) in headers


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/orders/x", 400),
        ("GET", "/nothing", 404),
        ("GET", "/%ff", 400),
        ("POST", "/orders/7", 405),
        ("POST", "/fail", 500),
        ("GET", "/api/shout", 404),
    ],
)
def test_what_cannot_be_answered_is_a_problem(live: Live, method: str, target: str, status: int) -> None:
    said, headers, body = _ask(live, method, target)
    assert (said, json.loads(body)["status"]) == (status, status)
    assert ("content-type", "application/problem+json") in headers
    assert b"secret" not in body


def test_an_application_is_mounted(live: Live) -> None:
    assert _ask(live, "GET", "/site/a/b")[2] == b"/site /a/b"


def test_calls_are_where_they_are_without_pages(live: Live) -> None:
    assert live.running.endpoint.url.endswith("/api/shout")
    assert _ask(live, "POST", "/api/shout", b"no frame")[0] == 415
    assert live.running.events is None
