"""The script on the developer's machine: its interpreter, its dependencies, its process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgpack
from packaging.specifiers import InvalidSpecifier, SpecifierSet

import hyfn
from hyfn.clouds import GROUP
from hyfn.errors import ConfigError, ProjectError
from hyfn.model import Cloud, Project
from hyfn.pack import following
from hyfn.pack.wheels import declared as dependencies
from hyfn.toolchain import cache, environments, foreground, pythons

SUPPORTED = ("3.14", "3.13", "3.12", "3.11")


class Script:
    """A script of a project, to be run as __main__.

    Where the project declares dependencies, it runs in an environment made of them, in the user's cache; otherwise
    in the interpreter that hyfn runs in.
    """

    def __init__(self, project: Project, path: Path, report: Callable[[str], None]) -> None:
        self._project = project
        self._path = path
        self._report = report

    def run(self, args: Sequence[str], env: Mapping[str, str]) -> int:
        """Run it with this terminal until it ends; its exit status, 128 + n where signal n ended it."""
        return foreground.run(self._command(args), self._environment(env))

    def output(self, args: Sequence[str], env: Mapping[str, str]) -> str:
        """Run it and give back what it printed. Raises ProjectError where its exit status is not 0."""
        status, printed = foreground.captured(self._command(args), self._environment(env))
        if status:
            raise ProjectError(f"{self._path.name} ended with status {status}")
        return printed.decode()

    def _command(self, args: Sequence[str]) -> list[str]:
        return [str(self._interpreter()), str(self._path), *args]

    def _interpreter(self) -> Path:
        declared = [str(requirement) for requirement in dependencies.parse(self._project)]
        if not declared and self._accepts(_this_python()):
            return Path(sys.executable)
        requirements = [*declared, f"msgpack=={'.'.join(map(str, msgpack.version))}"]
        accepted = [minor for minor in SUPPORTED if self._accepts(minor)]
        if not accepted:
            hint = f"hyfn runs on Python {', '.join(SUPPORTED)}"
            raise ConfigError(f"no Python fits requires-python = {self._project.requires_python!r}", hint=hint)
        python, _ = pythons.nearest(_this_python(), accepted)
        made = environments.environment(
            f"script-{self._project.app}", requirements, python, self._report, extra_args=self._settings()
        )
        return made.python

    def _accepts(self, minor: str) -> bool:
        wanted = self._project.requires_python
        try:
            return wanted is None or SpecifierSet(wanted).contains(f"{minor}.99")
        except InvalidSpecifier:
            raise ConfigError(f"requires-python = {wanted!r} is no version specifier", hint='">=3.11"') from None

    def _settings(self) -> list[str]:
        """Where the project sets indexes and the like for uv, it is told to look there."""
        root = self._project.root
        pyproject = root / "pyproject.toml"
        has_settings = (root / "uv.toml").is_file() or (pyproject.is_file() and "[tool.uv" in pyproject.read_text())
        return ["--directory", str(root)] if has_settings else []

    def _environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """hyfn and the clouds of others on the path, and nothing else of the environment that they are installed in."""
        known = {source.path.resolve(): name for name, source in self._project.sources.items()}
        main = known.get(self._path.resolve(), self._path.stem)
        path = [
            str(_alone(self._project.clouds.values())),
            str(self._project.source_root),
            *filter(None, [os.environ.get("PYTHONPATH")]),
        ]
        return {**os.environ, "HYFN_MAIN": main, "PYTHONPATH": os.pathsep.join(path), **extra}


def _alone(clouds: Iterable[Cloud]) -> Path:
    """A folder with hyfn in it, the packages that further clouds come from, and nothing else."""
    others = [cloud for cloud in clouds if not cloud.is_own]
    places = {"hyfn": Path(hyfn.__file__).resolve().parent}
    places |= {cloud.package: following.place(cloud.package).resolve() for cloud in others}

    def make(folder: Path) -> None:
        for package, place in places.items():
            link = folder.joinpath(*package.split("."))
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(place)
        for brought in {_by(cloud) for cloud in others}:
            _write_entry_points(brought, [cloud for cloud in others if _by(cloud) == brought], folder)

    return cache.made_once(cache.home() / "hyfn" / cache.key(map(str, places.items()), map(str, others)), make)


def _by(cloud: Cloud) -> str:
    return cloud.distribution or cloud.name


def _write_entry_points(distribution: str, clouds: Iterable[Cloud], folder: Path) -> None:
    """As an installer leaves them
    (https://packaging.python.org/en/latest/specifications/recording-installed-packages/)."""
    info = folder / f"{distribution.replace('-', '_')}-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0\n")
    entries = (f"{cloud.name} = {cloud.package}\n" for cloud in clouds)
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{''.join(entries)}")


def _this_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
