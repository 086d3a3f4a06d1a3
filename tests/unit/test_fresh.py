"""Stamps tell every change of what a build depends on, and nothing else."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from hyfn import project
from hyfn.errors import HyfnError
from hyfn.model import Runtime
from hyfn.pack import delivery, fresh
from hyfn.pack.fresh import Asked, Scope
from hyfn.project import scope
from tests.commands import written

LATER = 3600.0
"""Seconds by which a test's builds are later than its files, so that all of them have settled."""
HERE = Runtime("3.13", "x86_64", "2.34")


def seen(root: Path, *others: Path, out: Path | None = None) -> str:
    """What a build that is asked for much later says that it depends on."""
    looked = Scope([str(each) for each in (root, *others)], ["3.13"])
    found = fresh.inputs(looked, out or root / ".hyfn" / "build", Asked(["build"], time.time() + LATER))
    assert found
    return found


def small(folder: Path) -> Path:
    texts = {"app.py": "x = 1\n", "words.json": "[1]\n", "package/__init__.py": "", "pyproject.toml": "[project]\n"}
    return written(folder / "project", texts)


def forged(file: Path, text: str) -> None:
    """Other content of the same size, under the old time."""
    before = file.stat()
    file.write_text(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns, file.stat().st_ino) == (
        before.st_size,
        before.st_mtime_ns,
        before.st_ino,
    )


def replaced(file: Path, text: str) -> None:
    """As editors save: another file takes the name."""
    new = file.with_name(f"{file.name}~")
    new.write_text(text)
    shutil.copystat(file, new)
    new.replace(file)


def copied_over(file: Path, text: str) -> None:
    """cp -p."""
    other = file.with_name("other")
    other.write_text(text)
    shutil.copystat(file, other)
    shutil.copy2(other, file)
    other.unlink()


