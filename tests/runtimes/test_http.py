"""Plain HTTP for the same functions on every platform that has it, each in its runtime on this machine."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from hyfn import clouds, project, remote, wiring
from hyfn.cloud import Paged, Running
from hyfn.dev.application import Application
from hyfn.export import openapi
from hyfn.model import Place, Target
from hyfn.remote import Session
from tests.pages import site
from tests.pages.asking import Said, ask, run_schemathesis

ID = "12345678-1234-5678-1234-567812345678"
RUNTIMES = ("aws", "azure", "gcp", "knative-func", "oracle")
"""Whose pages a vendor's own component serves; hyfn's own host or a stand-in serves the others'."""
FRONTS = {"azure": "unsupported_method", "ibm": "content_type_conformance"}
"""What platforms answer themselves, and not as a function's document says: Azure 404 for a method that no trigger has,
Code Engine 400 in words of its own for JSON that is no object."""
ELSEWHERE = ("fn", "openshift")
"""Fn's own triggers have fixed paths (test_fn_pages); OpenShift differs from Knative in its manifests alone."""


def platforms() -> list[str]:
    """All that take plain HTTP, and the second server that Knative has."""
    place = Place("", 0)
    found = [
        name
        for name, platform in sorted(clouds.platforms().items())
        if name not in ELSEWHERE
        and "http" in clouds.get(platform.cloud, "pack").packer.offers(Target(platform.cloud, name, {}, place))
    ]
    return [*found, "knative-func"]


@dataclass(frozen=True)
class Site:
    """The application up on one platform, all of it in one artifact. `module` calls its functions."""

    platform: str
    running: Running
    folder: Path
    module: ModuleType
    session: Session
    log: Path

    @property
    def url(self) -> str:
        assert isinstance(self.running, Paged)
        return self.running.pages

    def ask(self, method: str, target: str, body: object = None, **headers: str) -> Said:
        return ask(self.url, method, target, body, **headers)


def _parameter(name: str) -> Any:
    return pytest.param(name, marks=pytest.mark.runtime if name in RUNTIMES else pytest.mark.spec)


@pytest.fixture(scope="module", params=[_parameter(name) for name in platforms()])
def up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    name, _, runtime = str(request.param).partition("-")
    folder = tmp_path_factory.mktemp("site")
    log = folder / "lifespan.log"
    options = f'group="site", env={{"SITE_LOG": "{log}"}}' + (f', runtime="{runtime}"' if runtime else "")
    site.written(folder, f"{name}({options})")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.syspath_prepend(str(folder))
        application = stack.enter_context(Application(project.read(folder), lambda _: None))
        [running] = application.running.values()
        session = Session(wiring.read(application.laptop()), frozenset(), "dev")
        yield Site(str(request.param), running, folder, importlib.import_module("app"), session, log)
        sys.modules.pop("app", None)
    _check_end(str(request.param), log)


def _check_end(platform: str, log: Path) -> None:
    """An application is told that the process ends, where the platform tells it."""
    if platform in ("kubernetes", "knative", "local"):
        assert log.read_text() == "down"


def test_the_evidence_is_what_the_tests_say(up: Site) -> None:
    assert (up.running.evidence == "runtime") == (up.platform in (*RUNTIMES, "local"))


def test_path_and_query_become_arguments(up: Site) -> None:
    said = up.ask("GET", "/orders/7?deep=true&tag=a&tag=b%20c+%C3%BC&size=large&utm_source=x")
    assert said.value() == {"id": "7", "deep": "True", "tag": "a,b c ü", "size": "large"}


def test_a_body_becomes_a_record_and_comes_back(up: Site) -> None:
    order = {
        "id": ID, "lines": [{"sku": "ü", "count": 2, "size": "large", "inner": []}], "due": "2030-01-02",
        "paid": "1.50", "at": [1.0, 2.0], "raw": "AAE=", "extra": {"gift": True}, "by_number": {"7": "seven"},
    }  # fmt: skip
    assert up.ask("POST", "/orders", {"order": order}).value() == order
    assert up.ask("PUT", "/orders/7", {"order": {"id": ID, "lines": []}}).value()["paid"] == "0"
    empty = up.ask("POST", "/orders", {"order": order, "note": "none"})
    assert (empty.status, empty.body) == (204, b"")


