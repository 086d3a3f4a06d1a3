"""A tool at work on one application: what a build costs in each situation."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.packagers import tools
from tests.bench.packagers.app import App, Function, change_one_line
from tests.bench.packagers.tools import Place, Tool

TREE = Path(__file__).with_name("tree.py")
LONGEST = 300
"""Seconds that one build may take."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds: of processor for the whole process tree, and on the clock."""

    cpu: float
    wall: float


class Failed(Exception):
    """The command said no. Its last words."""


def cost(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str], result: Path) -> Cost:
    """What running it cost. `result` is a file that may be written. Raises Failed."""
    tree = [sys.executable, "-I", "-S", str(TREE), str(result), str(LONGEST)]
    argv = [*tree, *(str(part) for part in command)]
    result.unlink(missing_ok=True)
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    said = (done.stderr.strip() or done.stdout.strip())[-2000:]
    if done.returncode != 0:
        raise Failed(said)
    found = json.loads(result.read_text())
    if found["status"] != 0:
        raise Failed(said)
    return Cost(found["cpu"], found["wall"])


class Workshop:
    """A tool, and an application laid out for it in `folder`. `caches` is shared by those who would share one."""

    def __init__(self, tool: Tool, app: App, folder: Path, caches: Path | None = None) -> None:
        self.tool, self.app, self.place = tool, app, Place(folder)
        self.caches = caches or folder / "caches"
        self._temporary = folder / "tmp"
        self._temporary.mkdir(parents=True)
        self._changes = 0
        tool.lay(app, self.place.app)

    def cold(self) -> Cost:
        """Nothing is cached, nothing was built, nothing is locked."""
        shutil.rmtree(self.caches, ignore_errors=True)
        self._remove([*self.tool.leaves, *self.tool.keeps])
        return self.build()

    def warm(self) -> Cost:
        """The user's caches are full; what the tool wrote into the project is gone, but for what users commit."""
        self._remove(self.tool.leaves)
        return self.build()

    def one_line(self, function: Function) -> Cost:
        """A line in the body of that function is another."""
        return self._changed([self.tool.module(self.place.app, function)])

    def shared_line(self) -> Cost:
        """A line in a module that all functions of a small application share is another."""
        name = f"shared/{self.app.shared[0]}.py"
        return self._changed([*self.place.app.glob(name), *self.place.app.glob(f"*/{name}")])

    def _changed(self, files: Sequence[Path]) -> Cost:
        self._changes += 1
        for file in files:
            change_one_line(file, self._changes)
        return self.build()

    def build(self) -> Cost:
        env = tools.environment(self.tool, self.caches, self._temporary)
        return cost(self.tool.command(self.place), self.place.app, env, self._temporary / "cost.json")

    def sizes(self) -> tools.Sizes:
        return self.tool.sizes(self.place)

    def archive(self, function: Function) -> Path:
        return self.tool.archive(self.place, function)

    def _remove(self, names: Sequence[str]) -> None:
        for name in names:
            path = self.place.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
