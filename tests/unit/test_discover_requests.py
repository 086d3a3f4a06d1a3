"""hyfn.Request, hyfn.Response and applications in signatures: under @on.http they may stand, and nobody calls these."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyfn import project
from tests.unit.discovering import functions, refusal

HEAD = "import hyfn\nfrom hyfn import aws, on, Request, Response\nfrom hyfn.request import Request as Asked\n"
CALLED = "def f(n: int) -> str: ..."
UNCALLED = [
    "def f(request: Request) -> str: ...",
    "def f(n: int, request: hyfn.Request) -> str: ...",
    "def f(*, request: Asked): ...",
    "def f(request: 'Request') -> None: ...",
    "def f() -> Response: ...",
    "def f() -> int | Response: ...",
    "def f() -> hyfn.Response | None | str: ...",
]


@pytest.mark.parametrize("function", UNCALLED)
def test_a_page_takes_the_request_and_gives_a_response(tmp_path: Path, function: str) -> None:
    spec = functions(tmp_path, {"app.py": f"{HEAD}@aws\n@on.http\n{function}\n"})["app:f"]
    assert not spec.is_called


def test_a_page_without_them_is_called_as_any_other(tmp_path: Path) -> None:
    assert functions(tmp_path, {"app.py": f"{HEAD}@aws\n@on.http\n{CALLED}\n"})["app:f"].is_called


@pytest.mark.parametrize("mount", ["asgi", "wsgi"])
def test_an_application_may_be_of_any_class(tmp_path: Path, mount: str) -> None:
    text = f'{HEAD}import threading\n@aws\n@on.http("/app", mount="{mount}")\ndef f() -> threading.Thread: ...\n'
    assert not functions(tmp_path, {"app.py": text})["app:f"].is_called


@pytest.mark.parametrize("function", UNCALLED)
def test_elsewhere_they_cannot_travel(tmp_path: Path, function: str) -> None:
    said = str(refusal(tmp_path, f"{HEAD}@aws\n@on.queue('q')\n{function}\n"))
    assert "app.py:6: " in said
    assert "comes and goes by plain HTTP alone (put @on.http on the function)" in said


@pytest.mark.parametrize(
    "function, words",
    [
        ("def f(request: list[Request]): ...", "parameter 'request' of f cannot travel as list[Request]"),
        ("def f(response: Response): ...", "parameter 'response' of f cannot travel as Response"),
        ("def f() -> Request: ...", "result of f cannot travel as Request"),
        ("def f() -> list[Response]: ...", "result of f cannot travel as list[Response]"),
    ],
)
def test_they_stand_by_themselves(tmp_path: Path, function: str, words: str) -> None:
    assert words in str(refusal(tmp_path, f"{HEAD}@aws\n@on.http\n{function}\n"))


@pytest.mark.parametrize(
    "decorator, function, words",
    [
        ('@on.http("/", mount="asgi")', "async def f(): ...", "f mounts an application: it is a plain def"),
        ('@on.http("/{a}", mount="wsgi")', "def f(): ...", "{a} stands in the path of an application"),
    ],
)
def test_a_mount_that_cannot_be_is_refused(tmp_path: Path, decorator: str, function: str, words: str) -> None:
    assert words in str(refusal(tmp_path, f"{HEAD}@aws\n{decorator}\n{function}\n"))


@pytest.mark.parametrize("page", ["def page(request: Request): ...", "def page() -> Response: ..."])
def test_a_call_of_what_only_plain_http_reaches_is_found_by_reading(tmp_path: Path, page: str) -> None:
    text = f"{HEAD}from hyfn import local\n@local\n@on.http\n{page}\n\n@aws\ndef calls() -> None:\n    page()\n"
    (tmp_path / "app.py").write_text(text)
    [problem] = project.check(project.read(tmp_path / "app.py"))
    assert (problem.level, str(problem.place)) == ("error", "app.py:11")
    assert "calls calls page, which only plain HTTP reaches (@on.http at app.py:7)" in problem.message
