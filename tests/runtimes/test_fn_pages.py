"""Plain HTTP by Fn's own triggers, through Fn's fdk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hyfn import project
from hyfn.clouds.fn.emulate import FnRunning
from hyfn.dev.application import Application
from hyfn.export import openapi
from tests.pages.asking import ask, run_schemathesis

pytestmark = pytest.mark.runtime

SOURCE = """
from hyfn import Request, Response, fn, on

@fn(group="all", app="shop")
@on.http("/orders", methods=["GET", "POST"])
async def orders(n: int, tag: list[str] | None = None) -> dict[str, object]:
    return {"n": n, "tag": ",".join(tag or [])}

@fn(group="all", app="shop")
@on.http("/raw/it", methods=["PUT"])
def raw(request: Request) -> Response:
    said = f"{request.method} {request.path} {request.query} {request.headers.get('x-one', '')} {len(request.body)}"
    return Response(said, 201, {"x-two": "2"}, ["a=1; Path=/", "b=2"])

@fn(group="all", app="shop")
@on.http("/", methods=["GET"])
def root() -> None: ...
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fn-pages")
    (folder / "app.py").write_text(SOURCE)
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\ndependencies = []\n')
    return folder


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[FnRunning]:
    with Application(project.read(folder), lambda _: None) as application:
        [found] = application.running.values()
        assert isinstance(found, FnRunning)
        yield found


def test_a_trigger_s_path_stands_behind_the_application_s(running: FnRunning) -> None:
    assert running.pages.endswith("/t/shop")
    assert ask(running.pages, "GET", "/orders?n=7&tag=a&tag=b").value() == {"n": 7, "tag": "a,b"}
    assert ask(running.pages, "POST", "/orders", {"n": 7}).value() == {"n": 7, "tag": ""}
    assert ask(running.pages, "GET", "/").status == 204


def test_a_request_comes_whole_and_a_response_goes_as_it_is(running: FnRunning) -> None:
    said = ask(running.pages, "PUT", "/raw/it?x=%20y", b"\x00\xff", X_One="1", Content_Type="application/octet-stream")
    assert (said.status, said.body.decode()) == (201, "PUT /raw/it x=%20y 1 2")
    assert said.field("x-two") == "2"
    assert said.cookies == ["a=1; Path=/", "b=2"]


def test_what_does_not_fit_is_a_problem(running: FnRunning) -> None:
    assert "parameter 'n' cannot be 'x'" in ask(running.pages, "GET", "/orders?n=x").problem()["detail"]
    assert ask(running.pages, "DELETE", "/orders").problem()["status"] == 405


def test_other_paths_are_no_trigger_s(running: FnRunning) -> None:
    assert ask(running.pages, "GET", "/orders/7").status == 404
    assert ask(running.pages.removesuffix("/t/shop"), "GET", "/orders").status == 404


def test_schemathesis_finds_no_fault_in_the_exported_document(folder: Path, running: FnRunning) -> None:
    (folder / "openapi.json").write_text(openapi.text(openapi.document(project.read(folder))[0]))
    run_schemathesis(folder / "openapi.json", running.pages)


@pytest.mark.parametrize(
    ("decorator", "words"),
    [
        ('@on.http("/orders/{n}")', "an HTTP trigger of Fn has one path, without parameters, not /orders/{n}"),
        ('@on.http("/orders", mount="asgi")', "mount='asgi'"),
    ],
)
def test_what_fn_s_triggers_cannot_is_refused(tmp_path: Path, decorator: str, words: str) -> None:
    takes = "" if "mount" in decorator else "n: int"
    (tmp_path / "app.py").write_text(f"from hyfn import fn, on\n@fn\n{decorator}\ndef f({takes}) -> str: ...\n")
    problems = project.check(project.read(tmp_path / "app.py"))
    assert [words in problem.message for problem in problems if problem.level == "error"] == [True]
