"""Python environments in the user's cache: what the vendors' runtimes run in."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hyfn.errors import MachineError
from hyfn.toolchain import cache, pythons, uv


@dataclass(frozen=True)
class Environment:
    """A complete environment. `python` is its interpreter, `bin` the folder of its commands."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.bin / "python"

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def site_packages(self) -> Path:
        return next(self.folder.glob("lib/python3.*/site-packages"))

    def version(self, distribution: str) -> str:
        """The installed version: "4.2.2". MachineError where it is not installed."""
        for found in importlib.metadata.distributions(name=distribution, path=[str(self.site_packages)]):
            return found.version
        raise MachineError(f"{distribution} is not installed in {self.folder}")


def environment(
    name: str,
    requirements: Sequence[str],
    python: str,
    report: Callable[[str], None],
    *,
    extra_args: Sequence[str] = (),
) -> Environment:
    """An environment of CPython `python` ("3.13") with `requirements`.

    Made on first use, which `report` hears of, and then reused by every process of this user.
    `extra_args` go to `uv pip install`. MachineError where the interpreter or a requirement is
    missing. Safe to call at once from threads and processes.
    """
    interpreter = pythons.find(python)
    if interpreter is None:
        raise MachineError(f"no CPython {python} here", hint=f"uv python install {python}")
    version = pythons.full_version(interpreter, python) or python
    digest = cache.key(requirements, extra_args, str(interpreter.resolve()), version)
    folder = cache.home() / "environments" / f"{name}-py{python}-{digest}"

    def make(into: Path) -> None:
        report(f"making {' '.join(requirements) or name} on CPython {version}")
        try:
            _make(into, interpreter, requirements, extra_args)
        except uv.UvError as error:
            reason = uv.reason(error.output) or error
            raise MachineError(f"cannot make the environment {name} on CPython {version}: {reason}") from error

    return Environment(cache.made_once(folder, make))


def _make(folder: Path, interpreter: Path, requirements: Sequence[str], extra_args: Sequence[str]) -> None:
    work = folder.parent
    run = functools.partial(uv.run, cwd=work)
    run(["venv", "--quiet", "--no-project", "--python", interpreter, folder])
    if requirements:
        # Compiled now, so that no first start pays for it.
        target = ["--python", str(folder / "bin" / "python"), "--compile-bytecode"]
        run(["pip", "install", "--quiet", *target, *extra_args, *requirements])
