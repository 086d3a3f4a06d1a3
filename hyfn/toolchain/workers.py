"""Jobs in threads that end promptly: no program that one of them waits for outlives an interruption."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec, TypeVar

from hyfn.errors import MachineError

P = ParamSpec("P")
T = TypeVar("T")


class Interrupted(MachineError):
    """The command that this work was part of is over."""


class Scope:
    """What the threads of one Workers wait for: programs, each of which leads its own process group, and others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._programs: set[subprocess.Popen[bytes]] = set()
        self._cuts: list[Callable[[], None]] = []
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

    @contextlib.contextmanager
    def ending(self, cut: Callable[[], None]) -> Iterator[None]:
        """`cut` is called where the work ends during the block: it makes what the block waits for fail, and returns at
        once. Raises Interrupted where the work is over.
        """
        with self._lock:
            self._cuts.append(cut)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._cuts.remove(cut)

    def end(self) -> None:
        """Kill every program, cut what else is waited for, and refuse new ones."""
        with self._lock:
            self._is_over = True
            for program in self._programs:
                _kill(program)
            for cut in self._cuts:
                cut()


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
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name, initializer=self._enter)
        # Counted here: an interruption of its `submit` makes the pool forget a thread that runs.
        self._turn = threading.Condition()
        self._under_way = 0
        self._is_over = False

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def submit(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        def run() -> T:
            with self._under_way_now():
                return job(*args, **kwargs)

        return self._pool.submit(run)

    def end(self) -> None:
        """Drop the jobs that wait, kill the programs of those that run, and wait for these. Safe to repeat."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._turn:
            self._is_over = True
            if self._under_way:
                self._scope.end()
            self._turn.wait_for(lambda: not self._under_way)

    @contextlib.contextmanager
    def _under_way_now(self) -> Iterator[None]:
        with self._turn:
            if self._is_over:
                raise Interrupted("interrupted")
            self._under_way += 1
        try:
            yield
        finally:
            with self._turn:
                self._under_way -= 1
                self._turn.notify_all()

    def _enter(self) -> None:
        _current.scope = self._scope