CHANGES: Mapping[str, Callable[[Path], object]] = {
    "a longer module": lambda root: (root / "app.py").write_text("x = 12\n"),
    "a module of the same size under its old time": lambda root: forged(root / "app.py", "x = 2\n"),
    "a module that an editor saved": lambda root: replaced(root / "app.py", "x = 2\n"),
    "a module that was copied over with its time": lambda root: copied_over(root / "app.py", "x = 2\n"),
    "a module under another's name": lambda root: (root / "app.py").rename(root / "main.py"),
    "a data file of the same size under its old time": lambda root: forged(root / "words.json", "[2]\n"),
    "a new module": lambda root: (root / "json.py").write_text(""),
    "a new file that is hidden": lambda root: (root / ".env").write_text(""),
    "a new file in a folder": lambda root: (root / "package" / "more.py").write_text(""),
    "a module that is gone": lambda root: (root / "app.py").unlink(),
    "pyproject.toml": lambda root: forged(root / "pyproject.toml", "[pr0ject]\n"),
    "a lock": lambda root: (root / "hyfn.lock").write_text(""),
    "requirements.txt": lambda root: (root / "requirements.txt").write_text(""),
    "a project around it": lambda root: (root.parent / "pyproject.toml").write_text(""),
    "a package around it": lambda root: (root.parent / "__init__.py").write_text(""),
    "a link to a folder": lambda root: (root / "data").symlink_to("package"),
    "a link to nothing": lambda root: (root / "data").symlink_to("nowhere"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_a_file_is_seen(tmp_path: Path, change: Callable[[Path], object]) -> None:
    root = small(tmp_path)
    before = seen(root)
    assert seen(root) == before
    change(root)
    assert seen(root) != before


def test_what_a_link_leads_to_is_seen_and_where_it_leads(tmp_path: Path) -> None:
    root = small(tmp_path)
    written(tmp_path, {"elsewhere/a": "1", "elsewhere/b": "1", "one/c": "", "two/c": ""})
    (root / "file").symlink_to(tmp_path / "elsewhere" / "a")
    (root / "folder").symlink_to(tmp_path / "one")
    before = seen(root)
    forged(tmp_path / "elsewhere" / "a", "2")
    after = seen(root)
    assert after != before
    (root / "folder").unlink()
    (root / "folder").symlink_to(tmp_path / "two")
    assert seen(root) != after


@pytest.mark.parametrize(
    "path", [".git/index", "__pycache__/app.pyc", "node_modules/x.js", ".hyfn/build/x", "venv/lib/y.py"]
)
def test_what_no_build_reads_is_no_change(tmp_path: Path, path: str) -> None:
    root = written(small(tmp_path), {"venv/pyvenv.cfg": "", ".git/HEAD": "", ".hyfn/x": ""})
    before = seen(root)
    written(root, {path: "1"})
    assert seen(root) == before


def test_what_a_build_writes_into_the_project_is_no_change(tmp_path: Path) -> None:
    root = small(tmp_path)
    before = seen(root, out=root / "dist")
    with delivery.all_or_nothing(root / "dist") as partial:
        written(partial, {"manifest.json": '{"artifacts": []}'})
        assert seen(root, out=root / "dist") == before
    assert seen(root, out=root / "dist") == before


@pytest.mark.parametrize("name", ["HYFN_STAGE", "UV_DEFAULT_INDEX", "UV_OFFLINE", "PYENV_VERSION", "PATH"])
def test_settings_of_the_environment_are_seen(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = small(tmp_path)
    before = seen(root)
    monkeypatch.setenv(name, f"{os.environ.get(name, '')}:other")
    assert seen(root) != before


def test_another_wish_is_another_build(tmp_path: Path) -> None:
    root = str(small(tmp_path))
    later = time.time() + LATER
    found = {fresh.inputs(Scope([root]), tmp_path / "out", Asked(wishes, later)) for wishes in ([], ["a"], ["a", "b"])}
    assert len(found) == 3


def test_a_new_python_on_path_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, programs = small(tmp_path), written(tmp_path / "bin", {"other": ""})
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    before = seen(root)
    (programs / "python3.12").symlink_to(sys.executable)
    assert seen(root) == before
    (programs / "python3.13").symlink_to(sys.executable)
    assert seen(root) != before


def test_a_new_python_of_pyenv_or_uv_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = small(tmp_path)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    before = seen(root)
    written(tmp_path / "pyenv" / "versions" / "3.13.9" / "bin", {"python3.13": ""})
    after = seen(root)
    written(tmp_path / "uv" / "cpython-3.13.9-linux", {"python": ""})
    assert len({before, after, seen(root)}) == 3


def test_another_hyfn_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, own = small(tmp_path), written(tmp_path / "hyfn", {"__init__.py": "1", "pack/fresh.py": "1"})
    monkeypatch.setattr("hyfn.__file__", str(own / "__init__.py"))
    before = seen(root)
    forged(own / "pack" / "fresh.py", "2")
    after = seen(root)
    shutil.copytree(own, tmp_path / "other")
    monkeypatch.setattr("hyfn.__file__", str(tmp_path / "other" / "__init__.py"))
    assert len({before, after, seen(root)}) == 3


def test_another_day_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On which a platform may take a Python no longer."""
    root = small(tmp_path)
    before = seen(root)
    monkeypatch.setattr(time, "strftime", lambda form: "2999-01-01")
    assert seen(root) != before


def test_what_changed_just_now_is_not_to_be_told_by_its_time(tmp_path: Path) -> None:
    root = small(tmp_path)
    for began in (time.time(), time.time() - 60):
        assert fresh.inputs(Scope([str(root)]), tmp_path / "out", Asked([], began)) == ""


def test_where_times_are_whole_seconds_it_takes_longer_to_tell(tmp_path: Path) -> None:
    """A second change within the same second would not show."""
    for later, is_told in ((0.5, False), (1.9, False), (2.2, True)):
        stat = SimpleNamespace(st_mtime_ns=0, st_ctime_ns=1000 * fresh.SECOND)
        assert fresh._is_late(cast(os.stat_result, stat), Asked([], 1000 + later)) is not is_told


def test_before_anything_is_written_a_file_that_went_just_now_counts_too(tmp_path: Path) -> None:
    root = small(tmp_path)
    looked, asked = Scope([str(root)]), Asked([], (root / "app.py").stat().st_ctime + fresh.SETTLED + 0.05)
    while time.time() < asked.began:
        time.sleep(0.01)
    before = fresh.inputs(looked, tmp_path / "out", asked, is_first=True)
    (root / "package" / "__init__.py").unlink()
    assert before
    assert fresh.inputs(looked, tmp_path / "out", asked, is_first=True) == ""
    assert fresh.inputs(looked, tmp_path / "out", asked) not in ("", before)


def test_too_many_files_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = small(tmp_path)
    assert seen(root)
    monkeypatch.setattr(fresh, "ENOUGH", 3)
    assert fresh.inputs(Scope([str(root)]), tmp_path / "out", Asked([], time.time() + LATER)) == ""


def test_a_folder_that_goes_while_it_is_looked_at_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, scandir = small(tmp_path), os.scandir

    def gone(place: str) -> object:
        if place.endswith("package"):
            raise FileNotFoundError(place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", gone)
    assert fresh.inputs(Scope([str(root)]), tmp_path / "out", Asked([], time.time() + LATER)) == ""


def looked_at(root: Path, entry: Path | None = None) -> Scope:
    return scope.of(project.read(entry or root), [HERE])


def test_a_build_looks_at_its_root_and_at_no_more(tmp_path: Path) -> None:
    root = written(tmp_path / "p", {"src/app.py": "x = 1\n", "pyproject.toml": "[project]\nname = 'p'\n"})
    assert looked_at(root) == Scope([str(root)], ["3.13"])


def test_a_build_looks_at_what_the_project_names_elsewhere(tmp_path: Path) -> None:
    settings = """
        [project]
        dependencies = ["ink"]
        [tool.uv.sources]
        ink = { path = "../wheels/ink-1-py3-none-any.whl" }
        [tool.hyfn.build]
        include = ["node_modules/x/*.js", "plain/*.txt", "linked/*.txt"]
        base = "../rootfs"
    """
    app = "from hyfn import knative\n\n@knative\ndef f(x: str) -> str:\n    return x\n"
    root = written(tmp_path / "p", {"app.py": app, "pyproject.toml": settings})
    written(root, {"node_modules/x/y.js": "", "plain/x.txt": "", ".hidden/y.txt": ""})
    (root / "linked").symlink_to(".hidden")
    written(tmp_path, {"wheels/ink-1-py3-none-any.whl": "", "rootfs/etc/passwd": ""})
    named = ["wheels/ink-1-py3-none-any.whl", "p/node_modules/x", "p/linked", "rootfs"]
    assert sorted(looked_at(root).roots) == sorted(str(tmp_path / each) for each in ["p", *named])


def test_a_build_looks_at_requirements_that_others_include(tmp_path: Path) -> None:
    root = written(tmp_path / "p", {"app.py": "x = 1\n", "requirements.txt": "-r more/a.txt\n-r ../b.txt\nsix\n"})
    written(tmp_path, {"b.txt": "-r c.txt\n", "c.txt": "", "p/more/a.txt": "-r ../requirements.txt\n"})
    with pytest.raises(HyfnError, match="cannot include"):
        looked_at(root)  # they include each other
    written(tmp_path, {"p/more/a.txt": "idna\n"})
    assert looked_at(root).roots == [str(each) for each in (root, tmp_path / "b.txt", tmp_path / "c.txt")]


def test_a_build_of_a_package_looks_at_what_is_around_it(tmp_path: Path) -> None:
    texts = {"__init__.py": "", "app.py": "from .other import x\n", "other.py": "x = 1\n"}
    root = written(tmp_path / "shop", {**texts, "requirements.txt": ""})
    assert looked_at(root).roots == [str(root), str(tmp_path)]


def test_a_build_of_a_script_looks_at_modules_behind_links(tmp_path: Path) -> None:
    written(tmp_path, {"lib/ink/__init__.py": "x = 1\n", "p/app.py": "import ink\n"})
    (tmp_path / "p" / "ink").symlink_to(tmp_path / "lib" / "ink")
    found = looked_at(tmp_path / "p", tmp_path / "p" / "app.py").roots
    assert found in ([str(tmp_path / "p")], [str(tmp_path / "p"), str(tmp_path / "p" / "ink" / "__init__.py")])
    before = seen(*map(Path, found))
    forged(tmp_path / "lib" / "ink" / "__init__.py", "x = 2\n")
    assert len(found) == 1 or seen(*map(Path, found)) != before
