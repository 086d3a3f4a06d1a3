"""hyfn run: a script against its functions in their vendors' runtimes, and nothing of it left afterwards."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyfn import clouds
from tests.commands import HYFN, TWO, Command, hyfn, invoke, marked, tree, written
from tests.terminal import Terminal

pytestmark = pytest.mark.runtime

SCRIPT = f"""{TWO}
if __name__ == "__main__":
    import sys
    print(twice(int(sys.stdin.read())), sys.argv)
    print("to standard error", file=sys.stderr)
    sys.exit(add(3, 4))
"""
WAITING = f"""{TWO}
if __name__ == "__main__":
    import time
    print("ready", twice(4), flush=True)
    time.sleep(60)
"""
TIDY = f"""{TWO}
if __name__ == "__main__":
    import sys, time
    try:
        print("the script waits", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("tidied up with", twice(5), flush=True)
        sys.exit(7)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return written(tmp_path / "project", {"app.py": SCRIPT})


@pytest.mark.parametrize("runtime", ["vendor", "local"])
def test_a_script_has_its_arguments_streams_and_exit_status(runtime: str, project: Path) -> None:
    ran = hyfn("run", "--runtime", runtime, "app.py", "--flag", "a b", cwd=project, stdin="21")

    assert (ran.status, ran.out) == (7, "42 ['app.py', '--flag', 'a b']\n")
    assert ran.err == "to standard error\n"
    assert [path.name for path in project.iterdir()] == ["app.py"]


def test_a_script_may_stand_in_another_folder(project: Path, tmp_path: Path) -> None:
    ran = hyfn("run", "--runtime", "local", "project/app.py", cwd=tmp_path, stdin="1")
    assert (ran.status, ran.out) == (7, "2 ['project/app.py']\n")


def test_a_script_that_a_signal_ends_says_so(tmp_path: Path) -> None:
    written(tmp_path, {"app.py": f"{TWO}\nif __name__ == '__main__':\n    import os\n    os.kill(os.getpid(), 9)\n"})
    assert hyfn("run", "--runtime", "local", "app.py", cwd=tmp_path).status == 137


DECLARED = {
    "in the script": {"app.py": '# /// script\n# dependencies = ["six==1.17.0", "hyfn"]\n# ///\n{body}'},
    "in requirements.txt": {"app.py": "{body}", "requirements.txt": "six==1.17.0\n"},
}
BODY = """
import six

from hyfn import aws

@aws
def here() -> str:
    return six.__version__

if __name__ == "__main__":
    print(here(), six.__version__)
"""


@pytest.mark.parametrize("where", DECLARED)
def test_a_script_and_its_functions_have_the_dependencies_that_are_declared(where: str, tmp_path: Path) -> None:
    written(tmp_path, {name: text.replace("{body}", BODY) for name, text in DECLARED[where].items()})
    ran = hyfn("run", "app.py", cwd=tmp_path)
    assert (ran.status, ran.out) == (0, "1.17.0 1.17.0\n"), ran.err


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (">=3.99", "no Python fits requires-python = '>=3.99' (hyfn runs on Python 3.14, 3.13, 3.12, 3.11)"),
        ("three", "requires-python = 'three' is no version specifier (\">=3.11\")"),
    ],
)
def test_a_python_that_cannot_be_had_is_one_line(wanted: str, said: str, tmp_path: Path) -> None:
    written(tmp_path, {"app.py": f'# /// script\n# requires-python = "{wanted}"\n# ///\n{TWO}'})
    ran = hyfn("run", "--runtime", "local", "app.py", cwd=tmp_path)
    assert (ran.status, ran.err) == (1, f"error: {said}\n")


UNLOADABLE = """
import os
from hyfn import {name}
if "HYFN_WIRING" in os.environ:
    raise RuntimeError("no such database")
@{name}
def f() -> int:
    return 1
"""


UNTYPED = ("fn", "oracle")
"""fdk logs an exception's words and frames, not its type (constructError in fdk/runner.py)."""


@pytest.mark.parametrize("name", sorted(clouds.platforms()))
def test_a_module_that_raises_only_where_it_runs_is_one_line_with_its_place(name: str, tmp_path: Path) -> None:
    written(tmp_path, {"app.py": UNLOADABLE.replace("{name}", name)})

    ran = hyfn("run", "app.py", cwd=tmp_path)

    assert ran.status == 1
    [line] = ran.errors
    assert line.startswith("app.py:4: ")
    told = "no such database" if name in UNTYPED else "RuntimeError: no such database"
    assert line.endswith(told)
    assert ran.err == f"error: {line}\n"


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Command]:
    """A run whose script waits, in a project of its own."""
    command = Command("run", "app.py", cwd=written(tmp_path / "project", {"app.py": WAITING}))
    yield command
    command.end()


