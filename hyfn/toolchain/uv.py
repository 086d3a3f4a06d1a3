"""uv as a subprocess: the one that resolves, fetches and installs."""

from __future__ import annotations

import functools
import os
import re
import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from hyfn.errors import MachineError
from hyfn.toolchain import tools

# What would point uv at the environment that hyfn itself runs in.
MISLEADING = ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "CONDA_PREFIX")
MISLEADING_UV = (
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_PROJECT_ENVIRONMENT",
    "UV_BREAK_SYSTEM_PACKAGES",
)


UNREACHABLE = re.compile(
    r"error sending request|Failed to fetch|dns error|Network connectivity is disabled|network was disabled"
)


class UvError(MachineError):
    """uv said no. `output` is all that it wrote to standard error."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class Unreachable(UvError):
    """uv could not reach an index, and its cache did not hold what it needed."""


def run(
    arguments: Sequence[str | Path],
    *,
    cwd: Path,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """uv's standard output. Raises UvError.

    uv reads the configuration of `cwd` and of the user, and never downloads a Python unasked. Where no index can
    be reached, it is asked again to do with what its cache holds.
    """
    try:
        return _run(arguments, cwd, stdin, env or {}, timeout)
    except Unreachable as error:
        try:
            return _run(arguments, cwd, stdin, {**(env or {}), "UV_OFFLINE": "1"}, timeout)
        except UvError:
            raise error from None


def _run(arguments: Sequence[str | Path], cwd: Path, stdin: str, env: Mapping[str, str], timeout: float | None) -> str:
    command = [binary(), *(str(argument) for argument in arguments)]
    try:
        done = tools.run(command, cwd=cwd, env=_environment(env), stdin=stdin, timeout=timeout)
    except tools.TooSlow as error:
        raise UvError(f"uv {arguments[0]} took longer than {timeout:g} s") from error
    if done.status != 0:
        kind = Unreachable if UNREACHABLE.search(done.stderr) else UvError
        raise kind(f"uv {arguments[0]} failed:\n{tail(done.stderr)}", done.stderr)
    return done.stdout


_finding = threading.Lock()


def binary() -> str:
    """The path of uv: the one installed with hyfn, else the one on PATH."""
    with _finding:  # sysconfig, which uv asks, fills its table without a lock: a second thread sees half of it
        return _found()


@functools.cache
def _found() -> str:
    try:
        from uv import find_uv_bin

        return os.fsdecode(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise MachineError("uv is not installed", hint="python -m pip install uv")
    return found


def tail(output: str, lines: int = 12) -> str:
    """The last lines that say something."""
    return "\n".join([line for line in output.splitlines() if line.strip()][-lines:])


def reason(output: str) -> str:
    """Why uv said no, on one line, without its conclusion and its hints."""
    causes = [line for line in output.partition("cause:")[2].splitlines() if not line.startswith("hint")]
    flat = " ".join(" ".join(causes).split()) or tail(output, 1)
    return flat.split(", we can conclude")[0]


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING + MISLEADING_UV}
    return {
        **kept,
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "NO_COLOR": "1",
        **extra,
    }
