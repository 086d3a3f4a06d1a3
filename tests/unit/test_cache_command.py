"""What hyfn cache prints and removes: what was not used for long, never what is in use, and nothing outside."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyfn.errors import ConfigError, MachineError
from hyfn.toolchain import cache, pruning
from tests.commands import invoke, tree

NOW = time.time()
EVER = float("inf")


def days_ago(days: float) -> float:
    return time.time() - days * cache.DAY


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pruning, "PATIENCE", 0.3)
    return cache.home()


def file(path: Path, days: float = 100, size: int = 10) -> Path:
    """A kept file that was last read so many days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (days_ago(days), days_ago(days + 1)))
    return path


def folder(path: Path, days: float = 100) -> Path:
    """A folder that was made once, with two files and the lock beside it."""
    cache.made_once(path, fill)
    for each in (path / cache.MARKER, path.with_name(f"{path.name}.lock")):
        os.utime(each, (days_ago(days), days_ago(days)))
    return path


def fill(path: Path) -> None:
    (path / "bin").mkdir(parents=True)
    (path / "bin/tool").write_bytes(b"x" * 100)


def left(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.glob("*/**/*") if not path.is_dir()}


def test_what_was_not_used_for_30_days_goes(home: Path) -> None:
    file(home / "segments/ab/old", 31)
    file(home / "segments/ab/young", 29)
    file(home / "something new/deep/down/old", 31)
    folder(home / "environments/old", 31)
    folder(home / "environments/young", 29)
    assert invoke("cache", "prune").status == 0
    kept = {"bin/tool", cache.MARKER}
    assert left(home) == {
        "segments/ab/young",
        "environments/young.lock",
        *(f"environments/young/{name}" for name in kept),
    }
    assert not (home / "something new").exists()


def test_days_say_how_long(home: Path) -> None:
    old, older = file(home / "files/a/old", 3), file(home / "files/a/older", 5)
    assert invoke("cache", "prune", "--days", "4").status == 0
    assert (old.exists(), older.exists()) == (True, False)
    assert invoke("cache", "prune", "--days", "0").status == 0
    assert not old.exists()


def test_a_dry_run_says_the_same_and_removes_nothing(home: Path) -> None:
    file(home / "files/a/old")
    folder(home / "environments/old")
    file(home / "files/a/young", 1)
    before = left(home)
    dry = invoke("cache", "prune", "--dry-run", "--json")
    assert left(home) == before
    wet = invoke("cache", "prune", "--json")
    assert json.loads(dry.out) == json.loads(wet.out)
    assert json.loads(wet.out)["total"]["files"] == 1 + 2 + 1
    assert json.loads(wet.out)["stayed"] == {}


def test_all_leaves_nothing_and_the_cache_still_works(home: Path) -> None:
    file(home / "files/a/young", 0)
    folder(home / "layers/ab/young", 0)
    folder(home / "environments/young", 0)
    assert invoke("cache", "prune", "--all").status == 0
    assert {path.name for path in home.iterdir()} == {cache.TAG, cache.IN_USE}
    cache.put(home / "files/a/young", b"anew")
    assert (cache.made_once(home / "environments/young", fill) / "bin/tool").exists()


def test_what_hyfn_uses_no_more_goes_at_once(home: Path) -> None:
    folder(home / "wheels/x86_64-py3.13-0123", 0)
    assert invoke("cache", "prune").status == 0
    assert not (home / "wheels").exists()


def test_what_killed_builds_left_goes_at_once(home: Path) -> None:
    file(home / "files/a/b.whl.0123.partial", 0.1)
    unfinished = home / "environments/unfinished"
    fill(unfinished)
    unfinished.with_name("unfinished.lock").touch()
    assert invoke("cache", "prune").status == 0
    assert left(home) == set()


def test_what_is_coming_stays_even_from_all(home: Path) -> None:
    coming = file(home / "files/a/b.whl.0123.partial", 0)
    os.utime(coming, (NOW, NOW))
    assert invoke("cache", "prune", "--all").status == 0
    assert coming.exists()


def test_a_folder_that_is_being_made_stays(home: Path) -> None:
    making, made = threading.Event(), threading.Event()

    def make(path: Path) -> None:
        fill(path)
        making.set()
        assert made.wait(10)

    thread = threading.Thread(target=cache.made_once, args=(home / "environments/new", make))
    thread.start()
    assert making.wait(10)
    pruned = pruning.prune(home, EVER)
    made.set()
    thread.join()
    assert pruned.stayed[home / "environments/new"] == "it is being made"
    assert (home / "environments/new/bin/tool").exists()


