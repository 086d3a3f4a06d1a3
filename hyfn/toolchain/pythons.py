"""The CPythons of this machine."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hyfn.errors import MachineError
from hyfn.toolchain import cache, python_places, uv

INSTALL_SECONDS = 60
PROBE_SECONDS = 20
PROBE = (
    "import sys,sysconfig;"
    "print(sys.implementation.name,'%d.%d'%sys.version_info[:2],"
    "bool(sysconfig.get_config_var('Py_GIL_DISABLED')),sys.version.split()[0])"
)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A CPython of this machine. `version` is all of it: "3.13.0"."""

    path: Path
    version: str


def interpreter(version: str) -> Interpreter | None:
    """What `find` finds, with its full version."""
    path = find(version)
    full = full_version(path, version) if path else None
    return Interpreter(path, full) if path and full else None


@functools.cache
def find(version: str) -> Path | None:
    """A CPython of that minor version ("3.13") that really runs here, or None. Never downloads."""
    for candidate in _candidates(version):
        if full_version(candidate, version) is not None:
            return candidate
    return None


def nearest(version: str, accepted: Sequence[str]) -> tuple[str, Path]:
    """`version` where it is at hand or uv can install it, else the nearest of `accepted`.

    The newer of two that are equally near. MachineError where there is none.
    """
    if version in accepted:
        found = find(version) or _installed(version)
        if found is not None:
            return version, found
    wanted = _minor(version)
    for other in sorted(accepted, key=lambda name: (abs(_minor(name) - wanted), -_minor(name))):
        found = find(other)
        if found is not None:
            return other, found
    raise MachineError(
        f"no CPython {' or '.join(accepted)} on this machine",
        hint=f"uv python install {version if version in accepted else accepted[-1]}",
    )


@functools.cache
def full_version(python: Path, minor: str) -> str | None:
    """ "3.13.0" where `python` runs and is a CPython of that minor with a GIL, else None."""
    said = _probed(python).split()
    return said[3] if said[:3] == ["cpython", minor, "False"] else None


def _probed(python: Path) -> str:
    """What the probe says in `python`, which is asked once for as long as the file is the same."""
    try:
        stat = python.stat()
    except OSError:
        return ""
    settings = os.environ.get("PYENV_VERSION", "")  # a shim of pyenv is another Python by it
    digest = cache.key(str(python), f"{stat.st_mtime_ns} {stat.st_size} {stat.st_ino}", settings)
    kept = cache.home() / "pythons" / digest
    with contextlib.suppress(OSError):
        return kept.read_text()
    said = _probe(python)
    if said:
        cache.put(kept, said.encode())
    return said


def _probe(python: Path) -> str:
    command = [str(python), "-I", "-S", "-c", PROBE]
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=PROBE_SECONDS
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _candidates(version: str) -> Iterator[Path]:
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        yield Path(getattr(sys, "_base_executable", "") or sys.executable)
    on_path = python_places.on_path(version)
    if on_path is not None:
        yield on_path
    yield from python_places.of_pyenv(version)
    yield from _of_uv(version)


def _of_uv(version: str) -> Iterator[Path]:
    try:
        said = uv.run(["python", "find", "--system", f"cpython@{version}"], cwd=Path("/"), timeout=20)
    except MachineError:
        return
    yield Path(said.strip())


@functools.cache
def _installed(version: str) -> Path | None:
    quick = {"UV_PYTHON_DOWNLOADS": "manual", "UV_HTTP_TIMEOUT": "10", "UV_HTTP_RETRIES": "0"}
    try:
        uv.run(
            ["python", "install", "--no-bin", version],
            cwd=Path("/"),
            env=quick,
            timeout=INSTALL_SECONDS,
        )
    except MachineError:
        return None
    find.cache_clear()
    return find(version)


def _minor(version: str) -> int:
    return int(version.split(".")[1])
