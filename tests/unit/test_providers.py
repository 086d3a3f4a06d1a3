"""What a package of others brings, a cloud, is discovered as hyfn's own clouds are, and travels as they do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hyfn import discover
from hyfn.declare import Platform
from hyfn.discover import graph
from hyfn.discover.reach import Reach
from hyfn.errors import BuildError, MachineError, ProjectError
from hyfn.model import Cloud, Project
from hyfn.pack import bare, following, splice, stage, used, verify
from hyfn.pack import slice as slicing
from hyfn.pack.explain import rows
from hyfn.pack.wheels import declared
from hyfn.project import scope
from hyfn.stub import render
from tests.unit.discovering import PLATFORMS, write


def acme(*, name: str = "", group: str = "") -> None: ...


ACME = Platform(acme, "acme")
ACME.cloud, ACME.package, ACME.distribution = "cumulus", "hyfn_acme", "hyfn-acme"
KNOWN = {**PLATFORMS, "acme": ACME}
TWO = """
from hyfn import aws
from hyfn_acme import acme

@aws
def one(x: str) -> str:
    return two(x)

@acme(name="n")
def two(x: str) -> str:
    return x
"""


def read(folder: Path, text: str, pyproject: str = "[project]\nname = 'shop'\n") -> Project:
    return graph.link(discover.read(write(folder, {"app.py": text, "pyproject.toml": pyproject}), KNOWN))


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ProjectError) as raised:
        read(folder, text)
    return str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "from hyfn_acme import acme\n@acme\n",
        "from hyfn_acme import acme as a\n@a(name='n')\n",
        "import hyfn_acme\n@hyfn_acme.acme\n",
        "import hyfn_acme as h\n@h.acme()\n",
        "from hyfn_acme import *\n@acme\n",
        "from hyfn_acme import acme\nbig = acme(name='n')\n@big\n",
    ],
)
def test_its_decorator_is_known_by_any_name(text: str, tmp_path: Path) -> None:
    [function] = read(tmp_path, f"{text}def f() -> None: ...\n").functions
    assert [(target.cloud, target.platform) for target in function.targets] == [("cumulus", "acme")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from hyfn_acme import acne\n@acne\n", "app.py:1: hyfn_acme has no decorator 'acne' (did you mean acme?"),
        ("from hyfn import acme\n@acme\n", "hyfn has no decorator 'acme' (write `from hyfn_acme import acme`)"),
        ("from hyfn_acme import aws\n@aws\n", "hyfn_acme has no decorator 'aws' (write `from hyfn import aws`)"),
        ("@acme\n", "acme is not imported (write `from hyfn_acme import acme`)"),
        ("from hyfn_acme import acme\n@acme(size=1)\n", "acme has no option 'size'"),
    ],
)
def test_what_is_wrong_with_it_is_said_with_the_right_import(text: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(tmp_path, f"{text}def f() -> None: ...\n")


def test_it_is_nobody_s_dependency(tmp_path: Path) -> None:
    project = read(tmp_path, TWO, "[project]\nname = 'shop'\ndependencies = ['Hyfn_Acme>=1', 'six', 'hyfn']\n")
    assert [requirement.name for requirement in declared.parse(project)] == ["six"]
    cut = slicing.cut(project, Reach(project).of(project.functions[1:]), render.stub)
    assert (dict(cut.imports), dict(cut.optional_imports)) == ({}, {})
    assert b"from hyfn_acme import acme" in cut.files["app.py"]


def test_where_its_function_is_a_stub_its_decorator_stays_at_home(tmp_path: Path) -> None:
    project = read(tmp_path, TWO)
    text = slicing.cut(project, Reach(project).of(project.functions[:1]), render.stub).files["app.py"]
    assert b'@hyfn_stub("acme")' in text
    assert b"hyfn_acme" not in text.replace(b"# left out here", b"")


def names(project: Project, **files: bytes) -> set[str]:
    return {cloud.name for cloud in used.clouds(project, {f"{name}.py": text for name, text in files.items()})}


def test_clouds_that_nothing_names_stay_at_home(tmp_path: Path) -> None:
    assert names(read(tmp_path, TWO)) == {"aws", "cumulus"}


def test_a_decorator_that_is_only_imported_is_there_to_be_imported(tmp_path: Path) -> None:
    assert names(read(tmp_path, "from hyfn import aws, gcp\n@aws\ndef f() -> None: ...\n")) == {"aws", "gcp"}


def test_what_an_included_file_imports_is_there(tmp_path: Path) -> None:
    project = read(tmp_path, "from hyfn import aws\n@aws\ndef f() -> None: ...\n")
    assert names(project, plugin=b"from hyfn import azure\n") == {"aws", "azure"}


def test_a_star_import_of_hyfn_finds_all_of_its_own(tmp_path: Path) -> None:
    assert names(read(tmp_path, "from hyfn import *\n@aws\ndef f() -> None: ...\n")) == {"aws", "azure", "gcp"}


PACKAGE = {
    "hyfn_acme/__init__.py": '"""Acme."""\nfrom hyfn.declare import platform\n',
    "hyfn_acme/host.py": "from . import inner\nfrom .deep.er import thing\n",
    "hyfn_acme/call.py": "from hyfn.call.http import HttpCaller\ncaller = HttpCaller()\n",
    "hyfn_acme/inner.py": "def f():\n    import hyfn_acme.late\n",
    "hyfn_acme/late.py": "import json\n",
    "hyfn_acme/deep/__init__.py": "",
    "hyfn_acme/deep/er.py": "from ..pack2 import x\nthing = 1\n",
    "hyfn_acme/pack2.py": "x = 1\n",
    "hyfn_acme/pack.py": "import hyfn.model\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write(tmp_path / "site", PACKAGE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))
    stage.travelling.cache_clear()
    return folder / "hyfn_acme"


def test_its_modules_travel_with_what_they_import_of_it(package: Path) -> None:
    files = stage.travelling("hyfn_acme", frozenset({"hyfn.clouds.local"}))
    own = {name.removeprefix("hyfn_acme/") for name in files if name.startswith("hyfn_acme/")}
    expected = {"__init__", "host", "call", "inner", "late", "deep/__init__", "deep/er", "pack2"}
    assert own == {f"{name}.py" for name in expected}
    assert {"hyfn/clouds/local/__init__.py", "hyfn/clouds/local/call.py", "hyfn/call/http.py"} <= files.keys()
    assert files["hyfn_acme/__init__.py"] == b'""\nfrom hyfn.declare import platform\n'


def test_in_callers_its_host_stays_at_home(package: Path) -> None:
    files = stage.travelling("hyfn.clouds.local", frozenset({"hyfn_acme"}))
    assert {name for name in files if name.startswith("hyfn_acme/")} == {"hyfn_acme/__init__.py", "hyfn_acme/call.py"}


def test_a_change_of_it_is_noticed(package: Path) -> None:
    before = stage.travelling("hyfn_acme")
    (package / "late.py").write_text("import sys\n# changed\n")
    stage.travelling.cache_clear()
    stage._stamped.cache_clear()
    following._imports.cache_clear()
    changed = {name for name, content in stage.travelling("hyfn_acme").items() if before[name] != content}
    assert changed == {"hyfn_acme/late.py"}


def test_a_build_watches_it(package: Path, tmp_path: Path) -> None:
    project = read(tmp_path / "shop", TWO)
    assert str(package) in scope.of(project, []).roots


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"""One."""\nx = 1\n', '""\nx = 1\n'),
        ("'''Two\nlines.'''\nx = 1\n", '""\n\nx = 1\n'),
        ('def f():\n    r"""\\d"""  # why\n    return 1\n', 'def f():\n    ""\n    return 1\n'),
        ("def f(): 'é'; return 1\n", "def f(): 'é'; return 1\n"),
        ("class A:\n    'a' 'b'\n    x = 'kept'\n", "class A:\n    \"\"\n    x = 'kept'\n"),
        ("x = '''\n'''\n", "x = '''\n'''\n"),
    ],
)
def test_docstrings_of_any_form_stay_at_home(text: str, expected: str) -> None:
    assert bare.text(text) == expected


def test_its_files_weigh_on_hyfn_and_not_on_the_project() -> None:
    names = ("app.py", "hyfn/a.py", "site/hyfn_acme/call.py", "hyfn.json")
    code = [splice.member(name, b"x" * 10) for name in names]
    by_name = {row.name: row.unpacked for row in rows([], code, ["hyfn", "hyfn_acme"])}
    assert (by_name["the project's code"], by_name["hyfn itself"]) == (10, 30)


def test_what_fails_in_it_is_not_blamed_on_the_project(tmp_path: Path) -> None:
    write(tmp_path, {"hyfn.json": '{"clouds": {"cumulus": "hyfn_acme"}}', "hyfn_acme/__init__.py": "1 / 0"})
    with pytest.raises(BuildError, match=r"ZeroDivisionError: division by zero, in hyfn_acme/__init__\.py:1") as raised:
        verify.load([tmp_path], "import hyfn_acme", Path(sys.executable))
    assert raised.value.where is None


def test_a_package_that_is_not_there_is_named() -> None:
    with pytest.raises(MachineError, match="hyfn_nowhere, which brings a cloud, is no package"):
        following.place("hyfn_nowhere")
    assert "hyfn_nowhere" not in sys.modules


def test_hyfn_json_names_the_packages_that_are_not_hyfn_s(tmp_path: Path) -> None:
    project = read(tmp_path / "shop", TWO)
    target = project.functions[0].targets[0]
    content = stage.manifest("shop", list(project.functions), target, {"cumulus": "hyfn_acme"})
    (tmp_path / "hyfn.json").write_bytes(content)
    assert stage.packages(tmp_path) == ["hyfn", "hyfn_acme"]
    assert stage.packages(tmp_path / "nowhere") == ["hyfn"]
    assert project.clouds["cumulus"] == Cloud("cumulus", "hyfn_acme", "hyfn-acme", ("acme",))
