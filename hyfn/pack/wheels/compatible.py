"""What fits a runtime: uv's name of it, its markers, and which of a distribution's wheels it takes first. Pure."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator, Mapping

from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from hyfn.model import Runtime

# The values of uv's --python-platform, by glibc.
MANYLINUX = ("2.17", "2.28", "2.31", "2.32", "2.33", "2.34", "2.35", "2.36", "2.37", "2.38", "2.39", "2.40")

# From PEP 600.
LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
OLDEST_MINOR = {"x86_64": 5}
OLDEST_MINOR_ELSEWHERE = 17


def describe(runtime: Runtime) -> str:
    return f"CPython {runtime.python} on {runtime.machine} with glibc {runtime.glibc}"


def tag(runtime: Runtime) -> str:
    """uv's name of the platform: the newest manylinux that `runtime`'s glibc has."""
    return f"{runtime.machine}-manylinux_{_manylinux(runtime).replace('.', '_')}"


def arguments(runtime: Runtime) -> list[str]:
    """What makes uv choose for `runtime`, never for this machine. Our own Python spares it a search for one."""
    return ["--python", sys.executable, "--python-platform", tag(runtime), "--python-version", runtime.python]


def best(files: Iterable[str], runtime: Runtime) -> str:
    """Of a distribution's wheels, by their file names, the one whose tags come first on `runtime`, "" if none fits.

    The order is that of packaging.tags, and of two with the same tags the higher build number wins, as pip and uv
    have it.
    """
    ranked = sorted((rank, file) for file in files if (rank := _rank(file, runtime)) is not None)
    return ranked[0][1] if ranked else ""


def applies(requirement: Requirement, runtime: Runtime, extra: str = "") -> bool:
    """Whether its marker, if any, is true on `runtime`."""
    if requirement.marker is None:
        return not extra
    return requirement.marker.evaluate({**_marker_values(runtime), "extra": extra})


@functools.lru_cache(maxsize=64)
def _marker_values(runtime: Runtime) -> Mapping[str, str]:
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{runtime.python}.0",
        "os_name": "posix",
        "platform_machine": runtime.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{runtime.python}.0",
        "python_version": runtime.python,
        "sys_platform": "linux",
    }


def numbers(version: str) -> tuple[int, ...]:
    """ "2.34" as it is compared."""
    return tuple(int(part) for part in version.split("."))


def _rank(file: str, runtime: Runtime) -> tuple[int, tuple[int, str]] | None:
    try:
        _, _, build, tags = parse_wheel_filename(file)
    except InvalidWheelFilename:
        return None
    order = _order(runtime)
    places = [order[one] for one in tags if one in order]
    number, suffix = build or (0, "")
    return (min(places), (-number, suffix)) if places else None


@functools.lru_cache(maxsize=64)
def _order(runtime: Runtime) -> Mapping[Tag, int]:
    python = numbers(runtime.python)
    platforms = list(_platforms(runtime))
    interpreter = f"cp{''.join(map(str, python))}"
    tags = [*cpython_tags(python, platforms=platforms), *compatible_tags(python, interpreter, platforms)]
    return {one: place for place, one in enumerate(tags)}


def _platforms(runtime: Runtime) -> Iterator[str]:
    oldest = OLDEST_MINOR.get(runtime.machine, OLDEST_MINOR_ELSEWHERE)
    for minor in range(numbers(_manylinux(runtime))[1], oldest - 1, -1):
        yield f"manylinux_2_{minor}_{runtime.machine}"
        if minor in LEGACY:
            yield f"{LEGACY[minor]}_{runtime.machine}"
    yield f"linux_{runtime.machine}"


def _manylinux(runtime: Runtime) -> str:
    fitting = [version for version in MANYLINUX if numbers(version) <= numbers(runtime.glibc)]
    return fitting[-1] if fitting else MANYLINUX[0]
