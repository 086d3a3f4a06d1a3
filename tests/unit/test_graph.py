"""Which function may call which, by reading alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hyfn.discover import graph, names
from hyfn.errors import ConfigError
from hyfn.model import Place
from tests.unit.small_projects import CALLER, HEAD, OTHERS, edges, linked


def one_caller(folder: Path, body: str, imports: str = "from others import classify, ocr", above: str = "") -> set[str]:
    """The edges out of a function with `body`."""
    app = CALLER.format(
        imports=imports.replace("\n", "\n    "),
        above=above.replace("\n", "\n    "),
        body=body.replace("\n", "\n        "),
    )
    return edges(linked(folder, {"app.py": app, "others.py": OTHERS}))


@pytest.mark.parametrize(
    "body",
    [
        "return ocr(b'')",
        "return ocr.aio(b'')",
        "return ocr.spawn(b'')",
        "return list(ocr.map([x]))",
        "return ocr.options(timeout=3)(b'')",
        "return ocr.options(timeout=3).remote",
        "g = ocr\nreturn g(b'')",
        "return [ocr(p) for p in x]",
        "return {p: ocr(p) for p in x if p}",
        "return (lambda p: ocr(p))(x)",
        "return sorted(x, key=ocr)",
        "return map(ocr, x)",
        "def inner():\n    return ocr(x)\nreturn inner",
        "class Inner:\n    step = ocr\nreturn Inner",
        "def inner(step=ocr): ...\nreturn inner",
        "@ocr.options\ndef inner(): ...\nreturn inner",
        "return (step := ocr)",
        "if (n := len(x)) > 3:\n    return ocr(n)\nreturn n",
        "match x:\n    case 'a':\n        return ocr(x)\n    case _:\n        return None",
        "match x:\n    case {'key': value} if ocr(value):\n        return 1",
        "try:\n    return ocr(x)\nexcept* ValueError:\n    pass",
        "return f'{ocr(x)}'",
        "with ocr(x) as page:\n    return page",
        "return [step(x) for step in (ocr, str)]",
        "x[ocr] = 1",
        "global kept\nkept = ocr",
        "assert ocr(x)",
        "return x if x else ocr(x)",
        "del x[ocr]",
    ],
)
def test_any_mention_in_a_body_is_an_edge(tmp_path: Path, body: str) -> None:
    assert one_caller(tmp_path, body) == {"caller → ocr"}


@pytest.mark.parametrize(
    ("imports", "call"),
    [
        ("from others import ocr as read", "read(x)"),
        ("import others", "others.ocr(x)"),
        ("import others as o", "o.ocr.map([x])"),
        ("from others import *", "ocr(x)"),
        ("import others\nread = others.ocr", "read(x)"),
        ("import others\no = others", "o.ocr(x)"),
        ("from others import ocr\nsteps = (ocr,)", "[step(x) for step in steps]"),
        ("from others import ocr\nsteps: dict[str, object] = {'a': ocr}", "steps.values()"),
        ("from others import ocr\nsteps = []\nsteps.append(ocr)", "steps"),
        ("from others import ocr\nsteps = {}\nsteps['a'] = ocr", "steps"),
        ("from others import ocr\nsteps = []\nsteps += [ocr]", "steps"),
        ("from others import ocr\nsteps = []\nfor step in [ocr]:\n    steps.append(step)", "steps"),
        ("from others import ocr\nfirst, *rest = ocr, 1", "first(x)"),
        ("from others import ocr\nread = lambda page: ocr(page)", "read(x)"),
        ("from functools import partial\nfrom others import ocr\nread = partial(ocr, 1)", "read(x)"),
        ("import importlib\no = importlib.import_module('others')", "o.ocr(x)"),
        ("try:\n    from others import ocr as read\nexcept ImportError:\n    read = None", "read(x)"),
        ("if True:\n    import others as o\nelse:\n    o = None", "o.ocr(x)"),
    ],
)
def test_an_edge_is_found_by_whatever_name_the_module_gives_it(tmp_path: Path, imports: str, call: str) -> None:
    assert one_caller(tmp_path, f"return {call}", imports) == {"caller → ocr"}


@pytest.mark.parametrize(
    "body",
    [
        "from others import ocr\nreturn ocr(x)",
        "from others import ocr as read\nreturn [read(p) for p in x]",
        "import others\nreturn others.ocr(x)",
        "import others as o\ndef inner():\n    return o.ocr(x)\nreturn inner()",
        "import others\no = others\nreturn o.ocr(x)",
        "from importlib import import_module\nreturn import_module('others').ocr(x)",
        "import importlib as i\no = i.import_module('others')\nreturn o.ocr(x)",
        "import others\nreturn getattr(others, 'ocr')(x)",
    ],
)
def test_an_import_inside_the_function_counts(tmp_path: Path, body: str) -> None:
    assert one_caller(tmp_path, body, imports="") == {"caller → ocr"}


@pytest.mark.parametrize(
    "body",
    [
        "ocr = str\nreturn ocr(x)",
        "for ocr in x:\n    print(ocr)",
        "return [ocr for ocr in x]",
        "return (lambda ocr: ocr)(x)",
        "with open(x) as ocr:\n    return ocr",
        "try:\n    pass\nexcept ValueError as ocr:\n    return ocr",
        "import json as ocr\nreturn ocr.dumps(x)",
        "def ocr(): ...\nreturn ocr()",
        "class ocr: ...\nreturn ocr()",
        "match x:\n    case [ocr]:\n        return ocr",
        "match x:\n    case {**ocr}:\n        return ocr",
        "if (ocr := x):\n    return ocr",
        "print([ocr := p for p in x])\nreturn ocr",
        "def inner(ocr):\n    return lambda: ocr\nreturn inner",
        "def inner(*ocr, **classify):\n    return ocr, classify\nreturn inner",
        "ocr = None\ndef inner():\n    nonlocal ocr\n    ocr = 1\nreturn inner",
        "class Inner:\n    ocr = 1\n    size = ocr\nreturn Inner",
        "return x.ocr",
        "return dict(ocr=x)",
        "return 'ocr'",
        "return {'classify': x}['classify']",
    ],
)
def test_a_name_that_is_shadowed_is_no_edge(tmp_path: Path, body: str) -> None:
    assert one_caller(tmp_path, body) == set()


def test_a_name_of_a_class_body_does_not_shadow_inside_its_methods(tmp_path: Path) -> None:
    body = "class Inner:\n    ocr = 1\n    def run(self):\n        return ocr(x)\nreturn Inner"
    assert one_caller(tmp_path, body) == {"caller → ocr"}


def test_a_class_body_may_refer_to_the_name_that_it_is_about_to_bind(tmp_path: Path) -> None:
    assert one_caller(tmp_path, "class Inner:\n    ocr = ocr\nreturn Inner") == {"caller → ocr"}


def test_a_parameter_shadows_and_its_default_does_not(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD
        + "@aws\ndef ocr(page: bytes) -> str: ...\n"
        + "@gcp\ndef shadowed(ocr: str) -> str:\n    return ocr\n"
        + "def helper(read=ocr):\n    return read\n"
        + "@azure\ndef by_default(x: str) -> object:\n    return helper()\n"
    }
    assert edges(linked(tmp_path, files)) == {"by_default → ocr"}


@pytest.mark.parametrize(
    ("helper", "call"),
    [
        ("def helper(x):\n    return ocr(x)", "helper(x)"),
        ("def deepest(x):\n    return ocr(x)\ndef helper(x):\n    return deepest(x)", "helper(x)"),
        ("class Reader:\n    def read(self, x):\n        return ocr(x)", "Reader().read(x)"),
        ("class Base:\n    def read(self, x):\n        return ocr(x)\nclass Reader(Base): ...", "Reader().read(x)"),
        ("class Reader:\n    step = ocr", "Reader.step(x)"),
        ("class Reader:\n    @property\n    def step(self):\n        return ocr", "Reader().step(x)"),
        (
            "def wrap(function):\n    return lambda *a: ocr(function(*a))\n@wrap\ndef helper(x):\n    return x",
            "helper(x)",
        ),
        ("class Reader:\n    def read(self, x):\n        return ocr(x)\nreader = Reader()", "reader.read(x)"),
        ("def helper(x, read=ocr):\n    return read(x)", "helper(x)"),
        ("table = {}\ndef register(f):\n    table[f.__name__] = f\n    return f\nregister(ocr)", "table"),
        (
            "table = []\ndef register(name):\n    def keep(f):\n        table.append(f)\n"
            "    return keep\nregister('a')(ocr)",
            "table",
        ),
        ("class Table:\n    def add(self, f): ...\ntable = Table()\ntable.add(ocr)", "table.run(x)"),
        ("current = None\ndef setup():\n    global current\n    current = ocr", "current(x)"),
    ],
)
def test_an_edge_leads_through_code_without_a_target(tmp_path: Path, helper: str, call: str) -> None:
    files = {
        "app.py": CALLER.format(imports="import lib", above="", body=f"return lib.{call}"),
        "lib.py": f"from others import ocr\n{helper}\n",
        "others.py": OTHERS,
    }
    assert edges(linked(tmp_path, files)) == {"caller → ocr"}


def test_a_registry_holds_what_its_decorator_was_put_on(tmp_path: Path) -> None:
    files = {
        "app.py": """
            from hyfn import aws, gcp
            import others

            TABLE = {}

            def register(function):
                TABLE[function.__name__] = function
                return function

            @register
            def step(x):
                return others.ocr(x)

            @aws
            def dispatch(x: str) -> object:
                return [f(x) for f in TABLE.values()]

            @gcp
            def bystander(x: str) -> str:
                return x
        """,
        "others.py": OTHERS,
    }
    assert edges(linked(tmp_path, files)) == {"dispatch → ocr"}


def test_relative_imports_and_reexports_are_followed(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n",
        "shop/__init__.py": "from .steps import *\nfrom .steps.reading import ocr as read\n",
        "shop/steps/__init__.py": "from .reading import ocr\n__all__ = ['ocr', 'tag']\nfrom .tagging import tag\n",
        "shop/steps/reading.py": HEAD + "@aws\ndef ocr(x: str) -> str:\n    return x\n",
        "shop/steps/tagging.py": HEAD + "from .. import read\n@gcp\ndef tag(x: str) -> str:\n    return read(x)\n",
        "shop/api.py": HEAD + "from . import tag, steps\nfrom .steps import tagging as t\n"
        "@azure\ndef first(x: str) -> str:\n    return tag(x)\n"
        "@azure\ndef second(x: str) -> str:\n    return steps.ocr(t.tag(x))\n"
        "@azure\ndef third(x: str) -> str:\n    import shop.steps.reading\n    return shop.steps.reading.ocr(x)\n",
    }
    found = edges(linked(tmp_path, files))
    assert found == {"tag → ocr", "first → tag", "second → ocr", "second → tag", "third → ocr"}


def test_modules_that_import_each_other_are_followed_in_circles(tmp_path: Path) -> None:
    files = {
        "a.py": HEAD + "import b\nfrom b import *\n@aws\ndef f(x: str) -> str:\n    return b.g(x)\n",
        "b.py": HEAD + "import a\nfrom a import *\n@gcp\ndef g(x: str) -> str:\n    return a.f(x)\n",
    }
    assert edges(linked(tmp_path, files)) == {"f → g", "g → f"}


def test_a_submodule_is_told_from_its_sibling_under_the_same_package_name(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/a.py": HEAD + "@aws\ndef f(x: str) -> str:\n    return x\n",
        "pkg/b.py": HEAD + "@gcp\ndef f(x: str) -> str:\n    return x\n",
        "app.py": HEAD + "import pkg.a\nimport pkg.b\n@azure\ndef caller(x: str) -> str:\n    return pkg.b.f(x)\n",
    }
    assert [edge.callee for edge in linked(tmp_path, files).edges] == ["pkg.b:f"]


def test_recursion_is_no_edge(tmp_path: Path) -> None:
    files = {"app.py": HEAD + "@aws\ndef f(n: int) -> int:\n    return f(n - 1)\n"}
    assert edges(linked(tmp_path, files)) == set()


def test_what_only_the_main_block_calls_is_no_edge(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD + "@aws\ndef f(x: str) -> str:\n    return x\n@gcp\ndef g(x: str) -> str:\n    return x\n"
        'STEPS = (f, g)\nif __name__ == "__main__":\n    print(f(g("")), STEPS)\n'
    }
    assert edges(linked(tmp_path, files)) == set()


def test_an_annotation_is_no_edge_but_its_class_is_used(tmp_path: Path) -> None:
    files = {
        "app.py": """
            from __future__ import annotations
            from dataclasses import dataclass
            from hyfn import aws, gcp

            @aws
            def ocr(x: str) -> str:
                return x

            @dataclass
            class Letter:
                text: str
                def read(self) -> str:
                    return ocr(self.text)

            @gcp
            def by_method(letter: list["Letter"]) -> str:
                return letter[0].read()

            @gcp
            def by_literal(kind: Literal["ocr"]) -> str:
                return kind
        """
    }
    files["app.py"] = files["app.py"].replace("from hyfn", "from typing import Literal\n            from hyfn", 1)
    assert edges(linked(tmp_path, files)) == {"by_method → ocr"}


def test_a_call_while_the_module_is_imported_is_an_edge_of_all_who_import_it(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD + "import lib\n@azure\ndef caller(x: str) -> str:\n    return x + lib.PAGE\n",
        "lib.py": "from others import ocr\ndef load():\n    return ocr(b'')\nPAGE = load()\n",
        "others.py": OTHERS,
    }
    assert edges(linked(tmp_path, files)) == {"caller → ocr"}


def test_a_place_is_the_first_line_that_shows_the_edge(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD + "from others import ocr\nfrom lib import helper\n"
        "@azure\ndef caller(x: str) -> str:\n    helper(x)\n    return ocr(ocr(x))\n",
        "lib.py": "from others import classify, ocr\n\ndef helper(x):\n    ocr(x)\n    return classify(x)\n",
        "others.py": OTHERS,
    }
    places = {edge.callee: edge.place for edge in linked(tmp_path, files).edges}
    assert places == {"others:ocr": Place("app.py", 7), "others:classify": Place("lib.py", 5)}


# Groups


def test_functions_of_one_group_call_each_other_without_an_edge(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD + '@aws(group="g")\ndef f(x: str) -> str:\n    return g(x)\n'
        '@aws(group="g")\ndef g(x: str) -> str:\n    return h(x)\n'
        "@gcp\ndef h(x: str) -> str:\n    return x\n"
    }
    assert edges(linked(tmp_path, files)) == {"f → h", "g → h"}


def test_a_group_on_another_platform_is_another_artifact(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD + '@aws(group="g")\n@gcp(group="g")\ndef f(x: str) -> str:\n    return g(x)\n'
        '@aws(group="g")\ndef g(x: str) -> str:\n    return x\n'
    }
    assert edges(linked(tmp_path, files)) == {"f → g"}


# Names


def test_short_names_are_bare_where_that_is_unique(tmp_path: Path) -> None:
    one = HEAD + "@aws\ndef reserve(x: str) -> str:\n    return x\n"
    project = linked(tmp_path, {"hotel.py": one, "rental.py": one + "@gcp\ndef pay(x: str) -> str:\n    return x\n"})
    assert names.short_names(project) == {
        "hotel:reserve": "hotel.reserve",
        "rental:reserve": "rental.reserve",
        "rental:pay": "pay",
    }
    assert names.resolve(project, "pay") == names.resolve(project, "rental.pay") == "rental:pay"
    with pytest.raises(ConfigError, match="several") as caught:
        names.resolve(project, "reserve")
    assert "hotel.reserve" in str(caught.value.hint)


def test_the_document_speaks_short_names(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD
        + "@aws\n@gcp\ndef f(x: str) -> str:\n    return g(x)\n@gcp\ndef g(x: str) -> str:\n    return x\n"
    }
    document = graph.document(linked(tmp_path, files))
    assert [function["clouds"] for function in document["functions"]] == [["aws", "gcp"], ["gcp"]]
    assert document["edges"] == [{"caller": "f", "callee": "g", "file": "app.py", "line": 5}]
    assert document["unresolved"] == []


def test_linking_takes_no_more_than_its_share_of_what_is_linked(tmp_path: Path) -> None:
    """Five times the modules take about five times as long: nothing is read over and over."""
    few, many = (min(seconds_to_link(tmp_path / f"{count}-{turn}", count) for turn in range(3)) for count in (10, 50))
    assert many < 15 * few


def seconds_to_link(folder: Path, count: int) -> float:
    folder.mkdir()
    body = "".join(f"def helper{n}(x):\n    return [helper{max(n - 1, 0)}(y) for y in x if y]\n" for n in range(20))
    files = {
        f"m{n}.py": HEAD + f"import m{(n + 1) % count} as after\n{body}"
        f"@aws\ndef f{n}(x: str) -> str:\n    return after.f{(n + 1) % count}(helper19(x))\n"
        f"@gcp\ndef g{n}(x: str) -> str:\n    return f{n}(after.g{(n + 1) % count}(x))\n"
        for n in range(count)
    }
    start = time.process_time()
    project = linked(folder, files)
    assert len(project.edges) == 3 * count
    return time.process_time() - start
