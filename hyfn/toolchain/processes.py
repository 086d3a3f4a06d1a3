"""Processes that hyfn starts and surely ends, even where hyfn itself is killed."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from hyfn.errors import MachineError
from hyfn.toolchain import workers

FOREIGN = re.compile(r"PYTHON|VIRTUAL_ENV|CONDA_|HYFN_|__PYVENV_LAUNCHER__")
SECRET = re.compile(r"(^|_)(KEY|KEYS|SECRET|TOKEN|PASSWORD|CREDENTIALS?|PROFILE)(_|$)", re.IGNORECASE)

# PR_SET_PDEATHSIG follows the thread that forked, spares grandchildren and needs code in the child.
# A shell that waits on a pipe of ours has none of these faults: the kernel closes the pipe however
# this process ends.
GUARD = 'read -r target || exit 0; read -r over || kill -s KILL -- "$target"'
# A program must not run before its guard knows it. PWD is the one variable that the shell would add.
GATE = 'read -r go && unset PWD go && exec "$0" "$@" < /dev/null'

FIRST_PORT, USUAL_FIRST_GIVEN_PORT, PORT_TRIES = 15_000, 32_768, 50

TAIL_LINES = 20
TAIL_BYTES = 8192


def clean_env(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment for a process that stands for another machine, then `extra`.

    Nothing of this Python (PYTHON*, VIRTUAL_ENV) or of hyfn (HYFN_*), and nothing that carries or
    names credentials.
    """
    kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name) and not SECRET.search(name)}
    return {**kept, **extra}


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody has at this moment.

    Below those that the kernel gives to whoever asks for any port: somebody would be given it before its
    user listens there.
    """
    for _ in range(PORT_TRIES):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", random.randrange(FIRST_PORT, _first_given_port())))  # noqa: S311
            return _port(probe)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return _port(probe)


def _port(bound: socket.socket) -> int:
    port: int = bound.getsockname()[1]
    return port


def _first_given_port() -> int:
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        first = USUAL_FIRST_GIVEN_PORT
    return first if first > FIRST_PORT else USUAL_FIRST_GIVEN_PORT


class Process:
    """A running program, leader of its own session: Ctrl-C in the terminal does not reach it.

    It and its process group end with this process, however that ends. May be started and stopped
    from any thread.
    """

    def __init__(self, name: str, popen: subprocess.Popen[bytes], guard: Guard, log: Path, log_start: int) -> None:
        self.name = name
        self._popen = popen
        self._guard = guard
        self._log = log
        self._log_start = log_start
        self._lock = threading.Lock()
        self._scope = workers.scope()
        self._stopped = False

    @classmethod
    def start(cls, argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, log: Path) -> Process:
        """Start `argv`; its output is appended to `log`. MachineError where that is impossible."""
        with log.open("ab") as output:
            start = output.seek(0, os.SEEK_END)
            guard = Guard()
            try:
                popen = _spawn(argv, env, cwd, output)
            except OSError as error:
                guard.dismiss()
                raise MachineError(f"cannot start {argv[0]}: {error.strerror}") from error
            guard.watch(-popen.pid)
            _let_go(popen)
        started = cls(Path(argv[0]).name, popen, guard, log, start)
        try:
            started._scope.add(popen)
        except workers.Interrupted:
            started.stop(grace=0)
            raise
        return started

    @property
    def pid(self) -> int:
        """Also the id of its process group."""
        return self._popen.pid

    def poll(self) -> int | None:
        """Its exit status (-9 where signal 9 ended it), or None while it runs."""
        with self._lock:
            return self._status()

    def wait(self, seconds: float) -> int | None:
        """Its exit status as soon as it has ended, or None if it runs on for `seconds`."""
        _wait(lambda: self.poll() is not None, seconds)
        return self.poll()

    def stop(self, grace: float = 2.0) -> None:
        """End it and its group: SIGTERM, then SIGKILL after `grace` seconds.

        Safe to repeat; leaves no zombie.
        """
        with self._lock:
            if self._stopped:
                return
            self._signal(signal.SIGTERM)
            _wait(lambda: self._status() is not None, grace)
            self._signal(signal.SIGKILL)
            self._scope.remove(self._popen)
            self._popen.wait()
            self._guard.dismiss()
            self._stopped = True

    def tail(self, lines: int = TAIL_LINES) -> str:
        """The end of what it has written to its log."""
        with contextlib.suppress(OSError), self._log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - TAIL_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        return ""

    def _status(self) -> int | None:
        # Looked at without reaping: its pid, which is its group's id, stays ours until stop().
        if self._popen.returncode is not None:
            return self._popen.returncode
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


class Guard:
    """Kills a program with SIGKILL when this process has ended, however it did."""

    def __init__(self) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", GUARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            bufsize=0,
            start_new_session=True,
        )

    def watch(self, target: int) -> None:
        """A process by its id, or a process group by its negative one."""
        self._tell(f"{target}\n")

    def dismiss(self) -> None:
        """To be called once: whatever it watches may go on."""
        self._tell("over\n")
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        self._shell.wait()

    def _tell(self, line: str) -> None:
        assert self._shell.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._shell.stdin.write(line.encode())


def wait_until(ready: Callable[[], bool], process: Process, seconds: float) -> None:
    """Return as soon as `ready()`.

    MachineError, with the log's tail, if `process` ended or time ran out.
    """
    ended: list[int] = []

    def settled() -> bool:
        status = process.poll()
        if status is not None:
            ended.append(status)
        return bool(ended) or ready()

    if not _wait(settled, seconds):
        raise MachineError(f"{process.name} was not ready within {seconds:g} s{_quoted(process)}")
    if ended:
        raise MachineError(f"{process.name} ended with status {ended[0]} at its start{_quoted(process)}")


def _spawn(argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path, output: BinaryIO) -> subprocess.Popen[bytes]:
    """A shell that becomes the program when it is let go, and ends when this process does before that."""
    program = shutil.which(argv[0], path=env.get("PATH", os.defpath))
    if program is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return subprocess.Popen(
        ["/bin/sh", "-c", GATE, program, *map(str, argv[1:])],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=dict(env),
        cwd=cwd,
        bufsize=0,
        start_new_session=True,
    )


def _let_go(popen: subprocess.Popen[bytes]) -> None:
    assert popen.stdin is not None
    with contextlib.suppress(BrokenPipeError), popen.stdin as gate:
        gate.write(b"go\n")


def _wait(done: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    pause = 0.002
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return True


def _quoted(process: Process) -> str:
    tail = process.tail()
    return f"; its log ends:\n{tail}" if tail else " and wrote nothing"
