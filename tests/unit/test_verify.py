"""An artifact that cannot load is refused with the user's line, by an interpreter that sees nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hyfn.errors import BuildError
from hyfn.pack import verify
from hyfn.toolchain import pythons


@pytest.fixture
def python() -> Path:
    found = pythons.find(f"{sys.version_info[0]}.{sys.version_info[1]}")
    assert found is not None
    return found


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def refusal(root: Path, python: Path, statements: str = "import app", seconds: float = 20) -> BuildError:
    with pytest.raises(BuildError) as caught:
        verify.load([root], statements, python, seconds=seconds)
    return caught.value


def test_what_loads_brings_no_note_and_no_trace(tmp_path: Path, python: Path) -> None:
    write(tmp_path, app="import json, helper\nprint('loud')\n", helper="")
    before = sorted(tmp_path.rglob("*"))
    assert verify.load([tmp_path], "import app", python) is None
    assert sorted(tmp_path.rglob("*")) == before


def test_roots_come_in_their_order(tmp_path: Path, python: Path) -> None:
    first = write(tmp_path / "first", app="import lib; assert lib.x == 1")
    second = write(tmp_path / "second", lib="x = 1", app="raise SystemExit")
    assert verify.load([first, second], "import app", python) is None


def test_without_a_python_there_is_a_note(tmp_path: Path) -> None:
    note = verify.load([tmp_path], "import nothing", None)
    assert note is not None
    assert "no such Python" in note


def test_a_failure_is_placed_at_the_users_deepest_line(tmp_path: Path, python: Path) -> None:
    write(tmp_path, app="import pkg.mod\n", pkg__mod="\n\nx = {}['no']\n")
    assert str(refusal(tmp_path, python)) == "pkg/mod.py:3: the artifact does not load: KeyError: 'no'"


def test_a_failure_inside_a_distribution_names_both_lines(tmp_path: Path, python: Path) -> None:
    write(tmp_path, app="import lib\n", lib="\nraise OSError('libGL.so.1\\nis missing')\n")
    info = tmp_path / "lib-1.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("lib.py,,\n")
    error = str(refusal(tmp_path, python))
    assert error == "app.py:1: the artifact does not load: OSError: libGL.so.1 is missing, in lib.py:2"


def test_nothing_of_this_environment_is_seen(tmp_path: Path, python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(pytest.__file__).parent.parent))
    monkeypatch.setenv("MARKED", "1")
    write(tmp_path, app="import os\nassert 'MARKED' not in os.environ\nimport pytest\n")
    error = refusal(tmp_path, python)
    assert str(error).startswith("app.py:3: the artifact does not load: ModuleNotFoundError: No module named 'pytest'")
    assert error.hint is not None


def test_a_syntax_error_is_placed_at_its_line(tmp_path: Path, python: Path) -> None:
    write(tmp_path, app="import other\n", other="x = 1\ny = = 2\n")
    assert refusal(tmp_path, python).where == "other.py:2"


def test_an_exit_while_loading_is_a_failure(tmp_path: Path, python: Path) -> None:
    write(tmp_path, app="import sys\nsys.exit(0)\n")
    assert refusal(tmp_path, python).where == "app.py:2"


def test_an_interpreter_that_dies_is_a_failure(tmp_path: Path, python: Path) -> None:
    write(tmp_path, app="import os\nprint('last words', flush=True)\nos._exit(7)\n")
    assert "status 7 when loaded: last words" in str(refusal(tmp_path, python))


def test_an_import_that_never_ends_is_a_failure(tmp_path: Path, python: Path) -> None:
    write(tmp_path, app="import time\ntime.sleep(600)\n")
    assert "did not load within 0.3 s" in str(refusal(tmp_path, python, seconds=0.3))


def test_an_exception_that_cannot_be_shown_is_a_failure_all_the_same(tmp_path: Path, python: Path) -> None:
    write(tmp_path, app="class E(Exception):\n    def __str__(self): raise ValueError\nraise E\n")
    assert str(refusal(tmp_path, python)) == "app.py:3: the artifact does not load: E"
