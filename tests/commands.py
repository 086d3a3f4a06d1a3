"""The hyfn command as a user meets it: a process, what it prints, and what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from click.testing import CliRunner

from hyfn.cli.main import cli

HYFN = [sys.executable, "-m", "hyfn"]
MARK = "TEST_MARK"
"""A variable of the environment that every process of a command inherits."""

TWO = """
from hyfn import aws, gcp

@aws
def twice(n: int) -> int:
    return add(n, n)

@gcp
def add(a: int, b: int) -> int:
    return a + b
"""


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The lines that say what is wrong, without the word."""
        return [line.removeprefix("error: ") for line in self.err.splitlines() if line.startswith("error: ")]


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """`folder` with `files` in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
    return folder


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """As a user's shell has it."""
    without = ("PYTHONDONTWRITEBYTECODE", "NO_COLOR", "COLUMNS", "HYFN_TRACEBACK", "HYFN_DEV_TOKEN", "HYFN_STAGE")
    return {name: value for name, value in os.environ.items() if name not in without} | dict(extra or {})


def invoke(*arguments: str | Path) -> Ran:
    """Run it in this process: quicker, and all that it prints and leaves is the same."""
    done = CliRunner().invoke(cli, [str(each) for each in arguments], catch_exceptions=False)
    return Ran(done.exit_code, done.stdout, done.stderr)


def hyfn(
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    instead: Sequence[str] = HYFN[1:],
    seconds: float = 120,
) -> Ran:
    """Run it to its end, without a terminal. `instead` are other words for Python than `-m hyfn`."""
    done = subprocess.run(
        [sys.executable, *instead, *map(str, arguments)],
        cwd=cwd,
        env=environment(env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


class Command:
    """One that runs, in a session of its own, as a terminal without a shell would start it."""

    def __init__(self, *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self.mark = uuid.uuid4().hex
        self.temporary = cwd / f"tmp-{self.mark}"
        self.temporary.mkdir()
        self._out, self._err = self.temporary.with_suffix(".out"), self.temporary.with_suffix(".err")
        given = {MARK: self.mark, "TMPDIR": str(self.temporary), **(env or {})}
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                [*HYFN, *map(str, arguments)],
                cwd=cwd,
                env=environment(given),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def until(self, reached: Callable[[], object], seconds: float = 60) -> None:
        """Wait for it while the command runs."""
        deadline = time.monotonic() + seconds
        while not reached():
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.out}{self.err}"
            assert time.monotonic() < deadline, f"not reached: {self.out}{self.err}"
            time.sleep(0.01)

    def signal(self, number: int) -> int:
        """Send it, and wait for the end: the exit status as a shell says it."""
        self.process.send_signal(number)
        status = self.process.wait(20)
        return 128 - status if status < 0 else status

    def left(self, seconds: float = 3.0) -> list[str]:
        """The processes of this command that live on, after they had a moment to end."""
        deadline = time.monotonic() + seconds
        while (found := marked(self.mark)) and time.monotonic() < deadline:
            time.sleep(0.02)
        return found

    def end(self) -> None:
        """Whatever a test that failed left running."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


def marked(mark: str) -> list[str]:
    """The command lines of the processes that have `mark` in their environment."""
    return [line for folder in Path("/proc").glob("[0-9]*") for line in _command_line(folder, f"{MARK}={mark}")]


def _command_line(folder: Path, entry: str) -> Iterator[str]:
    with contextlib.suppress(OSError):
        if entry.encode() in (folder / "environ").read_bytes().split(b"\0"):
            yield (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()


def tree(*folders: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below `folders`, with its mode and content; of folders the mode alone."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if "__pycache__" not in path.parts:
                found[str(path)] = (path.stat().st_mode, b"" if path.is_dir() else path.read_bytes())
    return found
