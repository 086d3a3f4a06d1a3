"""Every command as a user meets it: what it prints, where, and with which status it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hyfn as package
from hyfn import clouds, project
from hyfn.cli import output
from hyfn.cli.overview import COMMANDS
from hyfn.pack import delivery
from tests.commands import HYFN, TWO, environment, hyfn, invoke, tree, written
from tests.terminal import Terminal, screen


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A project of two functions, one of which calls the other."""
    return written(tmp_path / "two", {"app.py": TWO})


def test_the_version_is_one_line(tmp_path: Path) -> None:
    ran = hyfn("--version", cwd=tmp_path)
    assert (ran.status, ran.out, ran.err) == (0, f"hyfn {package.__version__}\n", "")


def test_the_help_names_every_command_within_80_columns(tmp_path: Path) -> None:
    ran = hyfn("--help", cwd=tmp_path)
    assert ran.status == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in ran.out] == []
    assert max(map(len, ran.out.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_how_it_is_used(name: str) -> None:
    ran = invoke(name, "--help")
    assert ran.status == 0
    assert ran.out.startswith(f"Usage: cli {name} ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["--no-such-option"],
        ["build", "--no-such-option"],
        ["build", "no-such-folder"],
        ["build", ".", "and-more"],
        ["run"],
        ["run", "no-such-script.py"],
        ["run", "--runtime", "docker", "script.py"],
        ["call"],
        ["dev", "--port", "65536"],
        ["demo", "--times", "1"],
        ["new"],
    ],
    ids=" ".join,
)
def test_a_usage_error_ends_with_2(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = invoke(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert "Error: " in ran.err


def test_an_error_inside_hyfn_is_one_line_that_says_how_to_see_more(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(project, "read", fail)

    ran = invoke("check", two)

    assert (ran.status, ran.out) == (1, "")
    assert (
        ran.err == "error: hyfn itself failed: ZeroDivisionError: by nothing (with HYFN_TRACEBACK=1 it shows where)\n"
    )
    monkeypatch.setenv("HYFN_TRACEBACK", "1")
    assert "Traceback (most recent call last):" in invoke("check", two).err
    assert json.loads(invoke("check", two, "--json").out)["errors"][0]["message"].startswith("hyfn itself failed: ")


def test_a_command_that_cannot_be_loaded_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hyfn.cli.graph", None)
    ran = invoke("graph")
    assert ran.status == 1
    assert [line.startswith("hyfn itself failed: ") for line in ran.errors] == [True]


def test_an_error_cannot_move_the_cursor(tmp_path: Path) -> None:
    ran = invoke("build", written(tmp_path / "evil\x1b[2J", {"app.py": ""}))
    assert ran.status == 1
    assert "\x1b" not in ran.err


def test_whoever_stops_reading_gets_no_traceback(two: Path) -> None:
    process = subprocess.Popen(
        [*HYFN, "graph"], cwd=two, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == b""
    process.wait()


def test_a_terminal_that_knows_few_letters_is_served(two: Path) -> None:
    ran = hyfn("graph", cwd=two, env={"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"})
    assert ran.status == 0
    assert ran.out.isascii()
    assert "twice" in ran.out


def test_check_counts_what_there_is(two: Path) -> None:
    ran = invoke("check", two)
    assert (ran.status, ran.out, ran.err) == (0, "2 functions, 1 edge, 0 errors, 0 warnings\n", "")
    assert json.loads(invoke("check", two, "--json").out) == {"functions": ["app:twice", "app:add"], "problems": []}


def test_check_warns_of_a_call_that_reading_cannot_resolve(tmp_path: Path) -> None:
    dynamic = f"{TWO}\n@aws\ndef any(name: str) -> int:\n    return globals()[name](1)\n"
    folder = written(tmp_path / "two", {"app.py": dynamic})

    ran = invoke("check", folder)
    problems = json.loads(invoke("check", folder, "--json").out)["problems"]

    assert (ran.status, ran.out) == (0, "3 functions, 1 edge, 0 errors, 1 warning\n")
    assert ran.err.startswith("warning: app.py:13: this call cannot be resolved by reading: ")
    assert [(problem["level"], problem["where"]) for problem in problems] == [("warning", "app.py:13")]


def test_graph_speaks_to_people_programs_and_mermaid(two: Path) -> None:
    text = invoke("graph", two).out
    document = json.loads(invoke("graph", two, "--json").out)
    mermaid = invoke("graph", two, "--mermaid").out

    assert text == "twice  [aws]  app.py:4\n  → add  app.py:5\nadd  [gcp]  app.py:8\n"
    assert [(edge["caller"], edge["callee"]) for edge in document["edges"]] == [("twice", "add")]
    assert mermaid.startswith("flowchart LR\n")
    assert "f0 --> f1" in mermaid


def test_build_writes_artifacts_and_a_manifest_that_describes_them(two: Path, tmp_path: Path) -> None:
    ran = invoke("build", two, "--out", tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())

    assert ran.status == 0
    assert (ran.err, re.findall(r"^(\w+) +(\w+) ", ran.out, re.MULTILINE)[1:]) == (
        "",
        [("twice", "aws"), ("add", "gcp")],
    )
    assert [(each["function"], each["cloud"], each["kind"]) for each in manifest["artifacts"]] == [
        ("twice", "aws", "zip"),
        ("add", "gcp", "zip"),
    ]
    for artifact in manifest["artifacts"]:
        path = tmp_path / "out" / artifact["path"]
        assert path.stat().st_size == artifact["size"]
        assert path.with_suffix(".src").joinpath("app.py").is_file()
        assert [name.partition("==")[0] for name in artifact["distributions"]] == ["msgpack"]
    assert manifest["edges"] == [{"caller": "twice", "callee": "add"}]


def test_building_again_replaces_the_build_and_gives_the_same_bytes(two: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert invoke("build", two, "--out", out).status == 0
    before = {path: content for path, content in tree(out).items() if not path.endswith(delivery.STATE)}

    printed = invoke("build", two, "--out", out, "--json").out

    assert tree(out).items() >= before.items()
    assert json.loads(printed) == json.loads((out / "manifest.json").read_text())


def test_without_out_a_build_goes_where_version_control_does_not_look(two: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=two, check=True)
    ran = hyfn("build", cwd=two)
    status = subprocess.run(["git", "status", "--short"], cwd=two, check=True, capture_output=True, text=True)
    assert ran.out.endswith(f"in {two / '.hyfn' / 'build'}\n")
    assert (two / ".hyfn" / "build" / "manifest.json").exists()
    assert status.stdout == "?? app.py\n?? hyfn.lock\n"  # which is to be committed


def test_doctor_says_what_is_here_and_fails_for_what_must_be(tmp_path: Path) -> None:
    checks = {row["what"]: row for row in json.loads(invoke("doctor", "--json").out)["checks"]}
    assert {"hyfn", "cache", "uv", *(f"{name} here" for name in clouds.platforms())} <= checks.keys()
    assert checks["uv"]["ok"]

    ran = hyfn("doctor", cwd=tmp_path, env={"HYFN_CACHE": "/proc/hyfn-test"})

    assert ran.status == 1
    assert "the cache /proc/hyfn-test cannot be" in ran.out


@pytest.mark.parametrize("template", sorted({*json.loads(invoke("new", "--list", "--json").out)} - {"provider"}))
def test_new_makes_a_project_that_has_no_problem(template: str, tmp_path: Path) -> None:
    folder = tmp_path / "My_Shop"
    assert json.loads(invoke("new", folder, "--template", template, "--json").out)["template"] == template
    assert invoke("check", folder).status == 0
    assert 'name = "my-shop"' in (folder / "pyproject.toml").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["My_Shop"]


def test_new_fills_the_folder_that_one_stands_in(tmp_path: Path) -> None:
    folder = written(tmp_path / "shop", {".git/config": ""})
    inode = folder.stat().st_ino
    assert hyfn("new", ".", cwd=folder).status == 0
    assert folder.stat().st_ino == inode
    assert {"app.py", ".git"} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("used", "used is not empty (name a new folder)"),
        ("used/mine.txt", "mine.txt is a file (name a new folder)"),
        ("1st", "'1st' cannot be an application's name ("),
    ],
)
def test_new_takes_nobodys_folder(folder: str, said: str, tmp_path: Path) -> None:
    written(tmp_path, {"used/mine.txt": "mine"})
    before = tree(tmp_path)

    ran = invoke("new", tmp_path / folder)

    assert ran.status == 1
    assert said in ran.errors[0]
    assert tree(tmp_path) == before


def test_new_names_the_templates_that_there_are(tmp_path: Path) -> None:
    ran = invoke("new", tmp_path / "shop", "--template", "lambda")
    assert re.match(r"there is no template 'lambda' \(there are: .*\baws, azure, ", ran.errors[0])


def test_a_table_fits_the_terminal_and_loses_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    wheels = [f"distribution-{number}=={number}.0.0" for number in range(20)]

    output.table(["function", "KB", "distributions"], [["ocr", "12", " ".join(wheels)], ["classify", "3", "–"]])

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [wheel for wheel in wheels if not any(wheel in line for line in lines)] == []
    assert lines[2].startswith("ocr       12  ")
    assert lines[-1] == "classify   3  –"


def test_a_terminal_sees_steps_in_one_line_that_is_gone_at_the_end(two: Path) -> None:
    with Terminal([*HYFN, "build"], cwd=two, columns=80) as terminal:
        assert terminal.wait() == 0
    assert "built twice for aws" in terminal.printed
    assert "built" not in screen(terminal.printed)
    assert [line.split()[:2] for line in screen(terminal.printed).splitlines()[2:4]] == [
        ["twice", "aws"],
        ["add", "gcp"],
    ]


def test_without_a_terminal_only_results_are_printed_unless_asked(two: Path) -> None:
    quiet = hyfn("build", cwd=two)
    shutil.rmtree(two / ".hyfn")
    verbose, again = hyfn("build", "--verbose", cwd=two), hyfn("build", "--verbose", cwd=two)
    assert quiet.err == ""
    assert quiet.out == verbose.out == again.out
    assert sorted(verbose.err.splitlines()) == ["· built add for gcp", "· built twice for aws"]
    assert again.err == ""  # nothing changed, so nothing was built


@pytest.mark.parametrize(("env", "has_colour"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_that_want_it(env: dict[str, str], has_colour: bool, tmp_path: Path) -> None:
    with Terminal([*HYFN, "check"], cwd=tmp_path, columns=80, env=env) as terminal:
        assert terminal.wait() == 1
    assert ("\x1b[31m" in terminal.printed) == has_colour
    assert "error:" in terminal.printed


def test_hyfn_works_from_any_folder(two: Path, tmp_path: Path) -> None:
    assert hyfn("check", os.path.relpath(two, "/"), cwd=Path("/")).out.startswith("2 functions")