def test_a_folder_that_a_process_runs_from_stays(home: Path) -> None:
    running = folder(home / "environments/running")
    shutil.copy("/bin/sleep", running / "bin/sleep")
    process = subprocess.Popen([running / "bin/sleep", "60"])
    try:
        ran = invoke("cache", "prune", "--all")
        assert f"{running} stays: a process runs from it" in ran.err
        assert (running / cache.MARKER).exists()
    finally:
        process.kill()
        process.wait()
    assert pruning.prune(home, EVER).stayed == {}
    assert not running.exists()


def test_using_a_folder_makes_it_young_again(home: Path) -> None:
    old = folder(home / "environments/old", 40)
    cache.made_once(old, fill)
    assert invoke("cache", "prune").status == 0
    assert old.exists()


def test_a_use_is_noted_once_a_day_only(home: Path) -> None:
    marker = folder(home / "environments/today", 0.5) / cache.MARKER
    before = marker.stat().st_mtime_ns
    cache.made_once(marker.parent, fill)
    assert marker.stat().st_mtime_ns == before


def test_using_a_lock_makes_it_young_again(home: Path) -> None:
    lock = file(home / "resolutions/a.lock", 100, size=0)
    with cache.locked(lock):
        pass
    assert pruning.plan(home, days_ago(1)) == []


def test_reading_a_file_makes_it_young_again(home: Path) -> None:
    read = file(home / "files/a/read", 100)
    os.utime(read, (days_ago(2), days_ago(100)))
    assert pruning.plan(home, days_ago(30)) == []


def test_nothing_outside_is_touched(home: Path, tmp_path: Path) -> None:
    outside = file(tmp_path / "outside/precious").parent
    file(home / "files/a/old")
    (home / "kind").symlink_to(outside)
    (home / "files/linked").symlink_to(outside)
    (home / "files/a/link").symlink_to(outside / "precious")
    made = folder(home / "environments/old")
    (made / "lib").symlink_to(outside)
    (home / "loose.txt").write_text("of the user")
    before = tree(outside)
    assert invoke("cache", "prune", "--all").status == 0
    assert tree(outside) == before
    assert not made.exists()
    assert not (home / "files/a/old").exists()
    assert (home / "loose.txt").exists()
    assert [thing.path for thing in pruning.things(home)] == []


def test_a_folder_that_hyfn_did_not_make_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = file(tmp_path / "documents/files/letter").parent.parent
    monkeypatch.setenv("HYFN_CACHE", str(documents))
    for arguments in (["--all"], [], ["--dry-run"]):
        ran = invoke("cache", "prune", *arguments)
        assert (ran.status, ran.out) == (1, "")
        assert "HYFN_CACHE is a folder that hyfn did not make" in ran.err
    assert (documents / "files/letter").exists()
    (documents / cache.TAG).touch()
    assert invoke("cache", "prune", "--all").status == 0
    assert not (documents / "files").exists()


def test_the_usual_place_is_hyfns_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYFN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    old = file(tmp_path / "hyfn/files/a/old")
    assert invoke("cache", "prune").status == 0
    assert not old.exists()


def test_backups_are_told_to_leave_the_cache_out(home: Path) -> None:
    assert (home / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


def test_nothing_is_pruned_while_a_build_is_under_way(home: Path) -> None:
    old = file(home / "files/a/old")
    with cache.in_use(), cache.in_use(), pytest.raises(MachineError, match="a build is under way"):
        pruning.prune(home, EVER)
    assert old.exists()
    assert [thing.path for thing in pruning.prune(home, EVER).removed] == [old]


def test_a_build_waits_until_all_is_pruned(home: Path) -> None:
    entered = threading.Event()

    def build() -> None:
        with cache.in_use():
            entered.set()

    with pruning._alone(home):
        thread = threading.Thread(target=build)
        thread.start()
        assert not entered.wait(0.1)
    thread.join(10)
    assert entered.is_set()


def test_what_cannot_be_removed_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = file(home / "files/a/old")

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    ran = invoke("cache", "prune", "--json")
    assert json.loads(ran.out)["stayed"] == {str(old): "Permission denied"}
    assert json.loads(ran.out)["total"]["files"] == 0


KILLED = """
import os, shutil, signal
from hyfn.toolchain import cache, pruning
def die(path):
    os.unlink(path / "bin" / "tool")
    os.kill(os.getpid(), signal.SIGKILL)
shutil.rmtree = die
pruning.prune(cache.home(), float("inf"))
"""


def test_a_prune_that_was_killed_leaves_nothing_that_looks_whole(home: Path) -> None:
    made = folder(home / "environments/made")
    assert subprocess.run([sys.executable, "-c", KILLED]).returncode == -signal.SIGKILL
    assert made.exists()
    assert (cache.made_once(made, fill) / "bin/tool").exists()


def test_a_lock_that_was_removed_still_keeps_others_out(home: Path) -> None:
    lock = home / "resolutions/a.lock"
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(20):
            with cache.locked(lock):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.0005)
                lock.unlink()
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == [1] * 80


