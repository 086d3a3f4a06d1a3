"""Plain HTTP for functions under @on.http: which function, with which arguments, and what goes back."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import fastapi
import flask
import pytest
from fastapi.responses import PlainTextResponse

from hyfn import Request, Response, aws, on
from hyfn.current import current
from hyfn.declare import Function
from hyfn.errors import DeadlineExceeded, Malformed, Unavailable
from hyfn.host import urls
from hyfn.host.run import Hosted, Runner
from hyfn.host.web import Web, checked

ID = "12345678-1234-5678-1234-567812345678"


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Line:
    sku: str
    count: int = 1


@dataclass
class Order:
    id: UUID
    lines: list[Line]
    due: date
    paid: Decimal = Decimal(0)
    tags: dict[str, str] = field(default_factory=dict)


@aws
@on.http("/orders/{id}", methods=["GET"])
def order(id: int, page: int = 1, tag: list[str] | None = None) -> dict[str, object]:
    return {"id": id, "page": page, "tag": tag}


@aws
@on.http("/orders/new")
def create(order: Order, note: str | None = None) -> Order:
    return order


@aws
def typed(
    flag: bool,
    ratio: float,
    colour: Colour,
    when: datetime,
    kind: Literal["a", 7],
    one: UUID,
    wait: timedelta = timedelta(0),
    n: int | None = None,
) -> list[object]:
    return [flag, ratio, colour.value, when, kind, one, wait, n]


@aws
def page(request: Request, name: str) -> Response:
    said = [request.method, request.path, request.query, request.headers.get("x-one", ""), name]
    return Response("|".join(said), 202, {"X-Two": "2"}, cookies=["a=1", "b=2; Path=/"])


@aws
def rest(rest: str) -> str:
    return rest


@aws
def nothing() -> None: ...


@aws
async def slow(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "awake"


@aws
def fail(text: str) -> str:
    raise LookupError(f"the secret is {text}")


@aws
def late() -> str:
    raise DeadlineExceeded("a nested call")


@aws
def wrong() -> int:
    return "no number"  # type: ignore[return-value]


@aws
def positional(a: int, /, b: int, *, c: int = 3, **more: str) -> list[object]:
    return [a, b, c, more]


@aws
def root() -> str:
    return "root"


@aws
def answers(request: Request) -> Response:
    status, _, line = request.body.decode().partition(" ")
    name, _, value = line.partition("=")
    return Response(b"body", int(status), {name: value} if name else None)


def trigger(path: str, *methods: str, mount: str = "") -> dict[str, object]:
    return {"kind": "http", "path": path, "methods": methods or ("POST",), "mount": mount}


def web(*pages: tuple[Function[..., Any], Mapping[str, object]], **options: Any) -> Web:
    triggers: dict[str, list[Mapping[str, object]]] = {}
    for function, each in pages:
        triggers.setdefault(f"{__name__}:{function.__name__}", []).append(each)
    hosted = {
        name: Hosted(name, page) for (page, each), name in zip(pages, triggers, strict=False) if not each["mount"]
    }
    return Web(Runner(hosted, None, triggers=triggers, **options))


def ask(site: Web, method: str, target: str, body: object = b"", **headers: str) -> Response:
    """As a host asks: the path decoded, JSON for a body that is no bytes."""
    if not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), {"content-type": "application/json", **headers}
    path, _, query = target.partition("?")
    return site.answer(Request(method, path, query, headers, body))


def value(response: Response) -> Any:
    assert response.status == 200, response.body
    assert response.headers["content-type"] == "application/json"
    return json.loads(response.body)


def detail(response: Response) -> str:
    """Of a problem document, which is whole."""
    document = json.loads(response.body)
    assert response.headers["content-type"] == "application/problem+json"
    assert document["status"] == response.status
    assert document["type"] == "about:blank"
    assert document["title"]
    said: str = document["detail"]
    return said


ORDERS = web((order, trigger("/orders/{id}", "GET")), (create, trigger("/orders/new")))


def test_path_and_query_become_arguments_of_their_types() -> None:
    assert value(ask(ORDERS, "GET", "/orders/7?page=2&tag=a&tag=b%20c+d")) == {
        "id": 7, "page": 2, "tag": ["a", "b c d"]
    }  # fmt: skip


def test_what_the_query_has_besides_means_nothing() -> None:
    assert value(ask(ORDERS, "GET", "/orders/7?utm_source=x&&=")) == {"id": 7, "page": 1, "tag": None}


def test_the_object_in_the_body_becomes_arguments() -> None:
    given = {"id": ID, "lines": [{"sku": "a"}, {"sku": "b", "count": 2}], "due": "2030-01-02", "paid": "1.50"}
    lines = [{"sku": "a", "count": 1}, {"sku": "b", "count": 2}]
    assert value(ask(ORDERS, "POST", "/orders/new", {"order": given})) == {**given, "lines": lines, "tags": {}}


@pytest.mark.parametrize(
    "query, expected",
    [
        (
            f"flag=true&ratio=1e3&colour=blue&when=2030-01-02T03:04:05Z&kind=7&one={ID}&wait=90&n=5",
            [True, 1000.0, "blue", "2030-01-02T03:04:05+00:00", 7, ID, 90.0, 5],
        ),
        (
            f"flag=false&ratio=2&colour=red&when=2030-01-02&kind=a&one={ID}&n=null",
            [False, 2.0, "red", "2030-01-02T00:00:00", "a", ID, 0.0, None],
        ),
    ],
)
def test_text_is_read_by_the_parameter_s_type(query: str, expected: list[object]) -> None:
    assert value(ask(web((typed, trigger("/", "GET"))), "GET", f"/?{query}")) == expected


@pytest.mark.parametrize(
    "given, words",
    [
        ("flag=1", "parameter 'flag' cannot be '1': expected bool"),
        ("flag=True", "parameter 'flag' cannot be 'True'"),
        ("ratio=NaN", "parameter 'ratio' cannot be 'NaN'"),
        ("ratio=1e999", "parameter 'ratio' cannot be '1e999'"),
        ("colour=green", "parameter 'colour' cannot be 'green': expected Colour ('red', 'blue'), got 'green'"),
        ("when=noon", "parameter 'when' cannot be 'noon': expected ISO 8601 text for datetime"),
        ("kind=b", "parameter 'kind' cannot be 'b'"),
        ("n=1.5", "parameter 'n' cannot be '1.5'"),
        ("n=%201", "parameter 'n' cannot be ' 1'"),
        ("n=1_0", "parameter 'n' cannot be '1_0'"),
        ("n=1&n=2", "parameter 'n' is given 2 times"),
        ("n=%ff", "the URL is not UTF-8"),
        ("", "missing"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_parameter_s_name(given: str, words: str) -> None:
    response = ask(web((typed, trigger("/", "GET"))), "GET", f"/?{given}")
    assert response.status == 400
    assert words in detail(response)


@pytest.mark.parametrize(
    "body, kind, status, words",
    [
        (b"{", "application/json", 400, "the body is not JSON"),
        (b'{"order": NaN}', "application/json", 400, "the body is not JSON"),
        (b"\xff", "application/json", 400, "the body is not JSON"),
        (b"[" * 100_000, "application/json", 400, "the body is not JSON"),
        (b"[1]", "application/json", 400, "the body must be a JSON object"),
        (b'{"note": "\\ud800"}', "application/json", 400, "half a character"),
        (b'{"note": %s}' % (b"[" * 70 + b"]" * 70), "application/json", 400, "nests too deep"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "must be JSON"),
        (b"a=1", "", 415, "must be JSON"),
        (b"{}", "application/json", 400, "'order'"),
        (b'{"order": 1}', "application/json; charset=utf-8", 400, "'order': expected Order, got int"),
        (b'{"order": {"id": 1}}', "application/merge-patch+json", 400, "Order lacks due, lines"),
        (b'{"order": {}, "much": 1}', "application/json", 400, "'much'"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(body: bytes, kind: str, status: int, words: str) -> None:
    response = ask(ORDERS, "POST", "/orders/new", body, **{"content-type": kind})
    assert response.status == status
    assert words in detail(response)


def test_an_absent_body_is_an_empty_object() -> None:
    assert ask(web((nothing, trigger("/"))), "POST", "/", b"").status == 204


def test_a_name_of_the_path_does_not_come_in_the_body() -> None:
    site = web((order, trigger("/orders/{id}", "PUT")))
    assert "'id' does not come in the body" in detail(ask(site, "PUT", "/orders/7", {"id": 8}))
    assert value(ask(site, "PUT", "/orders/7", {"page": 8}))["page"] == 8


def test_a_request_comes_whole_and_a_response_goes_as_it_is() -> None:
    site = web((page, trigger("/pages/{name}", "PUT")))
    response = ask(site, "PUT", "/pages/a b?x=1", b"\x00raw", **{"x-one": "1"})
    assert (response.status, response.body) == (202, b"PUT|/pages/a b|x=1|1|a b")
    assert response.headers == {"content-type": "text/plain; charset=utf-8", "x-two": "2"}
    assert response.cookies == ["a=1", "b=2; Path=/"]


def test_arguments_by_position_and_by_other_names_bind() -> None:
    site = web((positional, trigger("/", "GET", "POST")))
    assert value(ask(site, "GET", "/?a=1&b=2&x=7")) == [1, 2, 3, {"x": "7"}]
    assert value(ask(site, "POST", "/", {"a": 1, "b": 2, "c": 4})) == [1, 2, 4, {}]
    assert "'b'" in detail(ask(site, "POST", "/", {"a": 1}))


def test_the_most_specific_path_wins() -> None:
    site = web(
        (rest, trigger("/files/{rest...}", "GET")),
        (order, trigger("/files/{id}", "GET")),
        (root, trigger("/", "GET")),
        (nothing, trigger("/files/none", "GET")),
    )
    assert value(ask(site, "GET", "/files/7"))["id"] == 7
    assert value(ask(site, "GET", "/files/a/b c")) == "a/b c"
    assert value(ask(site, "GET", "/files/")) == ""
    assert ask(site, "GET", "/files/none").status == 204
    assert value(ask(site, "GET", "/")) == "root"


@pytest.mark.parametrize("path", ["/files", "//", "/files/../x", "/files/.", "/x", "*", "", "/orders//", "/orders/a/b"])
def test_other_paths_are_not_found(path: str) -> None:
    site = web((rest, trigger("/files/{rest...}", "GET")), (order, trigger("/orders/{id}", "GET")))
    response = ask(site, "GET", path)
    assert response.status == 404
    assert detail(response)


@pytest.mark.parametrize("path", ["/orders/\x00", "/orders/a\nb", "/orders/\x7f"])
def test_a_control_character_in_the_path_is_refused(path: str) -> None:
    assert ask(ORDERS, "GET", path).status == 400


def test_a_method_that_is_not_there_is_refused_with_those_that_are() -> None:
    site = web((order, trigger("/orders/{id}", "GET")), (page, trigger("/orders/{name}", "PUT")))
    response = ask(site, "DELETE", "/orders/7")
    assert response.status == 405
    assert response.headers["allow"] == "GET, PUT, HEAD, OPTIONS"
    assert "GET, PUT, HEAD, OPTIONS" in detail(response)
    assert ask(site, "PUT", "/orders/7").status == 202


def test_options_and_head_are_answered_where_they_are_not_declared() -> None:
    options = ask(ORDERS, "OPTIONS", "/orders/7")
    assert (options.status, options.body, options.headers["allow"]) == (204, b"", "GET, HEAD, OPTIONS")
    assert ask(ORDERS, "HEAD", "/orders/7").body == ask(ORDERS, "GET", "/orders/7").body
    declared = web((root, trigger("/", "OPTIONS", "GET")))
    assert value(ask(declared, "OPTIONS", "/")) == "root"


def test_what_a_function_raises_is_for_its_log_alone(capsys: pytest.CaptureFixture[str]) -> None:
    response = ask(web((fail, trigger("/"))), "POST", "/", {"text": "s3cret"})
    assert response.status == 500
    assert b"s3cret" not in response.body
    assert b"LookupError" not in response.body
    assert detail(response) == "Internal Server Error"
    assert "LookupError: the secret is s3cret" in capsys.readouterr().err


def test_a_result_of_another_type_is_the_function_s_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(web((wrong, trigger("/"))), "POST", "/").status == 500
    assert "expected int" in capsys.readouterr().err


def test_what_takes_too_long_is_a_gateway_timeout(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(web((slow, trigger("/")), timeout=0.05), "POST", "/", {"seconds": 30}).status == 504
    assert ask(web((late, trigger("/"))), "POST", "/").status == 504
    assert value(ask(web((slow, trigger("/"))), "POST", "/", {"seconds": 0})) == "awake"
    assert "DeadlineExceeded" in capsys.readouterr().err


def test_a_response_says_its_own_type_or_has_that_of_its_body() -> None:
    assert checked(Response("ü")).headers == {"content-type": "text/plain; charset=utf-8"}
    assert checked(Response("ü")).body == "ü".encode()
    assert checked(Response(b"")).headers == {"content-type": "application/octet-stream"}
    assert checked(Response("{}", 200, {"Content-Type": "application/json"})).headers["content-type"] == (
        "application/json"
    )
    assert checked(Response("x", 204)).body == b""


@pytest.mark.parametrize(
    "response",
    [
        Response("", 200, {"x": "a\r\nset-cookie: b"}),
        Response("", 200, {"x": "a\nb"}),
        Response("", 200, {"x": "a\x00"}),
        Response("", 200, {"x y": "a"}),
        Response("", 200, {"x\r\ny": "a"}),
        Response("", 200, {"x:": "a"}),
        Response("", 200, {"": "a"}),
        Response("", 200, {"x": "☃"}),
        Response("", 200, cookies=["a=1\r\nx: y"]),
        Response("", 99),
        Response("", 101),
        Response("", 600),
        Response("", True),
    ],
)
def test_a_response_that_could_be_read_as_two_is_refused(response: Response) -> None:
    with pytest.raises(ValueError):
        checked(response)


def test_a_response_does_not_say_where_it_ends() -> None:
    given = {"Content-Length": "1", "Transfer-Encoding": "chunked", "Connection": "close", "X": "1"}
    assert checked(Response("body", 200, given)).headers.keys() == {"content-type", "x"}


def test_a_header_that_a_function_was_made_to_inject_is_its_failure(capsys: pytest.CaptureFixture[str]) -> None:
    site = web((answers, trigger("/")))
    assert ask(site, "POST", "/", b"200 x=1").headers["x"] == "1"
    assert ask(site, "POST", "/", b"200 x=1\r\nset-cookie: a").status == 500
    assert ask(site, "POST", "/", b"700").status == 500
    assert "ValueError" in capsys.readouterr().err


def test_the_same_is_answered_on_an_event_loop(capsys: pytest.CaptureFixture[str]) -> None:
    site = web((order, trigger("/orders/{id}", "GET")), (slow, trigger("/slow")), (fail, trigger("/fail")))

    async def three() -> list[int]:
        asked = [Request("GET", "/orders/7"), Request("GET", "/none"), Request("GET", "/orders/x")]
        typed = {"content-type": "application/json"}
        asked += [
            Request("POST", "/slow", "", typed, b'{"seconds": 0}'),
            Request("POST", "/fail", "", typed, b'{"text": "a"}'),
        ]
        return [(await site.aanswer(each)).status for each in asked]

    assert asyncio.run(three()) == [200, 404, 400, 200, 500]
    assert "LookupError" in capsys.readouterr().err


def fastapi_app() -> fastapi.FastAPI:
    @asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> AsyncIterator[dict[str, str]]:
        seen.append("up")
        yield {"from": "lifespan"}
        seen.append("down")

    app = fastapi.FastAPI(lifespan=lifespan)

    @app.get("/items/{item}")
    async def item(item: int, request: fastapi.Request, q: str = "") -> dict[str, object]:
        now = current.get()
        assert now is not None
        return {"item": item, "q": q, "state": request.state._state, "url": str(request.url_for("item", item=1))}

    @app.post("/echo")
    async def echo(request: fastapi.Request) -> PlainTextResponse:
        response = PlainTextResponse(await request.body())
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    @app.get("/fail")
    async def fails() -> None:
        raise LookupError("s3cret")

    @app.get("/slow")
    async def slowly() -> None:
        await asyncio.sleep(30)

    return app


seen: list[str] = []


@aws
def asgi_app() -> Any:
    return fastapi_app()


@aws
def wsgi_app() -> Any:
    app = flask.Flask("app")

    @app.get("/items/<int:item>")
    def item(item: int) -> dict[str, object]:
        return {"item": item, "q": flask.request.args.get("q"), "url": flask.url_for("item", item=1, _external=True)}

    @app.post("/echo")
    def echo() -> Any:
        response = flask.make_response(flask.request.get_data(), 201)
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    @app.get("/fail")
    def fails() -> str:
        app.testing = True  # which lets the exception through, as a broken application does
        raise LookupError("s3cret")

    return app


@pytest.fixture(params=["asgi", "wsgi"])
def mounted(request: pytest.FixtureRequest) -> Web:
    function = asgi_app if request.param == "asgi" else wsgi_app
    return web((function, trigger("/app", mount=request.param)), (root, trigger("/", "GET")))


def test_an_application_gets_what_is_below_its_path(mounted: Web) -> None:
    said = value(ask(mounted, "GET", "/app/items/7?q=%C3%BC", host="example.org", **{"x-forwarded-proto": "https"}))
    assert (said["item"], said["q"]) == (7, "ü")
    assert said["url"] == "https://example.org/app/items/1"
    assert value(ask(mounted, "GET", "/")) == "root"
    assert ask(mounted, "GET", "/application").status == 404


def test_an_application_is_told_what_the_platform_took_off_the_path(mounted: Web) -> None:
    response = mounted.answer(Request("GET", "/app/items/7", headers={"host": "h"}), root="/api")
    assert json.loads(response.body)["url"] == "http://h/api/app/items/1"


def test_an_application_gets_whole_bodies_and_sets_several_cookies(mounted: Web) -> None:
    response = ask(mounted, "POST", "/app/echo", b"\x00" * 100_000)
    assert response.status in (200, 201)
    assert response.body == b"\x00" * 100_000
    assert [cookie.partition(";")[0] for cookie in response.cookies] == ["a=1", "b=2"]
    assert "content-length" not in response.headers


def test_what_an_application_does_not_have_it_says_itself(mounted: Web) -> None:
    assert ask(mounted, "GET", "/app/none").status == 404
    assert ask(mounted, "DELETE", "/app/echo").status == 405


def test_an_application_that_fails_is_a_failure_without_words(mounted: Web, capsys: pytest.CaptureFixture[str]) -> None:
    response = ask(mounted, "GET", "/app/fail")
    assert response.status == 500
    assert b"s3cret" not in response.body
    assert "LookupError: s3cret" in capsys.readouterr().err


def test_an_application_is_made_once_and_lives_as_long_as_its_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def make() -> fastapi.FastAPI:
        made.append(1)
        return fastapi_app()

    monkeypatch.setattr(asgi_app, "__wrapped__", make)
    site = web((asgi_app, trigger("/", mount="asgi")))
    seen.clear()

    async def live() -> object:
        await site.astart()
        assert seen == ["up"]
        asked = await asyncio.gather(*(site.aanswer(Request("GET", "/items/1")) for _ in range(3)))
        await site.astop()
        await site.astop()
        return [json.loads(each.body)["state"] for each in asked]

    assert asyncio.run(live()) == [{"from": "lifespan"}] * 3
    assert seen == ["up", "down"]
    assert made == [1]


def test_threads_share_one_application_and_its_loop() -> None:
    site = web((asgi_app, trigger("/", mount="asgi")))
    seen.clear()
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(site, "GET", "/items/1").status)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert answers == [200] * 8
    assert seen == ["up"]


def test_a_host_without_threads_keeps_the_application_between_requests() -> None:
    site = web((asgi_app, trigger("/", mount="asgi")), is_threaded=False)
    seen.clear()
    assert [ask(site, "GET", "/items/1").status for _ in range(3)] == [200] * 3
    assert seen == ["up"]


def test_an_application_that_takes_too_long_is_a_gateway_timeout() -> None:
    site = web((asgi_app, trigger("/", mount="asgi")), timeout=0.5)
    assert ask(site, "GET", "/slow").status == 504


@pytest.mark.parametrize("which", ["no lifespan", "fails to start", "half an answer", "no answer", "two answers"])
def test_applications_that_keep_to_no_rule_are_held(
    which: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            if which == "fails to start":
                await send({"type": "lifespan.startup.failed", "message": "s3cret"})
            raise NotImplementedError
        start = {"type": "http.response.start", "status": 200, "headers": [(b"x", b"1"), (b"x", b"2")]}
        if which != "no answer":
            await send(start)
        if which == "half an answer":
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
        elif which != "no answer":
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await send({"type": "http.response.body", "body": b"b"})
        if which == "two answers":
            await send(start)

    monkeypatch.setattr(asgi_app, "__wrapped__", lambda: app)
    response = ask(web((asgi_app, trigger("/", mount="asgi"))), "GET", "/")
    said = capsys.readouterr().err
    if which in ("no lifespan", "two answers"):  # what comes behind a whole response takes nothing back
        assert (response.status, response.body, response.headers["x"]) == (200, b"ab", "1, 2")
    else:
        assert response.status == 500
        assert b"s3cret" not in response.body
        assert said


def test_a_thing_that_is_no_application_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(asgi_app, "__wrapped__", lambda: 7)
    assert ask(web((asgi_app, trigger("/", mount="asgi"))), "GET", "/").status == 500
    assert "returned 7, which is no application" in capsys.readouterr().err


def test_an_application_that_cannot_start_says_so_to_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    monkeypatch.setattr(asgi_app, "__wrapped__", lambda: app)
    with pytest.raises(Unavailable, match="no database"):
        web((asgi_app, trigger("/", mount="asgi"))).start()


@pytest.mark.parametrize(
    "raw, path",
    [
        ("/a%20b", "/a b"),
        ("/%C3%BC", "/ü"),
        ("/%2525", "/%25"),
        ("/a%2Fb", "/a/b"),
        ("/100%", "/100%"),
        ("/%zz%4", "/%zz%4"),
        ("/ü%20", "/ü "),
    ],
)
def test_a_path_is_decoded_once(raw: str, path: str) -> None:
    assert urls.unquoted(raw) == path


@pytest.mark.parametrize("raw", ["/%ff", "/%C3", "/%ed%a0%80", "/\udcff"])
def test_a_path_that_is_no_text_is_refused(raw: str) -> None:
    with pytest.raises(Malformed):
        urls.unquoted(raw)


@pytest.mark.parametrize("path", ["/", "/a b/ü%", "/ä?#[]", "/%2F", "/a:@!$&'()*+,;=~b"])
def test_a_path_is_quoted_so_that_it_comes_back(path: str) -> None:
    assert urls.unquoted(urls.quoted(path)) == path
    assert urls.quoted(path).isascii()
    assert not set(" ?#") & set(urls.quoted(path))


def test_a_datetime_is_written_with_its_zone() -> None:
    @aws
    def now() -> datetime:
        return datetime(2030, 1, 2, tzinfo=UTC)

    assert value(ask(web((now, trigger("/", "GET"))), "GET", "/")) == "2030-01-02T00:00:00+00:00"
