"""Which functions are decorated, by whatever name the decorator came, and where a decorator may not stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.discovering import functions, refusal, refusals


@pytest.mark.parametrize(
    "imported, decorator",
    [
        ("from hyfn import aws", "aws"),
        ("from hyfn import aws", "aws()"),
        ("from hyfn import aws as amazon", "amazon(memory=1)"),
        ("import hyfn", "hyfn.aws"),
        ("import hyfn as h", "h.aws(memory=1)"),
        ("from hyfn import *", "aws"),
        ("try:\n    from hyfn import aws\nexcept ImportError:\n    raise", "aws"),
        ("from marks import amazon", "amazon"),
        ("import marks", "marks.amazon()"),
        ("import marks as m", "m.big"),
        ("from marks import *", "big"),
        ("import pkg.inner", "pkg.inner.there"),
        ("from pkg import inner", "inner.there"),
        ("from hyfn import aws\nbig = aws(memory=4)", "big"),
        ("from hyfn import aws\namazon = aws", "amazon(memory=4)"),
    ],
)
def test_a_decorator_is_known_by_any_name(tmp_path: Path, imported: str, decorator: str) -> None:
    files = {
        "app.py": f"{imported}\n@{decorator}\ndef f(): ...\n",
        "marks.py": "from hyfn import aws as amazon\nbig = amazon(memory=2)\n",
        "pkg/__init__.py": "from ..x import y\n",
        "pkg/inner.py": "from marks import big as there\n",
    }
    target = functions(tmp_path, files)["app:f"].targets[0]
    assert (target.cloud, target.platform) == ("aws", "aws")
    assert str(target.place) == f"app.py:{imported.count(chr(10)) + 2}"


def test_the_cloud_s_own_module_has_the_decorator(tmp_path: Path) -> None:
    from hyfn import clouds, discover

    source = "from hyfn.clouds.aws import aws\nimport hyfn.clouds.gcp\n@aws\n@hyfn.clouds.gcp.gcp\ndef f(): ...\n"
    (tmp_path / "app.py").write_text(source)
    targets = discover.read(tmp_path, clouds.platforms()).functions[0].targets
    assert [target.platform for target in targets] == ["aws", "gcp"]


def test_stacked_decorators_are_placements_the_top_one_preferred(tmp_path: Path) -> None:
    source = """
        import functools
        from hyfn import aws, gcp

        @gcp(min_instances=1)
        @aws(
            memory=512,
        )
        @functools.wraps(print)
        async def f(x: int) -> int:
            '''One line.

            And more.'''
            return x
        """
    found = functions(tmp_path, {"app.py": source})["app:f"]
    assert [(t.platform, t.options, str(t.place)) for t in found.targets] == [
        ("gcp", {"min_instances": 1}, "app.py:4"),
        ("aws", {"memory": 512}, "app.py:5"),
    ]
    assert (found.is_async, found.doc, str(found.place)) == (True, "One line.\n\nAnd more.", "app.py:9")


def test_decorators_of_others_are_none_of_ours(tmp_path: Path) -> None:
    source = """
        from elsewhere import aws, retry
        import functools

        @aws(1)
        @retry
        @functools.cache
        @(lambda f: f)
        def f(): yield

        class C:
            @property
            @aws
            def g(self): ...
        """
    assert functions(tmp_path, {"app.py": source}) == {}


def test_an_overload_before_the_function_is_no_second_definition(tmp_path: Path) -> None:
    source = """
        from typing import overload
        from hyfn import aws

        @overload
        def f(x: int) -> int: ...
        @overload
        def f(x: str) -> str: ...
        @aws
        def f(x): return x
        """
    assert [str(found.place) for found in functions(tmp_path, {"app.py": source}).values()] == ["app.py:9"]


def test_the_signature_is_as_it_is_written(tmp_path: Path) -> None:
    source = """
        from hyfn import aws

        @aws
        def f(a, /, b: "int" = 1_000, *rest: str, c: dict[
            str, int] | None = None, d='ü', **more: float) -> tuple[int, ...]: ...
        """
    signature = functions(tmp_path, {"app.py": source})["app:f"].signature
    assert [(p.name, p.kind, p.annotation, p.default) for p in signature.parameters] == [
        ("a", "POSITIONAL_ONLY", None, None),
        ("b", "POSITIONAL_OR_KEYWORD", '"int"', "1_000"),
        ("rest", "VAR_POSITIONAL", "str", None),
        ("c", "KEYWORD_ONLY", "dict[str, int] | None", "None"),
        ("d", "KEYWORD_ONLY", None, "'ü'"),
        ("more", "VAR_KEYWORD", "float", None),
    ]
    assert signature.returns == "tuple[int, ...]"


@pytest.mark.parametrize(
    "source, said",
    [
        ("import hyfn\n@hyfn.awz\ndef f(): ...", "2: hyfn has no decorator 'awz' (did you mean aws?"),
        (
            "from hyfn import azzure\n\n@azzure()\ndef f(): ...",
            "1: hyfn has no decorator 'azzure' (did you mean azure?",
        ),
        ("import hyfn\n@hyfn.clouds.aws\ndef f(): ...", "2: hyfn has no decorator 'clouds.aws'"),
        ("@aws\ndef f(): ...", "1: aws is not imported (write `from hyfn import aws`)"),
        ("@hyfn.gcp()\ndef f(): ...", "1: hyfn.gcp is not imported (write `import hyfn`)"),
        (
            "from hyfn import aws\nclass C:\n    @aws\n    def f(self): ...",
            "3: @aws stands on f, a method of C (write a module-level def that takes what it needs)",
        ),
        (
            "from hyfn import aws\ndef outer():\n    @aws()\n    async def f(): ...",
            "3: @aws stands on f, inside of outer (move the function to the module's level)",
        ),
        ("from hyfn import aws\n@aws\nclass C: ...", "2: @aws stands on the class C (it decorates functions"),
        (
            "from hyfn import aws\nif True:\n    @aws\n    def f(): ...",
            "3: @aws stands on f, which is defined only on a condition (move the function to the module's level)",
        ),
        ("from hyfn import aws\nf = aws(lambda x: x)", "2: aws is called with lambda x: x; it decorates a `def`"),
        ("from hyfn import aws\nf = aws(memory=1)(print)", "2: aws is called with print; it decorates a `def`"),
        ("from hyfn import aws\n@aws\ndef f(): yield 1", "3: f is a generator, which @aws cannot run (return a list"),
        ("from hyfn import aws\n@aws\nasync def f():\n    yield", "3: f is a generator, which @aws cannot run"),
        ("from hyfn import aws\n@aws\n@aws\ndef f(): ...", "3: f is placed twice on aws (the first is at app.py:2)"),
        (
            "import functools\nfrom hyfn import aws\n@functools.cache\n@aws\ndef f(): ...",
            "3: @functools.cache would wrap the remote call, not the function (put @aws above it)",
        ),
        (
            "from hyfn import aws\n@aws\ndef f(): ...\n@aws\ndef f(): ...",
            "5: f is defined again (the first is at app.py:3; rename one)",
        ),
        (
            "from hyfn import aws\n@aws\ndef f(): ...\nf = 1",
            "4: f is defined again (the first is at app.py:3; rename one)",
        ),
        ("from hyfn import aws\n@aws('eu')\ndef f(): ...", "2: aws takes its options by name (known are architecture,"),
    ],
)
def test_a_decorator_that_cannot_stand_there_is_refused(tmp_path: Path, source: str, said: str) -> None:
    assert refusal(tmp_path, source).startswith(f"app.py:{said}")


def test_a_generator_inside_makes_no_generator(tmp_path: Path) -> None:
    source = "from hyfn import aws\n@aws\ndef f():\n    def g(): yield 1\n    return list(g())\n"
    assert list(functions(tmp_path, {"app.py": source})) == ["app:f"]


def test_all_problems_come_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    files = {
        "b.py": "from hyfn import aws\n\n@aws(memry=1, region=2)\ndef f(x: type) -> open: ...\n",
        "a.py": "def f(:\n",
        "pyproject.toml": "[tool.hyfn]\nap = 1\n",
    }
    found = [line.split(": ")[0] for line in refusals(tmp_path, files)]
    assert found == ["a.py:1", "b.py:3", "b.py:3", "b.py:4", "b.py:4", "pyproject.toml:2"]


def test_an_error_in_a_shared_decorator_is_said_once_where_it_is_written(tmp_path: Path) -> None:
    files = {
        "marks.py": "from hyfn import aws\nbig = aws(\n    memory='much',\n)\n",
        "app.py": "from marks import big\n@big\ndef f(): ...\n@big\ndef g(): ...\n",
    }
    assert [line.split(": ")[0] for line in refusals(tmp_path, files)] == ["marks.py:3"]
