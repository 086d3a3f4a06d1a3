"""Runs a command and writes what its whole process tree cost: `tree.py RESULT SECONDS COMMAND...`.

Whatever leaves the tree (a daemon) falls to this process, is ended with the command, and counts. It is run by itself,
with nothing but the standard library, and ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
GRACE = 1.0
"""Seconds that what outlives the command is given to end by itself, which a guard that was let go does at once."""


def main() -> int:
    result, seconds, *command = sys.argv[1:]
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGTERM, _stop)
    began = time.perf_counter()
    try:
        status = subprocess.Popen(command, stdin=subprocess.DEVNULL).wait(float(seconds))
        wall = time.perf_counter() - began
        _await_orphans()
    finally:
        _end_orphans()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    Path(result).write_text(json.dumps({"status": status, "cpu": used.ru_utime + used.ru_stime, "wall": wall}))
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(1)


def _await_orphans() -> None:
    until = time.monotonic() + GRACE
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < until:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.01)


def _end_orphans() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            for child in _children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)


def _children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


if __name__ == "__main__":
    sys.exit(main())
