"""What decorating costs: every cold start pays for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import hyfn
from hyfn import clouds

SLOW = {
    "asyncio",
    "base64",
    "dataclasses",
    "hashlib",
    "http",
    "inspect",
    "json",
    "logging",
    "msgpack",
    "pathlib",
    "re",
    "typing",
    "urllib",
    "uuid",
}
DECORATE = """
import sys
before = set(sys.modules)
from hyfn import {name}
@{name}
def function(n: int) -> int:
    return n
loaded = sorted(set(sys.modules) - before)
import json
print(json.dumps(loaded))
"""


def loaded_by(name: str) -> set[str]:
    """What a fresh interpreter, as bare as a platform's, loads to decorate one function."""
    root = hyfn.__path__[0].rpartition("/")[0]
    program = f"import sys; sys.path.insert(0, {root!r})" + DECORATE.format(name=name)
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("name", sorted(clouds.platforms()))
def test_decorating_loads_few_modules_and_no_slow_one(name: str) -> None:
    loaded = loaded_by(name)

    assert {module for module in loaded if module.partition(".")[0] in SLOW} == set()
    assert len(loaded) <= 25, loaded
    assert "hyfn.declare" in loaded


@pytest.mark.parametrize("name", sorted(clouds.known()))
def test_decorating_for_one_cloud_loads_no_other(name: str) -> None:
    others = {f"hyfn.clouds.{cloud}" for cloud in clouds.known()} - {f"hyfn.clouds.{name}"}

    assert loaded_by(name) & others == set()
