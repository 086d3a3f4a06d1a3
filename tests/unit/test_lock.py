"""hyfn.lock reads well, merges well, and says plainly what is wrong with it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from hyfn.errors import ConfigError
from hyfn.model import Runtime, Wheel
from hyfn.pack.wheels import lock
from hyfn.pack.wheels.lock import Lack, Lock, Locked
from tests.unit.locking import ARM, INTEL, project

APPLE = Wheel("apple", "1.0", "apple-1.0-py3-none-any.whl", "a" * 64, 12)
PEAR = Wheel("pear", "2.0", "pear-2.0.tar.gz", "b" * 64, 0, "https://fruit.example/pear-2.0.tar.gz")
LACK = Lack("plum", 'has "no" wheel\\ \x7f', None)
WHOLE = Lock(
    {
        INTEL: Locked(["aws", "gcp"], ["apple", "pear @ https://fruit.example/pear-2.0.tar.gz"], [APPLE, PEAR]),
        ARM: Locked([], ["apple", "plum"], [APPLE], [LACK, Lack("quince", "too", "grow one")]),
    },
    settings="12",
)


def written(folder: Path, found: Lock = WHOLE) -> Path:
    lock.write(folder / "hyfn.lock", found)
    return folder / "hyfn.lock"


def broken(folder: Path, old: str, new: str) -> ConfigError:
    file = written(folder)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        lock.read(file)
    return caught.value


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    assert lock.read(written(tmp_path)) == WHOLE
    assert lock.read(written(tmp_path, Lock())) == Lock()


def test_there_may_be_none(tmp_path: Path) -> None:
    assert lock.read(tmp_path / "hyfn.lock") is None


def test_the_same_lock_is_the_same_text_and_is_not_written_again(tmp_path: Path) -> None:
    file = written(tmp_path)
    turned = Lock(dict(reversed(list(WHOLE.targets.items()))), "12")
    assert lock.text(turned, tmp_path) == file.read_text()
    before = file.stat().st_ino
    assert not lock.write(file, turned)
    assert file.stat().st_ino == before
    assert lock.write(file, replace(WHOLE, settings="13"))
    assert [path.name for path in tmp_path.iterdir()] == ["hyfn.lock"]


def test_each_file_is_one_line_and_stands_once(tmp_path: Path) -> None:
    text = written(tmp_path).read_text()
    lines = [line for line in text.splitlines() if "sha256" in line]
    assert lines == [
        f'"apple-1.0-py3-none-any.whl" = {{ name = "apple", version = "1.0", size = 12, sha256 = "{"a" * 64}" }}',
        f'"pear-2.0.tar.gz" = {{ name = "pear", version = "2.0", size = 0, sha256 = "{"b" * 64}",'
        ' url = "https://fruit.example/pear-2.0.tar.gz" }',
    ]
    assert text.startswith("# ")


def test_a_file_of_the_project_is_named_by_its_place_in_it(tmp_path: Path) -> None:
    own = replace(APPLE, url=(tmp_path / "wheels" / APPLE.file).as_uri())
    beside = replace(PEAR, url=(tmp_path.parent / "with space" / PEAR.file).as_uri())
    found = Lock({INTEL: Locked([], ["apple"], [own, beside])})
    file = written(tmp_path, found)
    urls = [entry["url"] for entry in tomllib.loads(file.read_text())["files"].values()]
    assert urls == [f"wheels/{APPLE.file}", f"../with space/{PEAR.file}"]
    assert lock.read(file) == found


def test_tables_of_a_later_hyfn_stay(tmp_path: Path) -> None:
    file = written(tmp_path)
    later = '[contracts]\n"a:b" = "sha256:1"\ntext = """\n[no table]\n"""\n\n[[image]]\nname = "x"\n'
    head, files = file.read_text().split("[files]")
    file.write_text(f"{head}{later}\n[files]{files}")
    found = lock.read(file)
    assert found is not None
    assert lock.write(file, replace(found, settings="13"))
    document = tomllib.loads(file.read_text())
    assert document["contracts"] == {"a:b": "sha256:1", "text": "[no table]\n"}
    assert document["image"] == [{"name": "x"}]
    assert document["settings"] == "13"
    assert lock.read(file) == replace(found, settings="13")


def test_a_newer_version_asks_for_a_newer_hyfn(tmp_path: Path) -> None:
    error = broken(tmp_path, "version = 1", "version = 2")
    assert str(error) == ("hyfn.lock:2: was written by a newer hyfn (version 2) (python -m pip install --upgrade hyfn)")


def test_a_merge_conflict_is_called_one(tmp_path: Path) -> None:
    error = broken(tmp_path, "[files]\n", "[files]\n<<<<<<< HEAD\n=======\n>>>>>>> other\n")
    assert "holds a merge conflict" in str(error)
    assert "then run hyfn lock" in str(error)
    lines = (tmp_path / "hyfn.lock").read_text().splitlines()
    assert error.where == f"hyfn.lock:{lines.index('<<<<<<< HEAD') + 1}"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("version = 1\n", "", 1, "does not say which version it has"),
        ("[files]", "[files", "[files", "is not TOML"),
        ('sha256 = "aaaa', 'sha256 = "AAAA', '"apple-1.0-py3-none-any.whl" =', "lacks its name, version or SHA-256"),
        ("size = 12", 'size = "12"', '"apple-1.0-py3-none-any.whl" =', "size has the wrong type"),
        ("size = 12", "size = true", '"apple-1.0-py3-none-any.whl" =', "size has the wrong type"),
        ('"pear-2.0.tar.gz" = {', '"../pear-2.0.tar.gz" = {', '"../pear', "is no file's entry"),
        ('"pear-2.0.tar.gz" = {', '"other" = {', '"pear-2.0.tar.gz",', "is not among the [files]"),
        ('python = "3.12"', 'python = "three"', 'python = "three"', "is no target"),
        ('machine = "aarch64"', "machine = 1", "machine = 1", "machine has the wrong type"),
        ("platforms = []", "platforms = [1]", "platforms = [1]", "platforms must be an array of strings"),
        ("[[target]]", "[target]", "target", "has the wrong type"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, old: str, new: str, line: str | int, said: str) -> None:
    if old == "[[target]]":
        file = written(tmp_path, Lock({INTEL: WHOLE.targets[INTEL]}))
        file.write_text(file.read_text().replace(old, new))
        with pytest.raises(ConfigError, match=said):
            lock.read(file)
        return
    error = broken(tmp_path, old, new)
    assert said in error.message
    lines = (tmp_path / "hyfn.lock").read_text().splitlines()
    found = (
        line if isinstance(line, int) else next(n for n, text in enumerate(lines, 1) if text.strip().startswith(line))
    )
    assert error.where == f"hyfn.lock:{found}"
    assert "run hyfn lock" in str(error.hint)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"version = [", b"\x00", b"files = 3\nversion = 1"])
def test_no_content_at_all_is_a_traceback(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hyfn.lock").write_bytes(content)
    with pytest.raises(ConfigError):
        lock.read(tmp_path / "hyfn.lock")


def test_a_folder_in_its_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "hyfn.lock").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        lock.read(tmp_path / "hyfn.lock")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "hyfn.lock").symlink_to(tmp_path / "shared/hyfn.lock")
    written(tmp_path)
    assert (tmp_path / "hyfn.lock").is_symlink()
    assert lock.read(tmp_path / "shared/hyfn.lock") == WHOLE


def test_a_script_has_a_lock_of_its_own(tmp_path: Path) -> None:
    assert lock.path(project(tmp_path)) == tmp_path / "hyfn.lock"
    assert lock.path(project(tmp_path, script="app.py")) == tmp_path / "app.py.hyfn.lock"


def test_pythons_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    targets = {Runtime(python, "x86_64", "2.34"): Locked([], [], []) for python in ("3.10", "3.9", "3.13")}
    pythons = [one["python"] for one in tomllib.loads(lock.text(Lock(targets), tmp_path))["target"]]
    assert pythons == ["3.9", "3.10", "3.13"]
