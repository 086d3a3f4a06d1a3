"""Interpreters are found by running them; environments are made once and seen only when whole."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyfn.errors import MachineError
from hyfn.toolchain import cache, environments, pythons, uv
from tests.unit import index

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def forgetful() -> Iterator[None]:
    """pythons without its memory of this process, before and after."""
    for forget in (pythons.find, pythons.full_version, pythons._installed):
        forget.cache_clear()
    yield
    for forget in (pythons.find, pythons.full_version, pythons._installed):
        forget.cache_clear()


def nobody(report: str) -> None:
    raise AssertionError(report)


def test_the_running_python_is_found_and_is_no_environments() -> None:
    found = pythons.find(HERE)
    assert found is not None
    said = subprocess.run(
        [found, "-I", "-c", "import sys; print(sys.prefix == sys.base_prefix)"], capture_output=True, check=True
    )
    assert said.stdout == b"True\n"


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_what_is_found_is_of_that_minor(version: str) -> None:
    found = pythons.find(version)
    if found is None:
        pytest.skip(f"no CPython {version} here")
    full = pythons.full_version(found, version)
    assert full is not None
    assert full.startswith(f"{version}.")


def test_a_command_that_refuses_to_run_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgetful: None
) -> None:
    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert pythons.find("3.99") is None


def test_a_python_of_pyenv_is_found_the_newest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgetful: None
) -> None:
    for patch in ("3.99.2", "3.99.10", "3.99.1"):
        python = tmp_path / "versions" / patch / "bin" / "python3.99"
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\necho cpython 3.99 False {patch}\n")
        python.chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert pythons.find("3.99") == tmp_path / "versions/3.99.10/bin/python3.99"


def test_the_nearest_is_the_wanted_one_where_it_is_here() -> None:
    assert pythons.nearest(HERE, ["3.8", HERE]) == (HERE, pythons.find(HERE))


def test_the_nearest_is_another_accepted_one_where_the_wanted_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pythons, "find", {"3.11": Path("/eleven"), "3.13": Path("/thirteen")}.get)
    monkeypatch.setattr(pythons, "_installed", lambda version: None)
    assert pythons.nearest("3.12", ["3.10", "3.11", "3.12", "3.13"]) == ("3.13", Path("/thirteen"))
    assert pythons.nearest("3.9", ["3.11", "3.13"]) == ("3.11", Path("/eleven"))
    with pytest.raises(MachineError, match=r"no CPython 3.14 on this machine \(uv python install 3.14\)"):
        pythons.nearest("3.14", ["3.14"])


def test_an_environment_is_made_once_and_reused() -> None:
    index.require()
    said: list[str] = []
    made = environments.environment("six", ["six==1.17.0"], HERE, said.append)
    again = environments.environment("six", ["six==1.17.0"], HERE, nobody)
    assert made == again
    assert made.version("six") == "1.17.0"
    assert len(said) == 1
    assert said[0].startswith(f"making six==1.17.0 on CPython {HERE}.")
    subprocess.run([made.python, "-I", "-c", "import six"], check=True)
    assert list(made.site_packages.glob("__pycache__/six.*.pyc"))


def test_other_requirements_or_arguments_make_another_environment() -> None:
    index.require()
    plain = environments.environment("e", ["six==1.17.0"], HERE, print)
    other = environments.environment("e", ["six==1.16.0"], HERE, print)
    bare = environments.environment("e", ["six==1.17.0"], HERE, print, extra_args=["--no-deps"])
    assert len({plain.folder, other.folder, bare.folder}) == 3


def test_a_failed_environment_leaves_nothing_and_says_why(own_cache: Path) -> None:
    index.require()
    with pytest.raises(MachineError, match=r"cannot make the environment e .*no version of six==99"):
        environments.environment("e", ["six==99"], HERE, print)
    assert not [path for path in (own_cache / "environments").iterdir() if path.is_dir()]


def test_an_interpreter_that_is_missing_is_said_with_the_command_that_brings_it() -> None:
    with pytest.raises(MachineError, match=r"no CPython 3\.2 here \(uv python install 3\.2\)"):
        environments.environment("e", [], "3.2", print)


def test_a_folder_is_made_once_by_many_at_once(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        folder.mkdir()
        time.sleep(0.05)
        made.append(folder)

    threads = [threading.Thread(target=cache.made_once, args=(tmp_path / "f", make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [tmp_path / "f"]


def test_what_a_killed_run_left_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "half").touch()
    folder = cache.made_once(tmp_path / "f", lambda into: into.mkdir())
    assert [path.name for path in folder.iterdir()] == [cache.MARKER]


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HYFN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.home() == tmp_path / "xdg" / "hyfn"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.home() == tmp_path / "home" / ".cache" / "hyfn"


def test_uv_is_asked_again_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    def answer(*arguments: object) -> str:
        env = arguments[3]
        assert isinstance(env, dict)
        asked.append(env.get("UV_OFFLINE"))
        if not env:
            raise uv.Unreachable("no network")
        return "from the cache"

    monkeypatch.setattr(uv, "_run", answer)
    assert uv.run(["pip"], cwd=Path("/")) == "from the cache"
    assert asked == [None, "1"]


def test_a_dead_index_is_told_from_a_refusal(tmp_path: Path) -> None:
    dead = {
        "UV_DEFAULT_INDEX": "http://127.0.0.1:1/simple",
        "UV_HTTP_RETRIES": "0",
        "UV_CACHE_DIR": str(tmp_path / "uv"),
    }
    compile_six = ["pip", "compile", "-", "--no-deps", "--universal"]
    with pytest.raises(uv.Unreachable):
        uv.run(compile_six, cwd=tmp_path, stdin="six", env=dead)
    with pytest.raises(uv.UvError) as caught:
        uv.run(compile_six, cwd=tmp_path, stdin="six >> 2", env=dead)
    assert not isinstance(caught.value, uv.Unreachable)
    assert "parse" in caught.value.output
