"""What stands at a path: which modules belong to the project, its name, and what it depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyfn import discover
from hyfn.errors import ConfigError
from tests.unit.discovering import PLATFORMS, functions, read, refusals, write

FUNCTION = """
    from hyfn import aws

    @aws
    def ocr(page: bytes) -> str: ...
    """
BLOCK = """
    # /// script
    # requires-python = ">=3.12"
    # dependencies = ["numpy>=2"]
    #
    # [tool.hyfn]
    # app = "Read It"
    # ///
    """


def test_a_file_alone_is_a_project(tmp_path: Path) -> None:
    project = read(tmp_path, {"my_job.py": FUNCTION, "other.py": "import os"}, "my_job.py")
    assert (project.app, project.kind, project.root, project.source_root) == ("my-job", "script", tmp_path, tmp_path)
    assert list(project.sources) == ["my_job"]
    assert [function.name for function in project.functions] == ["my_job:ocr"]


def test_a_script_says_its_dependencies_in_its_block(tmp_path: Path) -> None:
    write(tmp_path, {"job.py": BLOCK})
    (tmp_path / "job.py").write_text((tmp_path / "job.py").read_text() + "x = 1\n")
    project = discover.read(tmp_path / "job.py", PLATFORMS)
    assert (project.kind, project.app) == ("script", "read-it")
    assert (project.dependencies, project.requires_python) == (["numpy>=2"], ">=3.12")
    assert project.config == {"app": "Read It"}


def test_a_script_brings_the_modules_that_it_imports_and_no_others(tmp_path: Path) -> None:
    files = {
        "job.py": "import helpers.text\nfrom pkg import first\n\ndef f():\n    import late",
        "helpers/text.py": "import shared",
        "shared.py": "import job",
        "pkg/__init__.py": "",
        "pkg/first.py": "from . import second",
        "pkg/second.py": "",
        "pkg/third.py": "",
        "late.py": "",
        "unused.py": "this is no Python",
    }
    project = read(tmp_path, files, "job.py")
    assert list(project.sources) == ["helpers.text", "job", "late", "pkg", "pkg.first", "pkg.second", "shared"]


def test_a_file_of_a_folder_with_pyproject_belongs_to_the_folder(tmp_path: Path) -> None:
    files = {"pyproject.toml": '[project]\nname = "shop"', "app.py": FUNCTION, "other.py": FUNCTION}
    project = read(tmp_path, files, "app.py")
    assert (project.app, project.kind) == ("shop", "package")
    assert list(project.sources) == ["app", "other"]


def test_a_block_in_the_file_wins_over_the_folder(tmp_path: Path) -> None:
    files = {"pyproject.toml": '[project]\nname = "shop"', "job.py": BLOCK, "other.py": FUNCTION}
    project = read(tmp_path, files, "job.py")
    assert (project.kind, list(project.sources)) == ("script", ["job"])


def test_a_file_deep_in_a_src_layout_belongs_to_the_project_above(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": '[project]\nname = "shop"',
        "src/shop/__init__.py": "",
        "src/shop/sales/__init__.py": "",
        "src/shop/sales/till.py": FUNCTION,
        "setup.py": "no Python",
    }
    project = read(tmp_path, files, "src/shop/sales/till.py")
    assert (project.root, project.source_root) == (tmp_path, tmp_path / "src")
    assert [str(function.place) for function in project.functions] == ["src/shop/sales/till.py:4"]
    assert project.functions[0].name == "shop.sales.till:ocr"


def test_a_script_beside_src_is_part_of_the_project_when_named(tmp_path: Path) -> None:
    files = {"pyproject.toml": "", "src/shop/__init__.py": "", "main.py": "import shop"}
    assert list(read(tmp_path, files, "main.py").sources) == ["main", "shop"]


def test_a_folder_with_requirements(tmp_path: Path) -> None:
    requirements = """
        # what we need
        numpy>=2   # arrays
        pillow==11.0 \\
            --hash=sha256:abc
        -r more/base.txt
        httpx ; python_version > "3.8"
        -e .
        """
    files = {"requirements.txt": requirements, "more/base.txt": "attrs", "app.py": FUNCTION}
    project = read(tmp_path, files)
    assert project.kind == "requirements"
    assert project.dependencies == ["numpy>=2", "pillow==11.0", "attrs", 'httpx ; python_version > "3.8"']


def test_dynamic_dependencies_are_those_of_requirements(tmp_path: Path) -> None:
    pyproject = '[project]\nname = "a"\ndynamic = ["dependencies"]'
    assert read(tmp_path, {"pyproject.toml": pyproject, "requirements.txt": "attrs"}).dependencies == ["attrs"]


@pytest.mark.parametrize("path", ["", "app.py"])
def test_a_package_is_read_with_its_relative_imports(tmp_path: Path, path: str) -> None:
    files = {
        "__init__.py": "",
        "pyproject.toml": '[project]\ndependencies = ["attrs"]',
        "app.py": "from .marks import amazon\n\n@amazon\ndef f(): ...",
        "marks.py": "from hyfn import aws as amazon",
    }
    project = read(tmp_path / "shop", files, path)
    assert (project.root, project.source_root) == (tmp_path / "shop", tmp_path)
    assert list(project.sources) == ["shop", "shop.app", "shop.marks"]
    assert [(f.name, str(f.place)) for f in project.functions] == [("shop.app:f", "app.py:4")]


def test_a_stray_init_makes_no_package(tmp_path: Path) -> None:
    files = {"__init__.py": "", "requirements.txt": "", "app.py": "import marks", "marks.py": ""}
    assert list(read(tmp_path / "shop", files).sources) == ["app", "marks"]


def test_what_is_no_source_is_skipped(tmp_path: Path) -> None:
    broken = [
        ".hidden/a.py",
        "__pycache__/a.py",
        "node_modules/a.py",
        "tests/a.py",
        "test_app.py",
        "conftest.py",
        "build/lib/a.py",
        "dist/a.py",
        "out.src/a.py",
        "made/aws/a.py",
        "other/a.py",
        "environment/lib/a.py",
    ]
    files = dict.fromkeys(broken, "this is no Python")
    files |= {"made/manifest.json": '{"artifacts": []}', "other/pyproject.toml": "", "environment/pyvenv.cfg": ""}
    files |= {"pyproject.toml": "", "app.py": FUNCTION, "sub/mod.py": "", "sub/build/__init__.py": ""}
    assert list(read(tmp_path, files).sources) == ["app", "sub.build", "sub.mod"]


@pytest.mark.parametrize(
    "given, app",
    [("Invoices", "invoices"), ("my_app.v2", "my-app-v2"), ("2fast", "app-2fast"), ("Ärger!", "rger"), ("!", "app")],
)
def test_an_app_has_a_name_that_every_platform_takes(tmp_path: Path, given: str, app: str) -> None:
    assert read(tmp_path, {"pyproject.toml": f'[project]\nname = "{given}"'}).app == app


def test_app_in_the_table_wins_over_the_project_s_name(tmp_path: Path) -> None:
    assert read(tmp_path, {"pyproject.toml": '[project]\nname = "a"\n[tool.hyfn]\napp = "b"'}).app == "b"


def test_nothing_is_imported(tmp_path: Path) -> None:
    source = f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\nraise SystemExit(1)\n"
    assert read(tmp_path, {"app.py": source}).functions == []
    assert not (tmp_path / "ran").exists()


def test_functions_of_several_modules_come_in_order(tmp_path: Path) -> None:
    files = {"b.py": FUNCTION, "a.py": FUNCTION, "pkg/c.py": FUNCTION}
    assert list(functions(tmp_path, files)) == ["a:ocr", "b:ocr", "pkg.c:ocr"]


@pytest.mark.parametrize(
    "files, path, said",
    [
        ({}, "missing.py", "there is no "),
        ({"notes.txt": ""}, "notes.txt", "notes.txt is no Python file (name a .py file or a folder)"),
        ({"app.py": "x = 1\ndef f(:\n"}, "", "app.py:2: invalid syntax"),
        ({"app.py": "x = (\n"}, "app.py", "app.py:1: '(' was never closed"),
        ({"app.py": "import helper", "helper.py": "x = 1\n\nif\n"}, "app.py", "helper.py:3: invalid syntax"),
        (
            {"pyproject.toml": '[project]\nname = "a"\nname = "b"'},
            "",
            "pyproject.toml:3: is not TOML: Cannot overwrite",
        ),
        ({"pyproject.toml": "[project]\n\nname = 3"}, "", "pyproject.toml:3: project.name must be a string"),
        (
            {"pyproject.toml": '[project]\nname = "a"\ndependencies = ["numpy>=>2"]'},
            "",
            "pyproject.toml:3: 'numpy>=>2' is not a requirement",
        ),
        (
            {"pyproject.toml": '[project]\ndynamic = ["dependencies"]'},
            "",
            "pyproject.toml:2: the dependencies are dynamic",
        ),
        ({"requirements.txt": "attrs\n\n!!\n"}, "", "requirements.txt:3: '!!' is not a requirement"),
        ({"requirements.txt": "attrs\n-r gone.txt\n"}, "", "requirements.txt:2: cannot include gone.txt"),
        ({"requirements.txt": "-i https://x.example\n"}, "", "requirements.txt:1: hyfn does not read -i"),
        ({"job.py": "x = 1\n# /// script\n# a = 1\n# b = =\n# ///\n"}, "job.py", "job.py:4: is not TOML"),
        ({"job.py": "# /// script\n# dependencies = 3\n# ///\n"}, "job.py", "job.py:2: dependencies must be an array"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, files: dict[str, str], path: str, said: str) -> None:
    found = refusals(tmp_path, files, path)
    assert len(found) == 1
    assert found[0].startswith(said)
    assert "\n" not in found[0]


def test_bytes_that_are_no_text_are_refused_with_their_file(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_bytes(b"x = '\xff'\n")
    (tmp_path / "null.py").write_bytes(b"x = 1\0\n")
    found = refusals(tmp_path, {"good.py": "@aws\ndef f(): ..."})
    assert [line.split(": ")[0] for line in found] == ["app.py:1", "good.py:1", "null.py:1"]


def test_another_encoding_is_read_as_it_says(tmp_path: Path) -> None:
    source = "# coding: latin-1\nfrom hyfn import aws\n\n@aws(region='é')\ndef f(): ...\n"
    (tmp_path / "app.py").write_bytes(source.encode("latin-1"))
    assert functions(tmp_path, {})["app:f"].targets[0].options == {"region": "é"}


def test_the_folder_that_cannot_be_parsed_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read(tmp_path, {"pyproject.toml": "["})


def test_a_project_table_without_dependencies_leaves_them_to_requirements(tmp_path: Path) -> None:
    files = {"pyproject.toml": '[project]\nname = "a"', "requirements.txt": "attrs"}
    assert read(tmp_path, files).dependencies == ["attrs"]


def test_an_expression_a_thousand_deep_is_read(tmp_path: Path) -> None:
    source = "from hyfn import aws\n@aws\ndef f():\n    return " + " + ".join(["'x'"] * 900) + "\n"
    assert list(functions(tmp_path, {"app.py": source})) == ["app:f"]