def starts(command: Command, program: str) -> bool:
    return any(program in line for line in marked(command.mark))


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, 137)]


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_signal_while_the_script_runs_leaves_nothing(number: int, status: int, waiting: Command) -> None:
    waiting.until(lambda: "ready 8" in waiting.out)
    assert starts(waiting, "awslambdaric")
    assert starts(waiting, "functions-framework")

    assert waiting.signal(number) == status
    assert waiting.left() == []
    if number != signal.SIGKILL:
        assert list(waiting.temporary.iterdir()) == []


@pytest.mark.parametrize(("number", "status"), SIGNALS[:2] + SIGNALS[3:])
def test_a_signal_while_functions_start_leaves_nothing(number: int, status: int, waiting: Command) -> None:
    waiting.until(lambda: starts(waiting, "awslambdaric") or starts(waiting, "functions-framework"))

    assert waiting.signal(number) == status
    assert waiting.left() == []
    assert "ready" not in waiting.out
    if number != signal.SIGKILL:
        assert list(waiting.temporary.iterdir()) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, 137)])
def test_a_signal_while_an_environment_is_made_leaves_no_half_of_one(number: int, status: int, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    folder = written(tmp_path / "project", {"app.py": WAITING})
    command = Command("run", "app.py", cwd=folder, env={"HYFN_CACHE": str(cache)})
    try:
        command.until(lambda: starts(command, "uv pip install"))
        assert command.signal(number) == status
        assert command.left() == []
    finally:
        command.end()

    if number == signal.SIGINT:
        made = [path for path in (cache / "environments").iterdir() if path.is_dir()]
        assert [path for path in made if not (path / ".hyfn-complete").exists()] == []
        assert list(command.temporary.iterdir()) == []
    again = hyfn("run", "app.py", cwd=written(folder, {"app.py": SCRIPT}), env={"HYFN_CACHE": str(cache)}, stdin="4")
    assert again.out.startswith("8 "), again.err
    assert "making awslambdaric" in again.err or "making functions-framework" in again.err


def test_ctrl_c_is_the_scripts_to_answer_while_its_functions_are_up(tmp_path: Path) -> None:
    written(tmp_path, {"app.py": TIDY})
    with Terminal([*HYFN, "run", "app.py"], cwd=tmp_path) as terminal:
        terminal.until("the script waits")
        terminal.type("\x03")
        assert terminal.wait() == 7, terminal.printed
    assert "tidied up with 10" in terminal.printed
    assert "Traceback" not in terminal.printed


def test_ctrl_c_while_functions_start_ends_the_run(tmp_path: Path) -> None:
    written(tmp_path, {"app.py": WAITING})
    with Terminal([*HYFN, "run", "--verbose", "app.py"], cwd=tmp_path) as terminal:
        terminal.until("built")
        terminal.type("\x03")
        assert terminal.wait() == 130
    assert "stopped" in terminal.printed
    assert "Traceback" not in terminal.printed


def test_the_demo_makes_every_directed_call(tmp_path: Path) -> None:
    ran = hyfn("demo", "--json", "--times", "2", cwd=tmp_path)
    calls = json.loads(ran.out)["calls"]
    pairs = {(call["caller_platform"], call["callee_platform"]) for call in calls}
    shapes = {
        "caller",
        "callee",
        "runtime",
        "evidence",
        "first_ms",
        "warm_ms",
        "caller_platform",
        "callee_platform",
        "ok",
    }

    assert (ran.status, ran.err) == (0, "")
    assert len(pairs) == len(calls) >= 16
    assert [call for call in calls if call.keys() != shapes or not call["ok"]] == []
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_the_demo(tmp_path: Path) -> None:
    with Terminal([*HYFN, "demo"], cwd=tmp_path) as terminal:
        terminal.until("timing every call")
        terminal.type("\x03")
        assert terminal.wait() == 130
    assert "Traceback" not in terminal.printed


def test_a_signal_during_a_build_leaves_nothing(tmp_path: Path) -> None:
    folder = written(tmp_path / "project", {"app.py": TWO})
    before = tree(folder)
    command = Command("build", "--out", "new/out", cwd=folder)
    try:
        command.until(lambda: (folder / "new").exists())
        status = command.signal(signal.SIGINT)
    finally:
        command.end()
    assert status == 130
    assert command.left() == []
    assert {path: found for path, found in tree(folder).items() if "tmp-" not in path} == before
    assert list(command.temporary.iterdir()) == []


def test_a_build_takes_away_what_a_killed_one_left(tmp_path: Path) -> None:
    folder = written(tmp_path / "project", {"app.py": TWO})
    command = Command("build", cwd=folder)
    command.until(lambda: (folder / ".hyfn").exists() and list((folder / ".hyfn").glob(".build.partial-*")))
    assert command.signal(signal.SIGKILL) == 137
    [left] = (folder / ".hyfn").glob(".build.partial-*")
    os.utime(left, (0, 0))

    assert invoke("build", folder).status == 0

    assert sorted(path.name for path in (folder / ".hyfn").iterdir()) == [".gitignore", "build"]
