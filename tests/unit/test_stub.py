"""A stub as source: its function's signature, in as many lines as there are."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from hyfn.discover import signature
from hyfn.model import FunctionSpec, Place, Source, Target
from hyfn.stub import render


def function(definition: str, *, doc: str | None = None, raises: tuple[str, ...] = ()) -> FunctionSpec:
    """A function as discovery would give it, on gcp."""
    node = ast.parse(definition).body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    path = Path("/app.py")
    place = Place("app.py", 1)
    return FunctionSpec(
        f"app:{node.name}",
        "app",
        node.name,
        place,
        signature.read(Source("app", path, "app.py", definition, is_package=False), node),
        doc,
        isinstance(node, ast.AsyncFunctionDef),
        [Target("gcp", "gcp", {}, place)],
        raises=raises,
    )


LONG = (
    "def classify(text: str, kinds: tuple[str, ...] = ('bill', 'praise'), "
    "longest: int = 2_000, deep: bool = True) -> str: ..."
)


def test_a_stub_reads_like_the_function() -> None:
    spec = function("def classify(text: str) -> str: ...", doc="Which kind.\n\nMore.", raises=("app:Unreadable",))
    assert render.stub(spec, 6) == (
        '@hyfn_stub("gcp", raises=("app:Unreadable",))\ndef classify(text: str) -> str:\n    """Which kind."""\n    ...'
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (2, '@hyfn_stub("gcp")\ndef classify(text: str) -> str: ...'),
        (3, '@hyfn_stub("gcp")\ndef classify(text: str) -> str:\n    ...'),
        (4, '@hyfn_stub("gcp")\ndef classify(text: str) -> str:\n    """Which kind."""\n    ...'),
    ],
)
def test_a_stub_is_squeezed_into_the_lines_there_are(lines: int, expected: str) -> None:
    assert render.stub(function("def classify(text: str) -> str: ...", doc="Which kind."), lines) == expected


@pytest.mark.parametrize("lines", range(2, 20))
def test_a_stub_never_takes_more_lines_than_it_may(lines: int) -> None:
    text = render.stub(function(LONG, doc="Doc.", raises=tuple(f"app.errors:Error{n}" for n in range(9))), lines)
    assert len(text.split("\n")) <= lines
    ast.parse(text)


def test_long_lines_are_broken_where_there_is_room() -> None:
    text = render.stub(function(LONG), 10)
    assert "    kinds: tuple[str, ...] = ('bill', 'praise'),\n" in text
    assert max(map(len, text.split("\n"))) <= 100


@pytest.mark.parametrize(
    "definition",
    [
        "def f(): ...",
        "def f(a, /): ...",
        "def f(a, /, b, *, c): ...",
        "def f(a: int = 1, *rest: str, b: 'list[int]' = [], **more: float) -> None: ...",
        "def f(*, a=1, b: int): ...",
        "def f(a=(1,\n    2), *args): ...",
        "def f(a: dict[str,\n    int] = {'x':\n 1}) -> tuple[int,\n  str]: ...",
        "async def f(a): ...",
    ],
)
@pytest.mark.parametrize("lines", [2, 30])
def test_the_signature_is_the_same(definition: str, lines: int) -> None:
    names: dict[str, object] = {"hyfn_stub": lambda *placements: lambda function: function}
    exec(definition, names)
    expected = names["f"]
    exec(render.stub(function(definition), lines), names)
    assert callable(expected)
    assert callable(names["f"])
    assert inspect.signature(names["f"]) == inspect.signature(expected)
    assert inspect.iscoroutinefunction(names["f"]) == inspect.iscoroutinefunction(expected)


@pytest.mark.parametrize("doc", ['Say "hi"', 'Ends with """', "A \\ backslash\\", '"', "\n\n   Indented.\nMore"])
def test_any_first_line_of_a_docstring_survives(doc: str) -> None:
    node = ast.parse(render.stub(function("def f(): ...", doc=doc), 9)).body[0]
    assert isinstance(node, ast.FunctionDef)
    assert (ast.get_docstring(node) or "").strip() == next(line.strip() for line in doc.splitlines() if line.strip())


def test_the_marker_may_have_another_name() -> None:
    assert render.stub(function("def f(): ..."), 2, "hyfn.declare.stub").startswith('@hyfn.declare.stub("gcp")\n')
