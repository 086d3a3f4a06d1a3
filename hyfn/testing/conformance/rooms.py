"""What a cloud consists of: the modules and names that hyfn asks it for, and what loading them costs."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hyfn import clouds
from hyfn.declare import Platform
from hyfn.discover import providers
from hyfn.model import Place, Target
from hyfn.pack import stage
from hyfn.testing.conformance.live import OnPlatform

COMMON = {"calls", "env", "group", "idempotent", "python", "timeout"}
"""Options that every platform takes: hyfn itself reads them."""
SLOW = {"asyncio", "base64", "dataclasses", "hashlib", "http", "inspect", "json", "logging", "msgpack", "pathlib", "re"}
SLOW |= {"typing", "urllib", "uuid"}
MOST = 25
"""Modules that one decorator may load: a cold start pays for each."""
DECORATE = """
import sys
before = set(sys.modules)
{import_}
@{name}
def function(n: int) -> int:
    return n
print(*sorted(set(sys.modules) - before))
"""


class Rooms(OnPlatform):
    @pytest.fixture
    def known(self) -> Platform[Any]:
        return clouds.platforms()[self.platform]

    @pytest.mark.parametrize("part", ["packer", "caller", "emulator", "capabilities"])
    def test_a_cloud_has_what_hyfn_asks_it_for(self, known: Platform[Any], part: str) -> None:
        module = {"packer": "pack", "caller": "call", "emulator": "emulate"}.get(part, part)
        assert hasattr(clouds.get(known.cloud, module), part)

    def test_its_decorator_takes_the_options_that_all_have(self, known: Platform[Any]) -> None:
        parameters = inspect.signature(known.accepts).parameters
        assert parameters.keys() >= COMMON
        assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters.values())
        assert all(parameter.default is not inspect.Parameter.empty for parameter in parameters.values())
        assert known.__doc__

    def test_its_limits_name_it(self, known: Platform[Any]) -> None:
        limits = clouds.get(known.cloud, "pack").packer.limits(Target(known.cloud, known.name, {}, Place("", 0)))
        assert limits.platform

    def test_its_capabilities_are_those_that_it_is_checked_by(self, known: Platform[Any]) -> None:
        target = Target(known.cloud, known.name, {}, Place("", 0))
        packer = clouds.get(known.cloud, "pack").packer
        told = clouds.get(known.cloud, "capabilities").capabilities(target)
        assert told.limits == packer.limits(target)
        assert told.triggers == packer.offers(target)
        assert packer.runtimes(target)[0].python in told.pythons
        assert told.evidence.kind in {"runtime", "spec"}

    def test_decorating_loads_few_modules_and_no_slow_one(self, known: Platform[Any], tmp_path: Path) -> None:
        """In an interpreter as bare as a platform's, which sees what is in an artifact and no more."""
        for name, content in stage.travelling(known.package).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        program = DECORATE.format(import_=providers.source(known.name, known), name=known.name)
        argv = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{program}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        loaded = done.stdout.split()
        assert {module for module in loaded if module.partition(".")[0] in SLOW} == set()
        assert "hyfn.declare" in loaded
        assert len(loaded) <= MOST
