"""What the images of a project stand on."""

from __future__ import annotations

from collections.abc import Iterable

from hyfn.errors import ConfigError
from hyfn.model import Runtime
from hyfn.pack.image import bases, own_python
from hyfn.pack.image.model import Base
from hyfn.pack.units import Unit
from hyfn.project.platforms import packer

NAME_ONE = 'name another: base = "..." in [tool.hyfn.build] or in [tool.hyfn.functions.NAME.build], or --base'


def found(text: str, unit: Unit, runtimes: Iterable[Runtime]) -> dict[str, Base]:
    """By machine, what `text` names, as `bases.find` has it. ConfigError where the unit cannot run on it."""
    _refuse_bare(text, unit)
    by_machine = {each.machine: bases.find(text, each.machine, each.python) for each in runtimes}
    for base in by_machine.values():
        _refuse_idle(text, unit, base)
    return by_machine


def own(unit: Unit) -> str:
    """What the unit's platform has its images stand on. ConfigError where that is nothing."""
    container = packer(unit.target).container(unit.target)
    if container is None or not container.base:
        raise _wrong(unit, f"{who(unit)} has no image to stand on")
    return container.base


def who(unit: Unit) -> str:
    return f"{unit.primary.qualname} on {unit.target.platform}"


def _refuse_bare(text: str, unit: Unit) -> None:
    """What a platform is said to provide is in its own images, and in none of a bare Python."""
    lacking = packer(unit.target).provided(unit.target)
    if text == own_python.NAME and lacking:
        raise _wrong(unit, f"{who(unit)} needs {' and '.join(lacking)} in what it stands on, and {text} has none")


def _refuse_idle(text: str, unit: Unit, base: Base) -> None:
    container = packer(unit.target).container(unit.target)
    starts = (base.config.get("config") or {}).get("Entrypoint")
    if container and not container.entrypoint and not starts:
        raise _wrong(unit, f"the base {text} has no entrypoint, and {who(unit)} is started by its base")


def _wrong(unit: Unit, said: str) -> ConfigError:
    return ConfigError(said, where=str(unit.target.place), hint=NAME_ONE)
