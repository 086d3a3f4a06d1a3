"""What users write is checked by mypy --strict and by pyright in strict mode, as users run them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile

import pytest

FOLDER = Path(__file__).parents[1] / "typing"
MARK = "# error"

Checker = Callable[[Path], dict[int, str]]
"""The errors of a file that is alone in its folder: line → message."""


def mypy(file: Path) -> dict[int, str]:
    settings = file.with_name("mypy.ini")
    settings.write_text("[mypy]\nstrict = true\n")
    options = ["--output=json", f"--config-file={settings}", f"--cache-dir={file.with_name('cache')}"]
    done = run([sys.executable, "-m", "mypy", *options, file.name], file.parent)
    assert done.returncode in (0, 1), done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if line]
    return {each["line"]: each["message"] for each in found if each["severity"] == "error"}


def pyright(file: Path) -> dict[int, str]:
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "include": [file.name]}
    file.with_name("pyrightconfig.json").write_text(json.dumps(settings))
    done = run([sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable], file.parent)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == 1, done.stdout
    return {each["range"]["start"]["line"] + 1: each["message"] for each in report["generalDiagnostics"]}


def run(command: list[str], where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)


def copied(name: str, scratch: Path) -> Path:
    return Path(copyfile(FOLDER / name, scratch / name))


@pytest.fixture(params=[mypy, pyright])
def checker(request: pytest.FixtureRequest) -> Checker:
    chosen: Checker = request.param
    return chosen


def test_what_users_may_write_is_no_error(checker: Checker, tmp_path: Path) -> None:
    assert checker(copied("right.py", tmp_path)) == {}


def test_every_marked_line_is_an_error_and_no_other(checker: Checker, tmp_path: Path) -> None:
    lines = (FOLDER / "wrong.py").read_text().splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith(MARK)}

    found = checker(copied("wrong.py", tmp_path))

    missed = [lines[number - 1].strip() for number in sorted(marked - set(found))]
    unexpected = {number: found[number] for number in sorted(set(found) - marked)}
    assert marked
    assert (missed, unexpected) == ([], {})
