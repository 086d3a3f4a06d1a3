"""An application in which every platform calls every platform: what `hyfn demo --matrix` runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hyfn.declare import Platform

PROJECT = '[project]\nname = "matrix"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["hyfn"]\n'
HEAD = '''"""For each platform P: `stamp_P`, which is called, and `audit_P`, which calls the stamp of another."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from time import perf_counter

{imports}


@dataclass(frozen=True)
class Paper:
    id: str
    total: Decimal
    scan: bytes


PAPER = Paper("117", Decimal("1249.50"), bytes(range(256)) * 4)


def measure(callee: str, times: int) -> list[float]:
    """Milliseconds of each call. Raises RuntimeError unless every answer comes from `callee`, the paper unchanged."""
    took = []
    for _ in range(times):
        start = perf_counter()
        platform, paper = stamp(callee, PAPER)
        took.append((perf_counter() - start) * 1000)
        if (platform, paper) != (callee, PAPER):
            raise RuntimeError(f"{{callee}} was called, and {{platform}} came back")
    return took


def stamp(callee: str, paper: Paper) -> tuple[str, Paper]:
{dispatch}
    raise ValueError(callee)
'''
PAIR = """

@{name}
def stamp_{name}(paper: Paper) -> tuple[str, Paper]:
    return "{name}", paper


@{name}
def audit_{name}(callee: str, times: int) -> list[float]:
    return measure(callee, times)
"""
TAIL = """

AUDITS = {{"laptop": measure, {audits}}}


def cell(caller: str, callee: str, times: int) -> dict[str, object]:
    found: dict[str, object] = {{"caller_platform": caller, "callee_platform": callee}}
    try:
        first, *others = AUDITS[caller](callee, times)
    except Exception as error:
        said = f"{{type(error).__name__}}: {{error}}"
        return found | {{"ok": False, "first_ms": None, "warm_ms": None, "error": said}}
    return found | {{"ok": True, "first_ms": first, "warm_ms": median(others)}}


if __name__ == "__main__":
    callees = [name for name in AUDITS if name != "laptop"]
    print(json.dumps([cell(caller, callee, int(sys.argv[1])) for callee in callees for caller in AUDITS]))
"""


def files(platforms: Mapping[str, Platform[Any]]) -> dict[str, str]:
    """The project's files. Its script, app.py, takes how often each pair is to be called, and prints the cells as JSON:
    caller_platform (a platform or "laptop"), callee_platform, ok, first_ms, warm_ms (a median), and error."""
    names = sorted(platforms)
    imports = [f"from {platforms[name].accepts.__module__} import {name}" for name in names]
    dispatch = [f'    if callee == "{name}":\n        return stamp_{name}(paper)' for name in names]
    audits = ", ".join(f'"{name}": audit_{name}' for name in names)
    head = HEAD.format(imports="\n".join(imports), dispatch="\n".join(dispatch))
    return {
        "pyproject.toml": PROJECT,
        "app.py": head + "".join(PAIR.format(name=name) for name in names) + TAIL.format(audits=audits),
    }


def callee(platform: str) -> str:
    """The party that is called on `platform`."""
    return f"app:stamp_{platform}@{platform}"
