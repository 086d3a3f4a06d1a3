"""Whether uv reaches a package index from here."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

from hyfn.errors import MachineError
from hyfn.toolchain import uv


@functools.cache
def is_reachable() -> bool:
    try:
        uv.run(["pip", "compile", "-", "--quiet", "--no-deps", "--universal"], cwd=Path("/"), stdin="six", timeout=60)
    except MachineError:
        return False
    return True


def require() -> None:
    """Skip at home where no index can be reached; on CI that is a failure."""
    if not is_reachable():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no package index can be reached")
