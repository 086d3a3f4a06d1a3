"""Calls that reading cannot resolve are reported, and can be declared."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyfn.errors import SourceError
from hyfn.model import Place
from tests.unit.small_projects import CALLER, HEAD, OTHERS, edges, linked


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("return getattr(others, x)(x)", "getattr(others, x)"),
        ("return globals()[x](x)", "globals()[x]"),
        ("return {'a': ocr}[x](x)", "{'a': ocr}[x](...)"),
        ("return TABLE[x](x)", "TABLE[x](...)"),
        ("return TABLE.get(x)(x)", "TABLE.get(x)(...)"),
        ("table = [ocr]\nreturn table[0](x)", "table[0](...)"),
        ("step = TABLE[x]\nreturn step(x)", "TABLE[x]"),
        ("import importlib\nreturn importlib.import_module(x).ocr(x)", "importlib.import_module(x)"),
        ("return __import__(x).ocr(x)", "__import__(x)"),
        ("import sys\nreturn sys.modules[x].ocr(x)", "sys.modules[x]"),
        ("return vars(others)[x](x)", "others"),
        ("return [m.ocr for m in (others,)]", "others"),
    ],
)
def test_a_call_that_cannot_be_resolved_is_reported_with_its_place(tmp_path: Path, body: str, shown: str) -> None:
    app = CALLER.format(
        imports="import others\n    from others import ocr",
        above="TABLE = {'a': ocr}",
        body=body.replace("\n", "\n        "),
    )
    project = linked(tmp_path, {"app.py": app, "others.py": OTHERS})
    assert [one.text for one in project.unresolved] == [shown]
    assert project.unresolved[0].place == Place("app.py", 8 + body.count("\n"))


@pytest.mark.parametrize(
    "body",
    [
        "return getattr(x, 'a')(x)",
        "return getattr(x, x)()",
        "return [str][0](x)",
        "return {'a': str}.get(x)(x)",
        "return x[0](x)",
        "import math\nreturn getattr(math, x)(1)",
        "return list[int](x)",
        "return TABLE[x]",
    ],
)
def test_what_cannot_lead_to_a_function_is_not_reported(tmp_path: Path, body: str) -> None:
    files = {"app.py": CALLER.format(imports="", above="TABLE = {'a': str}", body=body.replace("\n", "\n        "))}
    assert linked(tmp_path, files).unresolved == []


def test_a_table_gives_edges_although_the_call_is_reported(tmp_path: Path) -> None:
    app = CALLER.format(
        imports="import others", above="TABLE = {'a': others.ocr, 'b': others.classify}", body="return TABLE[x](x)"
    )
    project = linked(tmp_path, {"app.py": app, "others.py": OTHERS})
    assert edges(project) == {"caller → ocr", "caller → classify"}


@pytest.mark.parametrize("name", ["ocr", "others.ocr", "others:ocr"])
def test_calls_in_the_decorator_declare_what_reading_cannot_see(tmp_path: Path, name: str) -> None:
    app = CALLER.format(imports="import others", above="", body="return getattr(others, x)(x)")
    app = app.replace("@azure", f'@azure(calls=["{name}"])')
    project = linked(tmp_path, {"app.py": app, "others.py": OTHERS})
    assert edges(project) == {"caller → ocr"}
    assert project.unresolved == []
    assert project.edges[0].place == project.functions[0].targets[0].place


def test_an_unknown_name_in_calls_is_an_error_at_the_decorator(tmp_path: Path) -> None:
    files = {"app.py": HEAD + '\n@aws(calls=["clasify"])\ndef f(x: str) -> str:\n    return x\n', "others.py": OTHERS}
    with pytest.raises(SourceError, match="clasify") as caught:
        linked(tmp_path, files)
    assert caught.value.where == "app.py:3"
    assert "classify" in str(caught.value.hint)
