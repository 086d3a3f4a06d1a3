"""What the packaging bench measures: the same functions in every form, and all of what a command costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hyfn import project
from tests.bench.packagers import app, forms
from tests.bench.packagers.app import App, Function
from tests.bench.packagers.workshop import Failed, cost

FORMS = (
    (forms.hyfn, forms.module_of_package),
    (forms.folders, forms.module_of_folder),
    (forms.chalice, forms.module_of_library),
)
BURN = "import time\nwhile time.process_time() < 0.4: pass"


def value(folder: Path, code: str) -> float:
    argv = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"]
    return float(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)


def test_every_form_holds_the_same_functions(tmp_path: Path) -> None:
    made = app.five()
    forms.hyfn(made, tmp_path / "hyfn")
    forms.sam(made, tmp_path / "sam")
    forms.chalice(made, tmp_path / "chalice")
    name = made.first("plain").name
    ours = value(tmp_path / "hyfn", f"from functions.{name} import {name}; print({name}.local([1, 2.5]))")
    folder = value(tmp_path / "sam" / name, f"import {name}; print({name}.handler({{'values': [1, 2.5]}}, None))")
    library = value(tmp_path / "chalice", f"from chalicelib.functions.{name} import {name}; print({name}([1, 2.5]))")
    assert ours == folder == library


@pytest.mark.parametrize(("made", "count"), [(app.five(), 5), (app.hundred(), 100)])
def test_hyfn_accepts_the_application(made: App, count: int, tmp_path: Path) -> None:
    forms.hyfn(made, tmp_path / "app")
    read = project.read(tmp_path / "app")
    assert len(read.functions) == count
    assert not project.check(read)


@pytest.mark.parametrize(("lay", "module"), FORMS)
def test_one_line_changes_one_module_alone(
    lay: Callable[[App, Path], None], module: Callable[[Path, Function], Path], tmp_path: Path
) -> None:
    made = app.five()
    lay(made, tmp_path)
    before = {path: path.read_text() for path in tmp_path.rglob("*.py")}
    changed = module(tmp_path, made.first("plain"))
    app.change_one_line(changed, 7)
    assert [path for path, text in before.items() if path.read_text() != text] == [changed]
    lines = zip(before[changed].splitlines(), changed.read_text().splitlines(), strict=True)
    assert sum(ours != theirs for ours, theirs in lines) == 1


def test_a_daemon_counts_and_is_ended(tmp_path: Path) -> None:
    daemon = f"{BURN}\nprint(__import__('os').getpid(), file=open('pid', 'w'), flush=True)\ntime.sleep(600)"
    start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {daemon!r}], start_new_session=True)"
    took = cost([sys.executable, "-S", "-c", start], tmp_path, os.environ, tmp_path / "cost.json")
    assert took.cpu > 0.4
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_a_grandchild_takes_counts(tmp_path: Path) -> None:
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {BURN!r}])"
    began = time.perf_counter()
    took = cost([sys.executable, "-S", "-c", nested], tmp_path, os.environ, tmp_path / "cost.json")
    assert 0.4 < took.cpu < 0.4 + time.perf_counter() - began
    assert took.wall < time.perf_counter() - began


def test_a_command_that_fails_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="no such thing"):
        cost([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path, os.environ, tmp_path / "cost.json")
