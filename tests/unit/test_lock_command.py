"""hyfn lock: what it writes, what it says, and with which status it ends."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.commands import invoke, written
from tests.fakes.folder_index import FolderIndex
from tests.unit import locking

APP = """
    # /// script
    # dependencies = ["apple"]
    # ///
    from hyfn import aws, knative

    @aws(python="3.13")
    @knative(python="3.12")
    def twice(n: int) -> int:
        return n + n
"""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderIndex:
    index = locking.alone(tmp_path, monkeypatch)
    index.wheel("apple", "1.0", requires=["pear"])
    index.wheel("pear", "1.0")
    return index


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return written(tmp_path / "shop", {"app.py": APP}) / "app.py"


def locked_versions(app: Path) -> set[tuple[str, str]]:
    files = tomllib.loads(app.with_name("app.py.hyfn.lock").read_text())["files"].values()
    return {(one["name"], one["version"]) for one in files}


def test_it_writes_the_lock_and_says_what_is_in_it(index: FolderIndex, app: Path) -> None:
    ran = invoke("lock", app)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[:3] == ["+ apple 1.0", "+ msgpack 1.1.0", "+ pear 1.0"]
    assert ran.out.splitlines()[3].startswith("app.py.hyfn.lock: 3 distributions for ")
    assert locked_versions(app) == {("apple", "1.0"), ("msgpack", "1.1.0"), ("pear", "1.0")}


def test_again_changes_nothing(index: FolderIndex, app: Path) -> None:
    invoke("lock", app)
    index.wheel("apple", "2.0")
    before = app.with_name("app.py.hyfn.lock").read_bytes()
    ran = invoke("lock", app)
    assert (ran.status, len(ran.out.splitlines())) == (0, 1)
    assert app.with_name("app.py.hyfn.lock").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        (["--upgrade"], ["  apple 1.0 → 2.0", "  pear 1.0 → 2.0"]),
        (["--upgrade", "apple"], ["  apple 1.0 → 2.0"]),
        (["--upgrade", "Pear", "--upgrade", "apple"], ["  apple 1.0 → 2.0", "  pear 1.0 → 2.0"]),
    ],
)
def test_upgrade_takes_a_name_or_none(index: FolderIndex, app: Path, options: list[str], changed: list[str]) -> None:
    invoke("lock", app)
    index.wheel("apple", "2.0", requires=["pear"])
    index.wheel("pear", "2.0")
    ran = invoke("lock", app, *options)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[:-1] == changed


def test_a_program_reads_what_changed(index: FolderIndex, app: Path) -> None:
    invoke("lock", app)
    index.wheel("pear", "2.0")
    document = json.loads(invoke("lock", app, "--upgrade", "pear", "--json").out)
    assert [(one["name"], one["old"], one["new"]) for one in document["changes"]] == [("pear", "1.0", "2.0")]
    assert document["targets"][0]["distributions"] == {"apple": "1.0", "msgpack": "1.1.0", "pear": "2.0"}
    assert document["lock"] == str(app.with_name("app.py.hyfn.lock"))


def test_check_fails_where_the_lock_is_out_of_date_and_writes_nothing(index: FolderIndex, app: Path) -> None:
    assert invoke("lock", app, "--check").errors == [
        "there is no app.py.hyfn.lock (run hyfn lock, and commit what it writes)"
    ]
    invoke("lock", app)
    assert invoke("lock", app, "--check").status == 0
    app.write_text(app.read_text().replace('"apple"', '"apple", "pear>=1"'))
    ran = invoke("lock", app, "--check")
    assert ran.status == 1
    assert ran.errors == [
        "app.py.hyfn.lock is out of date: pear>=1 was added (run hyfn lock, and commit what it writes)"
    ]
    assert locked_versions(app) == {("apple", "1.0"), ("msgpack", "1.1.0"), ("pear", "1.0")}


def test_a_change_of_single_targets_names_them(index: FolderIndex, app: Path) -> None:
    app.write_text(app.read_text().replace('"apple"', "\"apple; python_version < '3.13'\""))
    ran = invoke("lock", app)
    assert "+ apple 1.0 (CPython 3.12, " in ran.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--upgrade", "plum"], "plum is not in app.py.hyfn.lock"),
        (["--upgrade", "./shop"], "'./shop' is no distribution's name (PATH stands before --upgrade)"),
        (["--upgrade", "--check"], "--check changes nothing"),
    ],
)
def test_what_makes_no_sense_is_refused(index: FolderIndex, app: Path, options: list[str], said: str) -> None:
    invoke("lock", app)
    ran = invoke("lock", app, *options)
    assert ran.status == 1
    assert said in ran.errors[0]


def test_a_lock_that_cannot_be_read_is_one_line(index: FolderIndex, app: Path) -> None:
    app.with_name("app.py.hyfn.lock").write_text("<<<<<<< HEAD\n")
    ran = invoke("lock", app)
    assert ran.status == 1
    assert ran.errors[0].startswith("app.py.hyfn.lock:1: holds a merge conflict")
