"""What is wrong with a project is said in a line that names the place and the remedy, and nothing is left behind."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.commands import Ran, hyfn, invoke, tree, written

PLATFORMS = "from hyfn import aws, azure, gcp, knative\n"
FINE = "@aws\ndef fine(n: int) -> int:\n    return n\n"


def app(text: str, **others: str) -> dict[str, str]:
    return {"app.py": f"{PLATFORMS}{text}", **{name.replace("_", "."): each for name, each in others.items()}}


READING: Mapping[str, tuple[dict[str, str], list[str]]] = {
    # The files, then what each line begins with. Line 1 of app.py imports the platforms.
    "a name that is no decorator": (
        {"app.py": "import hyfn\n@hyfn.awss\ndef f(n: int) -> int:\n    return n\n"},
        ["app.py:2: hyfn has no decorator 'awss' (did you mean aws?"],
    ),
    "a function without a target": (
        app("\ndef f(n: int) -> int:\n    return n\n"),
        ["app.py:3: no function of project has a target (put one of @alibaba, @aws, "],
    ),
    "a decorator that is not hyfn's": (
        app("import functools\n@functools.cache\ndef f(n: int) -> int:\n    return n\n"),
        ["app.py:4: no function of project has a target"],
    ),
    "a decorated class": (app("@aws\nclass F: ...\n"), ["app.py:2: @aws stands on the class F ("]),
    "a decorated method": (
        app("class F:\n    @aws\n    def f(self) -> int:\n        return 1\n"),
        ["app.py:3: @aws stands on f, a method of F ("],
    ),
    "a syntax error": (app("@aws\ndef f(n: int -> int:\n    return n\n"), ["app.py:3: "]),
    "a syntax error in another module": (
        app(f"import other\n{FINE}", requirements_txt="", other_py="x = = 1\n"),
        ["other.py:1: invalid syntax ("],
    ),
    "a parameter that cannot travel": (
        app("import socket\n@aws\ndef f(s: socket.socket) -> int:\n    return 1\n"),
        ["app.py:4: parameter 's' of f cannot travel as socket.socket: "],
    ),
    "one name for two functions": (
        app('@aws(name="same")\ndef f() -> int:\n    return 1\n@aws(name="same")\ndef g() -> int:\n    return 1\n'),
        ["app.py:5: g and f (app.py:2) both have the name 'same' on aws (rename one)"],
    ),
    "an option that the platform does not know": (
        app("@aws(memroy=1024)\ndef f() -> int:\n    return 1\n"),
        ["app.py:2: aws has no option 'memroy' (did you mean memory?"],
    ),
    "options beyond the platforms' limits": (
        app(
            "@aws(memory=99999)\ndef f() -> int:\n    return 1\n"
            "@gcp(timeout=99999)\ndef g() -> int:\n    return 1\n"
            "@knative(name='Not A Label')\ndef h() -> int:\n    return 1\n"
        ),
        [
            "app.py:2: AWS Lambda gives 128 to 10240 MB of memory, and memory=99999 was asked for (",
            "app.py:5: Google Cloud gives 1 to 3600 seconds for a call, and timeout=99999 was asked for (",
            "app.py:8: a name on Knative is a DNS label, ",
        ],
    ),
    "an option that cannot be read": (
        app("import os\n@aws(memory=int(os.environ['M']))\ndef f() -> int:\n    return 1\n"),
        ["app.py:3: option memory cannot be read: int(os.environ['M']) is no literal and no module constant (write"],
    ),
    "a file that is not TOML": (app(FINE, pyproject_toml="[project]\nname =\n"), ["pyproject.toml:2: is not TOML: "]),
    "an option that pyproject.toml misspells": (
        app(FINE, pyproject_toml="[tool.hyfn.aws]\nmemroy = 12\n"),
        ["pyproject.toml:2: aws has no option 'memroy' ("],
    ),
    "a line that is no requirement": (
        app(FINE, requirements_txt="six\n???\n"),
        ["requirements.txt:2: '???' is not a requirement (write it as numpy>=2)"],
    ),
    "a group whose name is a path": (
        app("@aws(group='../../evil')\ndef f() -> int:\n    return 1\n"),
        ["app.py:2: a group's name is letters, digits, - and _, "],
    ),
    "a group that cannot agree": (
        app(
            "@aws(group='g', memory=512)\ndef f() -> int:\n    return 1\n"
            "@aws(group='g', memory=1024)\ndef g() -> int:\n    return 1\n"
        ),
        ["app.py:5: g has memory=1024, and others of its group have 512 ("],
    ),
    "a group called as a function is": (
        app("@aws(group='g')\ndef f() -> int:\n    return 1\n@aws\ndef g() -> int:\n    return 1\n"),
        ["app.py:2: the group 'g' is called as a function is that stands by itself (app.py:6) (rename the group)"],
    ),
    "an empty folder": ({}, ["/project holds no Python module (name a Python file, or a folder with some)"]),
}

BUILDING: Mapping[str, tuple[dict[str, str], list[str]]] = {
    "a dependency that does not exist": (
        app(FINE, requirements_txt="six\nhyfn-test-no-such-thing\n"),
        ["requirements.txt:2: hyfn-test-no-such-thing is not in the package index (is the name right?)"],
    ),
    "a version that does not exist": (
        app(FINE, requirements_txt="six>=99\n"),
        ["requirements.txt:1: no version of six>=99 exists (there is six<="],
    ),
    "a dependency without a wheel for the target": (
        app("import pywin32\n@aws\ndef f() -> int:\n    return pywin32.x\n", requirements_txt="pywin32==308\n"),
        ["requirements.txt:1: pywin32==308 has no wheel for CPython 3.13 on x86_64 with glibc 2.34 ("],
    ),
    "an import that nothing declares": (
        app("import six\n@aws\ndef f() -> int:\n    return six.x\n", requirements_txt=""),
        ["app.py:2: no declared dependency provides 'six' (add it to dependencies)"],
    ),
    "dependencies that contradict each other": (
        app("import six\n@aws\ndef f() -> int:\n    return six.x\n", requirements_txt="six==1.16.0\nsix==1.17.0\n"),
        ["requirements.txt:1: the dependencies contradict each other on "],
    ),
    "a module that raises when it is imported": (
        app(f"\nrate = 1 / 0\n{FINE}"),
        ["app.py:3: the artifact does not load: ZeroDivisionError: division by zero"],
    ),
    "a decorator that nobody defined": (
        app(f"{FINE}@ibmcloud\ndef f() -> int:\n    return 1\n"),
        ["app.py:5: the artifact does not load: NameError: name 'ibmcloud' is not defined"],
    ),
    "modules that import each other": (
        app(
            "from other import g\n@aws\ndef f(n: int) -> int:\n    return g(n)\n",
            other_py="from app import f\ndef g(n: int) -> int:\n    return f(n)\n",
            requirements_txt="",
        ),
        ["other.py:1: the artifact does not load: ImportError: cannot import name 'f' from partially"],
    ),
    "a module that ends its interpreter": (
        app("import os\nos._exit(3)\n@aws\ndef f() -> int:\n    return 1\n"),
        ["app.py:5: the artifact ended its interpreter with status 3 when loaded"],
    ),
}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go, empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def assert_said(ran: Ran, beginnings: list[str]) -> None:
    assert ran.status == 1, ran.out + ran.err
    assert len(ran.errors) == len(ran.err.splitlines()) == len(beginnings), ran.err
    for line, beginning in zip(ran.errors, beginnings, strict=True):
        assert line.removeprefix(line.partition("/project")[0]).startswith(beginning) or line.startswith(beginning)
        assert "/temporary/" not in line


def assert_documented(problems: list[dict[str, str | None]], beginnings: list[str]) -> None:
    assert len(problems) == len(beginnings)
    for problem, beginning in zip(problems, beginnings, strict=True):
        place = re.match(r"[\w.]+:\d+", beginning)
        assert problem["where"] == (place[0] if place else None)
        assert problem["message"]


@pytest.mark.parametrize("what", READING)
def test_check_and_build_say_what_reading_finds(what: str, tmp_path: Path, temporary: Path) -> None:
    files, beginnings = READING[what]
    project = written(tmp_path / "project", files)
    before = tree(tmp_path)

    assert_said(invoke("check", project), beginnings)
    assert_said(invoke("build", project), beginnings)
    assert_documented(json.loads(invoke("check", project, "--json").out)["problems"], beginnings)
    assert_documented(json.loads(invoke("build", project, "--json").out)["errors"], beginnings)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("what", BUILDING)
def test_build_says_what_only_building_finds(what: str, tmp_path: Path, temporary: Path) -> None:
    files, beginnings = BUILDING[what]
    project = written(tmp_path / "project", files)
    before = tree(tmp_path)

    assert_said(invoke("build", project, "--out", tmp_path / "new" / "out"), beginnings)
    assert_documented(json.loads(invoke("build", project, "--json").out)["errors"], beginnings)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", [["run"], ["dev"], ["call", "fine", "--path"], ["graph"]])
def test_every_command_that_reads_a_project_says_it_alike(command: list[str], tmp_path: Path, temporary: Path) -> None:
    project = written(tmp_path / "project", app("@aws(memroy=1024)\ndef fine() -> int:\n    return 1\n"))
    before = tree(tmp_path)

    ran = invoke(*command, project / "app.py")

    assert_said(ran, ["app.py:2: aws has no option 'memroy' (did you mean memory?"])
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", [["run"], ["dev"], ["call", "fine", "--path"]])
def test_what_starts_functions_says_what_building_finds(command: list[str], tmp_path: Path, temporary: Path) -> None:
    project = written(tmp_path / "project", app(f"import six\n{FINE}"))

    ran = invoke(*command, project / "app.py")

    assert ran.status == 1
    assert ran.errors == ["app.py:2: no declared dependency provides 'six' (add it to dependencies)"]
    assert list(temporary.iterdir()) == []
    assert not (project / ".hyfn" / "dev.json").exists()


def test_an_artifact_that_stood_before_stays_as_it_was(tmp_path: Path, temporary: Path) -> None:
    project = written(tmp_path / "project", app(FINE))
    assert invoke("build", project, "--out", tmp_path / "out").status == 0
    before = tree(tmp_path / "out")

    written(project, app(f"rate = 1 / 0\n{FINE}"))

    assert invoke("build", project, "--out", tmp_path / "out").status == 1
    assert tree(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "project", "temporary"]


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("occupied", "occupied holds notes.txt, which no build of hyfn put there (name an empty or a new folder"),
        ("extension", "extension holds icon.png, which no build of hyfn put there (name an empty or a new folder"),
        ("a-file", "a-file is a file (name an empty or a new folder with --out)"),
        ("a-file/below", "a-file is a file (name an empty or a new folder with --out)"),
    ],
)
def test_out_is_never_taken_from_others(out: str, said: str, tmp_path: Path, temporary: Path) -> None:
    project = written(tmp_path / "project", app(FINE))
    files = {"occupied/notes.txt": "mine", "a-file": "mine", "extension/manifest.json": "{}", "extension/icon.png": ""}
    written(tmp_path, files)
    before = tree(tmp_path)

    ran = invoke("build", project, "--out", tmp_path / out)

    assert ran.status == 1
    assert [said in line for line in ran.errors] == [True]
    assert tree(tmp_path) == before


def test_out_is_not_taken_where_somebody_put_something_beside_a_build(tmp_path: Path, temporary: Path) -> None:
    project = written(tmp_path / "project", app(FINE))
    assert invoke("build", project, "--out", tmp_path / "out").status == 0
    (tmp_path / "out" / "notes.txt").write_text("mine")

    assert invoke("build", project, "--out", tmp_path / "out").status == 1
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_out_that_cannot_be_written_is_one_line(tmp_path: Path, temporary: Path) -> None:
    project = written(tmp_path / "project", app(FINE))

    ran = invoke("build", project, "--out", "/proc/hyfn-test/out")

    assert ran.status == 1
    assert [line.startswith("cannot write /proc/hyfn-test/out: ") for line in ran.errors] == [True]
    assert list(temporary.iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    project = written(tmp_path / "project", app(FINE))
    (tmp_path / "temporary").mkdir()
    before = tree(tmp_path)
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); "
    code = limit + "from hyfn.__main__ import main; sys.argv = ['hyfn', 'build', '.']; main()"
    env = {"TMPDIR": str(tmp_path / "temporary"), "PYTHONDONTWRITEBYTECODE": "1"}  # else modules are cut, too

    ran = hyfn(cwd=project, env=env, instead=["-c", code])

    assert ran.status == 1
    assert [line.endswith("File too large") for line in ran.errors] == [True], ran.err
    assert tree(tmp_path) == before


@pytest.mark.parametrize(("name", "content"), [("notes.txt", b"hello"), ("picture.py", b"\x89PNG\r\n\x00")])
def test_a_file_that_is_no_project(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)

    ran = invoke("build", tmp_path / name)

    assert ran.status == 1
    assert len(ran.errors) == 1
    assert name in ran.errors[0]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_functions_that_call_each_other_are_no_mistake(tmp_path: Path) -> None:
    project = written(
        tmp_path / "project",
        app("@aws\ndef f(n: int) -> int:\n    return g(n)\n@gcp\ndef g(n: int) -> int:\n    return f(n)\n"),
    )
    assert invoke("check", project).out == "2 functions, 2 edges, 0 errors, 0 warnings\n"
