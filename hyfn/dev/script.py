"""The script on the developer's machine: its interpreter, its dependencies, its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgpack
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import hyfn
from hyfn.errors import ProjectError
from hyfn.model import Project
from hyfn.toolchain import cache, environments, pythons

SUPPORTED = ("3.13", "3.12", "3.11")
GRACE = 5.0
"""Seconds that a script has to end after Ctrl-C or SIGTERM."""


class Script:
    """A script of a project, to be run as __main__.

    Where the project declares dependencies, it runs in an environment made of them, in the user's cache; otherwise
    in the interpreter that hyfn runs in.
    """

    def __init__(self, project: Project, path: Path, report: Callable[[str], None]) -> None:
        self._project = project
        self._path = path.resolve()
        self._report = report

    def run(self, args: Sequence[str], env: Mapping[str, str]) -> int:
        """Run it with this terminal until it ends; its exit status. On Ctrl-C it gets the time to end by itself."""
        child = self._start(args, env, None)
        try:
            return _status(child.wait())
        except BaseException:
            _end(child)
            raise

    def output(self, args: Sequence[str], env: Mapping[str, str]) -> str:
        """Run it and give back what it printed. Raises ProjectError where its exit status is not 0."""
        child = self._start(args, env, subprocess.PIPE)
        try:
            printed, _ = child.communicate()
        except BaseException:
            _end(child)
            raise
        if child.returncode:
            raise ProjectError(f"{self._path.name} ended with status {_status(child.returncode)}")
        return printed.decode()

    def _start(self, args: Sequence[str], env: Mapping[str, str], stdout: int | None) -> subprocess.Popen[bytes]:
        command = [str(self._interpreter()), str(self._path), *args]
        return subprocess.Popen(command, env={**os.environ, **self._environment(), **env}, stdout=stdout)

    def _interpreter(self) -> Path:
        declared = [text for text in self._project.dependencies if canonicalize_name(Requirement(text).name) != "hyfn"]
        if not declared and self._accepts(_this_python()):
            return Path(sys.executable)
        requirements = [*declared, f"msgpack=={'.'.join(map(str, msgpack.version))}"]
        python, _ = pythons.nearest(_this_python(), [minor for minor in SUPPORTED if self._accepts(minor)])
        name = f"script-{self._project.app}"
        return environments.environment(name, requirements, python, self._report).python

    def _accepts(self, minor: str) -> bool:
        wanted = self._project.requires_python
        return wanted is None or SpecifierSet(wanted).contains(f"{minor}.99")

    def _environment(self) -> dict[str, str]:
        """hyfn itself on the path, and nothing else of the environment that it is installed in."""
        known = {source.path.resolve(): name for name, source in self._project.sources.items()}
        main = known.get(self._path, self._path.stem)
        return {"HYFN_MAIN": main, "PYTHONPATH": f"{_hyfn_alone()}{os.pathsep}{self._project.source_root}"}


def _hyfn_alone() -> Path:
    """A folder with hyfn in it and nothing else."""
    package = Path(hyfn.__file__).resolve().parent

    def make(folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "hyfn").symlink_to(package)

    return cache.made_once(cache.home() / "hyfn" / cache.key(str(package)), make)


def _this_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _status(returned: int) -> int:
    """As a shell says it: 128 + n for a script that signal n ended."""
    return 128 - returned if returned < 0 else returned


def _end(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGINT)
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
