"""Programs that work for hyfn and are waited for. They end with this process, and with the work that needs them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hyfn.errors import MachineError
from hyfn.toolchain import workers
from hyfn.toolchain.processes import Guard


@dataclass(frozen=True, slots=True)
class Done:
    """What a program left: its exit status and what it wrote."""

    status: int
    stdout: str
    stderr: str


class TooSlow(MachineError):
    """The program took longer than it was given, and was killed."""


def run(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: str = "", timeout: float | None = None
) -> Done:
    """Run it to its end. Ctrl-C in the terminal does not reach it: an exception here kills it.

    Raises Interrupted where its worker was ended or a signal killed it, TooSlow after `timeout` seconds, MachineError
    where it cannot be started.
    """
    guard = Guard()
    try:
        popen = _start(argv, cwd, env)
        try:
            guard.watch(-popen.pid)
            workers.scope().add(popen)
            stdout, stderr = _communicate(popen, stdin.encode(), timeout)
        except BaseException:
            _kill(popen)
            raise
        finally:
            workers.scope().remove(popen)
    finally:
        guard.dismiss()
    if popen.returncode < 0:
        raise workers.Interrupted(f"{Path(argv[0]).name} was ended by signal {-popen.returncode}")
    return Done(popen.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace"))


def _start(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            argv, cwd=cwd, env=dict(env), stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
    except OSError as error:
        raise MachineError(f"cannot start {argv[0]}: {error.strerror}") from error


def _communicate(popen: subprocess.Popen[bytes], stdin: bytes, timeout: float | None) -> tuple[bytes, bytes]:
    try:
        return popen.communicate(stdin, timeout)
    except subprocess.TimeoutExpired as error:
        raise TooSlow(f"it took longer than {timeout:g} s") from error


def _kill(popen: subprocess.Popen[bytes]) -> None:
    if popen.poll() is None:
        os.killpg(popen.pid, signal.SIGKILL)
    popen.communicate()
