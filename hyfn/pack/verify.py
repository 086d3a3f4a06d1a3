"""Whether an artifact loads: in a clean interpreter that sees nothing but the artifact and the standard library."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyfn.errors import BuildError
from hyfn.pack import stage
from hyfn.toolchain import scratch
from hyfn.toolchain.processes import Process

SECONDS = 60.0

# Runs in the clean interpreter: argv is the report's path, the statements and the import roots. The frames go
# into a report, since what the user's code prints, or how it formats exceptions, must not matter.
LOADER = """
import sys
report, statements, *roots = sys.argv[1:]
sys.argv = [""]
sys.path[:0] = roots
try:
    exec(compile(statements, "<load>", "exec"), {"__name__": "__hyfn_load__"})
except BaseException as error:
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append([trace.tb_frame.f_code.co_filename, trace.tb_lineno])
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        frames.append([error.filename, error.lineno or 1])
    try:
        text = str(error)
    except Exception:
        text = ""
    import json
    with open(report, "w") as opened:
        json.dump({"type": type(error).__name__, "text": text, "frames": frames}, opened)
    sys.exit(1)
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """`file` is the path under the artifact's import root; `is_users` says that no distribution brought it."""

    file: str
    line: int
    is_users: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def load(roots: Sequence[Path], statements: str, python: Path | None, *, seconds: float = SECONDS) -> str | None:
    """Execute `statements` by `python` with only `roots` and the standard library to import from.

    None if that worked; without `python` a note that says so. BuildError, with the line of the user's file that was
    being loaded, if it failed or took longer than `seconds`.
    """
    if python is None:
        return "not loaded for a check: this machine has no such Python"
    with scratch.folder("hyfn-load-") as folder:
        report, log = folder / "report.json", folder / "log"
        options = ["-I", "-S", "-B", "-X", "utf8"]
        argv = [str(python), *options, "-c", LOADER, str(report), statements, *map(str, roots)]
        process = Process.start(argv, env=_environment(str(folder)), cwd=roots[0], log=log)
        try:
            status = process.wait(seconds)
            _judge(status, report, process, roots, seconds)
        finally:
            process.stop(grace=0)
    return None


def _environment(folder: str) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8"}


def _judge(status: int | None, report: Path, process: Process, roots: Sequence[Path], seconds: float) -> None:
    if status == 0:
        return
    if status is None:
        raise BuildError(f"the artifact did not load within {seconds:g} s", hint="what does it do when imported?")
    if not report.exists():
        said = process.tail(1)
        raise BuildError(f"the artifact ended its interpreter with status {status} when loaded: {said}".rstrip(": "))
    raise _failure(json.loads(report.read_text()), roots)


def _failure(report: dict[str, Any], roots: Sequence[Path]) -> BuildError:
    text = " ".join(str(report["text"]).split())
    for root in roots:  # where it was unpacked for this check says nothing to its reader
        text = text.replace(f"{root}/", "")
    said = f"{report['type']}: {text}" if text else str(report["type"])
    frames = _frames(report["frames"], roots)
    users = [frame for frame in frames if frame.is_users]
    inside = f", in {frames[-1]}" if frames and not frames[-1].is_users else ""
    return BuildError(
        f"the artifact does not load: {said}{inside}",
        where=str(users[-1]) if users else None,
        hint=_hint(report["type"]),
    )


def _hint(kind: str) -> str | None:
    if kind == "ModuleNotFoundError":
        return "add it to dependencies; what is imported by a computed name must be named in an import"
    return None


def _frames(raw: Sequence[tuple[str, int]], roots: Sequence[Path]) -> list[Frame]:
    foreign = {root: _brought(root) for root in roots}
    own = {f"{package.replace('.', '/')}/" for root in roots for package in stage.packages(root)}
    found: list[Frame] = []
    for file, line in raw:
        root = next((root for root in reversed(roots) if Path(file).is_relative_to(root)), None)
        if root is not None:
            relative = Path(file).relative_to(root).as_posix()
            found.append(Frame(relative, line, relative not in foreign[root] and not relative.startswith(tuple(own))))
    return found


def _brought(root: Path) -> set[str]:
    """The paths under `root` that its distributions brought."""
    listed: set[str] = set()
    for record in root.glob("*.dist-info/RECORD"):
        with record.open(newline="") as opened:
            listed |= {row[0] for row in csv.reader(opened) if row}
    return listed
