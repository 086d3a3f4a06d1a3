"""A program in this terminal, as a shell runs one: it has the keyboard, and this process waits for it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hyfn.errors import MachineError
from hyfn.toolchain.processes import Guard

GRACE = 5.0
"""Seconds that it has to end by itself when this process is told to."""


def run(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Run it with this terminal to its end; its exit status. To be called in the main thread.

    Ctrl-C in this terminal is its own to answer, as it would be without us. A signal to this process alone is passed
    on: then it has GRACE seconds, and KeyboardInterrupt is raised again. It is killed if this process is.
    """
    with _leaving_ctrl_c_to_it(), _started(argv, env) as program:
        program.wait()
    return _status(program)


def captured(argv: Sequence[str], env: Mapping[str, str]) -> tuple[int, bytes]:
    """Run it for what it prints; its exit status and that. It does not get Ctrl-C: an interruption here ends it."""
    with _started(argv, env, signal.SIGTERM, stdout=subprocess.PIPE, start_new_session=True) as program:
        printed, _ = program.communicate()
    return _status(program), printed


@contextlib.contextmanager
def _started(
    argv: Sequence[str], env: Mapping[str, str], end_with: int | None = None, **how: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """An interruption is passed on as it came, or as `end_with`: SIGINT would make Python show where it was."""
    guard = Guard()
    try:
        program = _start(argv, env, how)
        guard.watch(program.pid)
        try:
            yield program
        except BaseException as error:
            _end(program, end_with or _number(error))
            raise
    finally:
        guard.dismiss()


def _start(argv: Sequence[str], env: Mapping[str, str], how: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(argv, env=dict(env), **how)
    except OSError as error:
        raise MachineError(f"cannot start {argv[0]}: {error.strerror}") from error


def _status(program: subprocess.Popen[bytes]) -> int:
    """As a shell says it: 128 + n where signal n ended it."""
    return 128 - program.returncode if program.returncode < 0 else program.returncode


@contextlib.contextmanager
def _leaving_ctrl_c_to_it() -> Iterator[None]:
    if not _terminal_is_ours():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: None)  # SIG_IGN would be inherited
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _terminal_is_ours() -> bool:
    """Whether Ctrl-C reaches all of this process's group, the program among them."""
    try:
        with Path("/dev/tty").open() as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def _number(error: BaseException) -> int:
    """The signal that a KeyboardInterrupt stands for."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else signal.SIGINT


def _end(program: subprocess.Popen[bytes], number: int) -> None:
    program.send_signal(number)
    try:
        program.wait(GRACE)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
