"""Processes start quietly, say why they failed, and end whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hyfn.errors import MachineError
from hyfn.toolchain.processes import Process, clean_env, free_port, wait_until

FORKING = """
import os, sys, time, signal
if {deaf}: signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child: print(os.getpid(), child, flush=True)
while True: time.sleep(1)
"""
STARTER = """
import os, signal, sys, threading, time
from pathlib import Path
from hyfn.toolchain.processes import Process
started = []
def start():
    started.append(Process.start([sys.executable, "-c", sys.argv[1]], env={{}}, cwd=Path("/"), log=Path(sys.argv[2])))
thread = threading.Thread(target=start)
thread.start(); thread.join()
while Path(sys.argv[2]).read_text() == "": time.sleep(0.01)
print("up", flush=True)
time.sleep(60)
"""


def start(code: str, folder: Path) -> Process:
    return Process.start([sys.executable, "-c", code], env={}, cwd=folder, log=folder / "log")


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("deaf", [False, True])
def test_stop_ends_the_whole_group_and_leaves_no_zombie(deaf: bool, tmp_path: Path) -> None:
    process = start(FORKING.format(deaf=deaf), tmp_path)
    until(lambda: process.tail() != "")
    leader, child = map(int, process.tail().split())
    process.stop(grace=0.2)
    process.stop()
    assert leader == process.pid
    assert not exists(leader)
    until(lambda: not runs(child))


def test_a_crashed_process_is_seen_and_stopping_it_is_safe(tmp_path: Path) -> None:
    process = start("raise SystemExit(3)", tmp_path)
    assert process.wait(10) == 3
    process.stop()
    assert process.poll() == 3
    assert not exists(process.pid)


def test_a_signal_shows_as_a_negative_status(tmp_path: Path) -> None:
    process = start("import os; os.kill(os.getpid(), 9)", tmp_path)
    assert process.wait(10) == -9
    process.stop()


def test_no_guard_is_left_after_a_stop(tmp_path: Path) -> None:
    before = children()
    process = start("import time; time.sleep(60)", tmp_path)
    assert len(children()) > len(before)
    process.stop()
    assert children() == before


def children() -> set[str]:
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    return {pid for task in tasks for pid in (task / "children").read_text().split()}


def test_it_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    started: list[Process] = []
    thread = threading.Thread(target=lambda: started.append(start("import time; time.sleep(60)", tmp_path)))
    thread.start()
    thread.join()
    assert started[0].wait(0.3) is None
    started[0].stop()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_group_ends_with_the_process_that_started_it(ending: int, tmp_path: Path) -> None:
    log = tmp_path / "log"
    argv = [sys.executable, "-c", STARTER.format(), FORKING.format(deaf=True), str(log)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        pids = [int(pid) for pid in log.read_text().split()]
        assert all(runs(pid) for pid in pids)
        parent.send_signal(ending)
    until(lambda: not any(runs(pid) for pid in pids))


def test_it_is_in_a_session_of_its_own_and_reads_nothing(tmp_path: Path) -> None:
    process = start("import os, sys; print(os.getsid(0) == os.getpid(), repr(sys.stdin.read()))", tmp_path)
    process.wait(10)
    assert process.tail() == "True ''"
    process.stop()


def test_the_tail_is_its_own_and_not_what_stood_in_the_log_before(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("an older run\n")
    process = start("print('a'); print('b')", tmp_path)
    process.wait(10)
    assert process.tail() == "a\nb"
    assert process.tail(1) == "b"
    process.stop()


def test_a_program_that_is_not_there_is_a_machine_error(tmp_path: Path) -> None:
    before = children()
    with pytest.raises(MachineError, match=r"cannot start .*no-such: No such file"):
        Process.start([tmp_path / "no-such"], env={}, cwd=tmp_path, log=tmp_path / "log")
    assert children() == before


def test_waiting_returns_when_ready(tmp_path: Path) -> None:
    process = start("print('up', flush=True); import time; time.sleep(60)", tmp_path)
    wait_until(lambda: process.tail() == "up", process, 10)
    process.stop()


def test_waiting_says_why_a_process_ended(tmp_path: Path) -> None:
    process = start("raise SystemExit('no module named fish')", tmp_path)
    with pytest.raises(MachineError, match=r"status 1 .*its log ends:\nno module named fish"):
        wait_until(lambda: False, process, 10)
    process.stop()


def test_waiting_says_that_time_ran_out(tmp_path: Path) -> None:
    process = start("import time; time.sleep(60)", tmp_path)
    with pytest.raises(MachineError, match=r"not ready within 0\.05 s"):
        wait_until(lambda: False, process, 0.05)
    process.stop()


def test_a_clean_environment_keeps_the_machine_and_drops_us(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped = ["PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "HYFN_STAGE", "X_SECRET_ACCESS_KEY", "X_TOKEN"]
    dropped += ["X_APPLICATION_CREDENTIALS", "X_PROFILE", "X_CLIENT_SECRET"]
    for name in dropped:
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("X_KEYBOARD", "kept")
    env = clean_env({"HYFN_WIRING": "w"})
    assert not {*dropped} & {*env}
    assert env["PATH"] == os.environ["PATH"]
    assert (env["HYFN_WIRING"], env["X_KEYBOARD"]) == ("w", "kept")


def test_free_ports_differ_from_what_is_taken() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        assert free_port() != taken.getsockname()[1]