def test_a_request_comes_whole_and_a_response_goes_as_it_is(up: Site) -> None:
    said = up.ask("POST", "/raw?x=%20y&x=z", bytes(range(256)), X_One="1", Content_Type="application/octet-stream")
    assert (said.status, said.body.decode()) == (201, "POST /raw x=%20y&x=z 1 256")
    assert said.kind == "text/plain; charset=utf-8"
    assert said.field("x-two") == "2"
    assert said.cookies == ["a=1; Path=/", "b=2; Path=/; HttpOnly"]


@pytest.mark.parametrize("path", ["a/b", "a%2Fb", "%61/b", "a/b%25", "%C3%BC%20"])
def test_a_path_is_decoded_once(up: Site, path: str) -> None:
    expected = {"a%2Fb": "a/b", "%61/b": "a/b", "a/b%25": "a/b%", "%C3%BC%20": "ü "}.get(path, path)
    assert up.ask("GET", f"/files/{path}").value() == expected


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/orders/x", 400),
        ("GET", "/orders/7?deep=1", 400),
        ("GET", "/files/%00", 400),
        ("GET", "/files/%ff", 400),
        ("GET", "/none", 404),
        ("GET", "/orders/7/8", 404),
        ("GET", "/orders/7%2F8", 404),
        ("DELETE", "/orders/7", 405),
        ("GET", "/fail", 500),
    ],
)
def test_what_cannot_be_answered_is_a_problem(up: Site, method: str, target: str, status: int) -> None:
    said = up.ask(method, target)
    assert said.status == status
    assert "s3cret" not in str(said.problem())
    if status == 405:
        assert said.field("allow") == "GET, PUT, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        (b"{", "application/json", 400, "not JSON"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "must be JSON"),
        (b'{"order": 1}', "application/json", 400, "'order'"),
    ],
)
def test_a_body_that_does_not_fit_is_a_problem(up: Site, body: bytes, kind: str, status: int, words: str) -> None:
    said = up.ask("POST", "/orders", body, Content_Type=kind)
    assert said.status == status
    if not (up.platform == "ibm" and words == "not JSON"):  # see FRONTS
        assert words in said.problem()["detail"]


def test_head_and_options_are_answered(up: Site) -> None:
    head, options = up.ask("HEAD", "/orders/7"), up.ask("OPTIONS", "/orders/7")
    assert (head.status, head.body) == (200, b"")
    assert (options.status, options.body, options.field("allow")) == (204, b"", "GET, PUT, HEAD, OPTIONS")


def test_a_fastapi_application_is_mounted(up: Site) -> None:
    assert up.ask("GET", "/fast/items/7?q=%C3%BC").value() == {"item": 7, "q": "ü", "double": 14, "events": ["up"]}
    echo = up.ask("POST", "/fast/echo", b"\x00" * 50_000, Content_Type="application/octet-stream")
    assert echo.value() == {"size": 50_000, "url": f"{urlsplit(up.url).path}/fast/items/1"}
    assert [cookie.partition(";")[0] for cookie in echo.cookies] == ["a=1", "b=2"]
    assert up.ask("GET", "/fast/items/x").status == 422
    assert up.ask("GET", "/fast/none").status == 404


def test_a_flask_application_is_mounted(up: Site) -> None:
    said = up.ask("GET", "/flask/items/7?q=%C3%BC")
    assert (said.status, said.kind) == (200, "application/json")
    assert b'"item":7' in said.body.replace(b" ", b"")
    assert up.ask("GET", "/flask/none").status == 404


def test_calls_go_as_ever(up: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "session", lambda: up.session)
    assert up.module.double(21) == 42
    with pytest.raises(TypeError, match="never travels"):
        up.module.raw(None)


def test_schemathesis_finds_no_fault_in_the_exported_document(up: Site) -> None:
    document, notes = openapi.document(project.read(up.folder))
    assert [note.partition(" ")[0] for note in notes] == ["fast", "flasked"]
    (up.folder / "openapi.json").write_text(openapi.text(document))
    options = ["--exclude-checks", FRONTS[up.platform]] if up.platform in FRONTS else []
    run_schemathesis(up.folder / "openapi.json", up.url, "--exclude-path", "/fail", *options)