PRUNER = """
import time
from hyfn.toolchain import cache, pruning
while True:
    pruning.prune(cache.home(), float("inf"))
    time.sleep(0.005)
"""


@contextlib.contextmanager
def pruners(count: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", PRUNER], stderr=subprocess.PIPE) for _ in range(count)]
    try:
        yield
        assert [process.poll() for process in processes] == [None] * count
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_builds_beside_prunes_never_lose_what_they_use(home: Path) -> None:
    made = 0
    with pruners(2):
        deadline = time.monotonic() + 2.5
        while time.monotonic() < deadline:
            with cache.in_use():
                cache.put(home / "files/ab/one", b"content")
                found = cache.made_once(home / "sites/one", fill)
                assert (found / "bin/tool").stat().st_size == 100
                assert (home / "files/ab/one").read_bytes() == b"content"
                made += 1
            cache.put(home / "pythons/one", b"")  # outside of any build
            cache.made_once(home / "environments/one", fill)
    assert made


def test_info_says_what_there_is_by_kind(home: Path) -> None:
    file(home / "files/a/one", 2, size=1000)
    file(home / "files/b/two", 5, size=2000)
    folder(home / "environments/env", 7)
    file(home / "new kind/file", 0)
    document = json.loads(invoke("cache", "info", "--json").out)
    assert document["folder"] == str(home)
    found = {kind["name"]: (kind["files"], kind["bytes"]) for kind in document["kinds"]}
    assert found == {"environments": (3, 100), "files": (2, 3000), "new kind": (1, 10)}
    assert (document["total"]["files"], document["total"]["bytes"]) == (6, 3110)
    used = {kind["name"]: kind["used"][:10] for kind in document["kinds"]}
    assert used["files"] == time.strftime("%Y-%m-%d", time.gmtime(days_ago(2)))


def test_info_is_a_table_for_people(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    file(home / "files/a/one", 2.5, size=1_250_000)
    ran = invoke("cache", "info")
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["files", "wheels", "and", "sources,", "as", "they", "came", "1", "1.2", "2"] in lines
    assert lines[-2:] == [["all", "1", "1.2", "2"], ["in", *str(home).split()]]
    assert max(map(len, ran.out.splitlines()[:-1])) <= 80


def test_a_file_of_two_names_is_counted_once(home: Path) -> None:
    one = file(home / "files/a/one", size=1000)
    (home / "layers").mkdir()
    os.link(one, home / "layers/same")
    total = json.loads(invoke("cache", "info", "--json").out)["total"]
    assert (total["files"], total["bytes"]) == (2, 1000)


def test_an_empty_cache_is_no_error(home: Path) -> None:
    for command in (["info"], ["prune"], ["prune", "--all", "--dry-run"]):
        ran = invoke("cache", *command)
        assert (ran.status, ran.err) == (0, "")


def test_all_and_days_contradict_each_other(home: Path) -> None:
    ran = invoke("cache", "prune", "--all", "--days", "3")
    assert (ran.status, ran.out) == (2, "")


def test_errors_have_the_json_form_of_all_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYFN_CACHE", str(file(tmp_path / "mine/a/b").parent.parent))
    with pytest.raises(ConfigError):
        pruning.plan(cache.home(), EVER)
    ran = invoke("cache", "prune", "--json")
    assert "did not make" in json.loads(ran.out)["errors"][0]["message"]
