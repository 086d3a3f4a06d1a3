"""[tool.hyfn.build]: what it may say, and what that does to an artifact."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from hyfn.errors import BuildError
from hyfn.model import Place, Recipe
from hyfn.pack import globs, recipes
from hyfn.pack.units import problems, units
from tests.unit.discovering import functions, refusals
from tests.unit.small_projects import HEAD, linked, run, sliced

APP = """
    from hyfn import aws, gcp

    @aws
    def ocr(page: bytes) -> str:
        return ""

    @gcp
    def classify(text: str) -> str:
        return ""
"""
HERE = "pyproject.toml"


def _recipes(folder: Path, tables: str, stage: str = "") -> dict[str, Recipe]:
    found = functions(folder, {"app.py": APP, HERE: tables}, stage=stage)
    return {function.qualname: function.recipe for function in found.values()}


def _refusals(folder: Path, tables: str) -> list[str]:
    return refusals(folder, {"app.py": APP, HERE: tables})


def _texts(recipe: Recipe, key: str) -> list[str]:
    return [text for text, _ in getattr(recipe, key)]


def test_without_a_table_compiled_modules_travel_and_no_more(tmp_path: Path) -> None:
    assert _recipes(tmp_path, "") == {"ocr": Recipe(), "classify": Recipe()}
    assert Recipe().pyc


def test_a_functions_lists_add_to_the_projects_and_its_values_override(tmp_path: Path) -> None:
    found = _recipes(
        tmp_path,
        """
        [tool.hyfn.build]
        pyc = false
        base = "a:1"
        include = ["words/*.txt"]
        exclude = ["pandas/tests/**"]
        imports = ["psycopg2"]
        allow = ["keys/ca.pem:private-key"]
        [tool.hyfn.functions.ocr.build]
        pyc = true
        include = ["fonts/**", "words/*.txt"]
        base = "b:2"
        """,
    )
    assert (found["ocr"].pyc, found["ocr"].base) == (True, "b:2")
    assert (found["classify"].pyc, found["classify"].base) == (False, "a:1")
    assert _texts(found["ocr"], "include") == ["words/*.txt", "fonts/**", "words/*.txt"]
    assert _texts(found["classify"], "include") == ["words/*.txt"]
    for key, text in (("exclude", "pandas/tests/**"), ("imports", "psycopg2"), ("allow", "keys/ca.pem:private-key")):
        assert _texts(found["ocr"], key) == _texts(found["classify"], key) == [text]


def test_the_active_stage_adds_to_both_and_overrides_both(tmp_path: Path) -> None:
    tables = """
        [tool.hyfn]
        default-stage = "prod"
        [tool.hyfn.functions.ocr.build]
        pyc = true
        imports = ["one"]
        [tool.hyfn.stage.prod.build]
        pyc = false
        imports = ["two"]
        [tool.hyfn.stage.prod.functions.ocr.build]
        imports = ["three"]
        [tool.hyfn.stage.test.build]
        imports = ["four"]
        """
    active = _recipes(tmp_path, tables)
    assert _texts(active["ocr"], "imports") == ["one", "two", "three"]
    assert not active["ocr"].pyc
    assert _texts(_recipes(tmp_path, tables, "test")["ocr"], "imports") == ["one", "four"]


def test_the_default_stage_stands_beside_the_stages_tables(tmp_path: Path) -> None:
    tables = '[tool.hyfn]\ndefault-stage = "prod"\n[tool.hyfn.stage.prod.aws]\nmemory = 512\n'
    found = functions(tmp_path, {"app.py": APP, HERE: tables})
    assert found["app:ocr"].targets[0].options["memory"] == 512


def test_each_entry_knows_its_line(tmp_path: Path) -> None:
    found = _recipes(
        tmp_path,
        """
        [tool.hyfn.build]
        include = [
            "one/**",
            'two/*.txt',
        ]
        exclude = ["three", "one/**"]
        """,
    )["ocr"]
    assert found.include == (("one/**", Place(HERE, 3)), ("two/*.txt", Place(HERE, 4)))
    assert found.exclude == (("three", Place(HERE, 6)), ("one/**", Place(HERE, 6)))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[tool.hyfn.build]\npyc = 'no'", "pyproject.toml:2: pyc must be true or false, not 'no' (pyc = false)"),
        (
            "[tool.hyfn.build]\nexlude = []",
            "pyproject.toml:2: build has no setting 'exlude' (did you mean exclude or in",
        ),
        (
            "[tool.hyfn.build]\ninclude = 'a'",
            "pyproject.toml:2: include must be an array of strings, not 'a' (include =",
        ),
        (
            "[tool.hyfn.build]\nexclude = [1]",
            "pyproject.toml:2: exclude must be an array of strings, not [1] (exclude =",
        ),
        (
            "[tool.hyfn.build]\ninclude = [\n'a',\n'../b']",
            "pyproject.toml:4: '../b' is no glob inside the project (write",
        ),
        ("[tool.hyfn.build]\ninclude = ['/etc/passwd']", "pyproject.toml:2: '/etc/passwd' is no glob inside the proj"),
        ("[tool.hyfn.build]\nimports = ['a-b']", "pyproject.toml:2: 'a-b' is no module (name it as an import does"),
        (
            "[tool.hyfn.build]\nimports = ['app.gone']",
            "pyproject.toml:2: the project has no module 'app.gone' (known are app)",
        ),
        ("[tool.hyfn.build]\nallow = ['key.pem']", "pyproject.toml:2: 'key.pem' names no file and rule (write it as"),
        ("[tool.hyfn.build]\nbase = 3", "pyproject.toml:2: base must be an image's reference, not 3 (base ="),
        ("[tool.hyfn]\nbuild = 3", "pyproject.toml:2: build must be a table (such as [tool.hyfn.build])"),
        ("[tool.hyfn]\nbiuld = 3", "pyproject.toml:2: hyfn has no setting 'biuld' (did you mean build?"),
        ("[tool.hyfn.functions.ocr]\nbuild = 3", "pyproject.toml:2: build must be a table (such as [tool.hyfn.functio"),
        ("[tool.hyfn.functions.ocr.build]\npyc = 1", "pyproject.toml:2: pyc must be true or false, not 1"),
        ("[tool.hyfn.stage.x.build]\npyc = 1", "pyproject.toml:2: pyc must be true or false, not 1"),
        ("[tool.hyfn.stage.x.functions.ocr.build]\npyc = 1", "pyproject.toml:2: pyc must be true or false, not 1"),
        ("[tool.hyfn]\ndefault-stage = 1", "pyproject.toml:2: default-stage must be a string"),
        ("[tool.hyfn]\nstage = 'a'\ndefault-stage = 'b'", "pyproject.toml:2: stage and default-stage say the same"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_how_to_mend_it(tmp_path: Path, table: str, said: str) -> None:
    found = _refusals(tmp_path, table)
    assert len(found) == 1, found
    assert found[0].startswith(said), found[0]


@pytest.mark.parametrize(
    ("glob", "path", "is_matched"),
    [
        ("pandas/tests/**", "pandas/tests/a/b.py", True),
        ("pandas/tests", "pandas/tests/a/b.py", True),
        ("pandas/tests/", "pandas/tests/a.py", True),
        ("pandas/tests/**", "pandas/testsuite/a.py", False),
        ("pandas/tests/**", "other/pandas/tests/a.py", False),
        ("**/tests/**", "pandas/tests/a.py", True),
        ("**/tests/**", "tests/a.py", True),
        ("**/tests/**", "contests/a.py", False),
        ("**/*.md", "a.md", True),
        ("**/*.md", "a/b/c.md", True),
        ("*.md", "a.md", True),
        ("*.md", "a/b.md", False),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/z", "a/b/cz", False),
        ("?.txt", "a.txt", True),
        ("?.txt", "ab.txt", False),
        ("?", "/", False),
        ("[ab].txt", "b.txt", True),
        ("[!ab].txt", "b.txt", False),
        ("[!ab]", "c", True),
        ("[", "[", True),
        ("a.c", "abc", False),
        ("a|b", "a", False),
        ("a+(b)$", "a+(b)$", True),
        ("**", ".env", True),
        ("./data/*.json", "data/x.json", True),
        ("Data/*", "data/x", False),
    ],
)
def test_a_glob_means_what_it_means_everywhere(glob: str, path: str, is_matched: bool) -> None:
    assert globs.matching([glob])(path) is is_matched


def test_two_thousand_paths_are_told_apart_in_a_moment() -> None:
    place = Place(HERE, 1)
    recipe = Recipe(exclude=[(f"dist{number}/**/tests/**", place) for number in range(20)])
    paths = [f"dist{number % 40}/a/b/tests/{number}.py" for number in range(2000)]
    before = time.process_time()
    found = list(map(recipes.excluded(recipe), paths))
    assert time.process_time() - before < 0.5
    assert sum(found) == 1000


READING = HEAD + "@aws\ndef one(x: str) -> str:\n    return open('words.txt').read()\n"


def _data(folder: Path, build: str, files: Mapping[str, str] = {}) -> set[str]:
    tables = f"[tool.hyfn.build]\n{build}\n"
    cut = sliced(linked(folder, {"app.py": READING, "words.txt": "w", HERE: tables, **files}), "one")
    return {name for name in cut.files if name != "app.py"}


@pytest.mark.parametrize(
    ("build", "travels"),
    [
        ("", {"words.txt"}),
        ("include = ['data/*.json']", {"words.txt", "data/a.json"}),
        ("include = ['data']", {"words.txt", "data/a.json", "data/.hidden", "data/deep/key.pem"}),
        ("include = ['.env', 'data/deep/key.pem']", {"words.txt", ".env", "data/deep/key.pem"}),
        ("include = ['**/*.json']", {"words.txt", "data/a.json"}),
        ("include = ['node_modules/x.json']", {"words.txt", "node_modules/x.json"}),
        ("exclude = ['words.txt']", set()),
        ("include = ['data/**']\nexclude = ['**/*.pem', '**/.*']", {"words.txt", "data/a.json"}),
    ],
)
def test_include_brings_what_no_code_names_and_exclude_takes_away(
    tmp_path: Path, build: str, travels: set[str]
) -> None:
    files = {
        "data/a.json": "{}",
        "data/.hidden": "h",
        "data/module.py": "x = 1",
        "data/deep/key.pem": "-----BEGIN RSA PRIVATE KEY-----",
        ".env": "SECRET=1",
        "node_modules/x.json": "{}",
        ".venv/pyvenv.cfg": "home = /",
        ".venv/y.json": "{}",
        "other/pyvenv.cfg": "home = /",
        "other/z.json": "{}",
    }
    assert _data(tmp_path, build, files) == travels


def test_what_include_matches_never_leads_out_of_the_project(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.json").write_text("{}")
    (folder / "data" / "link.json").symlink_to(tmp_path / "outside" / "a.json")
    (folder / "data" / "folder").symlink_to(tmp_path / "outside")
    (folder / "data" / "gone.json").symlink_to(tmp_path / "nowhere.json")
    (folder / "data" / "own.json").write_text("{}")
    (folder / "out").symlink_to(tmp_path / "outside")
    assert _data(folder, "include = ['data/**']") == {"words.txt", "data/own.json"}
    with pytest.raises(BuildError, match=r"'out/\*\*' matches no file"):
        _data(folder, "include = ['out/**']")


@pytest.mark.parametrize("build", ["include = ['gone/*.json']", "include = ['empty']", "include = ['app.py']"])
def test_an_include_that_brings_nothing_is_refused_at_its_line(tmp_path: Path, build: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BuildError, match="matches no file") as refused:
        _data(tmp_path, build)
    assert refused.value.where == "pyproject.toml:2"


def test_in_a_src_layout_data_stands_where_its_modules_look(tmp_path: Path) -> None:
    files = {
        "src/shop/__init__.py": "",
        "src/shop/app.py": HEAD + "@aws\ndef one(x: str) -> str:\n    return x\n",
        "src/shop/price.json": "{}",
        "config/shop.toml": "",
        HERE: "[tool.hyfn.build]\ninclude = ['src/shop/*.json', 'config/*']\n",
    }
    cut = sliced(linked(tmp_path, files), "one")
    assert {"shop/price.json", "config/shop.toml"} <= set(cut.files)


def test_two_files_cannot_have_one_place(tmp_path: Path) -> None:
    files = {
        "src/shop/__init__.py": "",
        "src/shop/app.py": HEAD + "@aws\ndef one(x: str) -> str:\n    return x\n",
        "src/shop/x.json": "{}",
        "shop/x.json": "[]",
        HERE: "[tool.hyfn.build]\ninclude = ['src/shop/*.json', 'shop/x.json']\n",
    }
    with pytest.raises(BuildError, match=r"both be shop/x\.json"):
        sliced(linked(tmp_path, files), "one")


@pytest.mark.parametrize(
    ("exclude", "said"),
    [
        ("app.py", "takes away app.py: the artifact holds it"),
        ("**/*.py", "takes away app.py: the artifact holds it"),
        ("numpy/**", r"takes away numpy/__init__.py: app.py:1 imports numpy"),
        ("six.py", r"takes away six.py: app.py:1 imports six"),
        ("google/cloud/storage", r"takes away google/cloud/storage.*: app.py:1 imports google.cloud.storage"),
    ],
)
def test_a_module_that_is_imported_cannot_be_excluded(tmp_path: Path, exclude: str, said: str) -> None:
    files = {
        "app.py": "import numpy, six, google.cloud.storage\n" + READING,
        "words.txt": "w",
        HERE: f"[tool.hyfn.build]\nexclude = ['{exclude}']\n",
    }
    with pytest.raises(BuildError, match=said) as refused:
        sliced(linked(tmp_path, files), "one")
    assert refused.value.where == "pyproject.toml:2"


def test_what_is_excluded_of_a_distribution_beside_its_imported_modules_may_go(tmp_path: Path) -> None:
    files = {
        "app.py": "import pandas\n" + READING,
        "words.txt": "w",
        HERE: "[tool.hyfn.build]\nexclude = ['pandas/tests/**', '*.dist-info/**']\n",
    }
    assert "pandas" in sliced(linked(tmp_path, files), "one").imports


PLUGINS = {
    "app.py": """
        from importlib import import_module
        from hyfn import aws, gcp

        @aws
        def one(name: str) -> str:
            return import_module(f"plugins.{name}").shown()

        @gcp
        def two(name: str) -> str:
            return name
        """,
    "plugins/__init__.py": "",
    "plugins/pdf.py": """
        import string
        from letters import first

        def shown():
            return first() + string.digits[1]
        """,
    "plugins/png.py": "def shown():\n    return 'png'\n",
    "letters.py": "def first():\n    return 'a'\n\ndef second():\n    return 'b'\n",
    HERE: "[tool.hyfn.functions.one.build]\nimports = ['plugins.pdf', 'psycopg2.extras', 'json']\n",
}


def test_an_import_that_reading_cannot_see_brings_its_module_and_what_that_needs(tmp_path: Path) -> None:
    cut = sliced(linked(tmp_path, PLUGINS), "one")
    assert set(cut.files) == {"app.py", "plugins/__init__.py", "plugins/pdf.py", "letters.py"}
    assert "second" not in cut.files["letters.py"].decode().replace("left out here: second", "")
    assert cut.imports == {"psycopg2": Place(HERE, 2)}
    assert run(cut, tmp_path, "import app; print(app.one.__wrapped__('pdf'))") == "a1"


def test_only_the_function_of_the_table_has_its_imports(tmp_path: Path) -> None:
    assert set(sliced(linked(tmp_path, PLUGINS), "two").files) == {"app.py"}


def test_a_module_from_imports_may_call_functions_placed_elsewhere(tmp_path: Path) -> None:
    files = {**PLUGINS, "plugins/pdf.py": "from app import two\n\ndef shown():\n    return two('x')\n"}
    project = linked(tmp_path, files)
    assert [(edge.caller, edge.callee) for edge in project.edges] == [("app:one", "app:two")]
    assert sliced(project, "one").stubs == ["app:two"]


def test_a_group_is_made_by_the_settings_of_all_its_functions(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD + "@aws(group='g')\ndef one() -> None: ...\n@aws(group='g')\ndef two() -> None: ...\n",
        HERE: "[tool.hyfn.functions.one.build]\ninclude = ['a']\nimports = ['x']\n"
        "[tool.hyfn.functions.two.build]\ninclude = ['b']\npyc = false\nbase = 'b:1'\n",
    }
    [unit] = units(linked(tmp_path, files))
    assert _texts(unit.recipe, "include") == ["a", "b"]
    assert _texts(unit.recipe, "imports") == ["x"]
    assert (unit.recipe.pyc, unit.recipe.base) == (False, "b:1")


def test_a_group_cannot_stand_on_two_images(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD + "@aws(group='g')\ndef one() -> None: ...\n@aws(group='g')\ndef two() -> None: ...\n",
        HERE: "[tool.hyfn.functions.one.build]\nbase = 'a:1'\n[tool.hyfn.functions.two.build]\nbase = 'b:1'\n",
    }
    [problem] = problems(units(linked(tmp_path, files)))
    assert "two has base='b:1', and others of its group have 'a:1'" in problem.message
