"""Jobs in threads that end promptly: no program that one of them waits for outlives an interruption."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from hyfn.errors import MachineError

P = ParamSpec("P")
T = TypeVar("T")


class Interrupted(MachineError):
    """The command that this work was part of is over."""


class Scope:
    """The programs that the threads of one Workers have started. Each leads its own process group."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._programs: set[subprocess.Popen[bytes]] = set()
        self._is_over = False

    def check(self) -> None:
        """Raise Interrupted where the work is over: for whoever is about to wait or to start something."""
        if self._is_over:
            raise Interrupted("interrupted")

    def add(self, program: subprocess.Popen[bytes]) -> None:
        """Know a program until `remove`. Raises Interrupted, and kills it, where the work is over."""
        with self._lock:
            self._programs.add(program)
            if self._is_over:
                _kill(program)
        self.check()

    def remove(self, program: subprocess.Popen[bytes]) -> None:
        """Forget it: to be called before its process is reaped. Safe to repeat."""
        with self._lock:
            self._programs.discard(program)

    def end(self) -> None:
        """Kill every program, and refuse new ones."""
        with self._lock:
            self._is_over = True
            for program in self._programs:
                _kill(program)


def _kill(program: subprocess.Popen[bytes]) -> None:
    if program.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(program.pid, signal.SIGKILL)


_current = threading.local()
_outside = Scope()


def scope() -> Scope:
    """That of the Workers whose thread this is, else one that never ends."""
    found: Scope = getattr(_current, "scope", _outside)
    return found


class Workers:
    """Threads for jobs. Use it as a context manager: leaving it ends what still runs."""

    def __init__(self, count: int, name: str = "hyfn") -> None:
        self._scope = Scope()
        self._jobs: set[Future[Any]] = set()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name, initializer=self._enter)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def submit(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future = self._pool.submit(job, *args, **kwargs)
        self._jobs = {future, *(each for each in self._jobs if not each.done())}
        return future

    def end(self) -> None:
        """Drop the jobs that wait, kill the programs of those that run, and wait for these. Safe to repeat."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        running = [job for job in self._jobs if not job.done()]  # to wait for one that was dropped never ends
        if running:
            self._scope.end()
        wait(running)
        self._pool.shutdown()

    def _enter(self) -> None:
        _current.scope = self._scope
