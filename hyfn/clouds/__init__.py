"""The clouds that are known: every folder here, and every installed entry point of the group `hyfn.clouds`.

An entry point is named for its cloud and leads to a package of that name: it holds what a folder here holds.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from hyfn.declare import Platform

GROUP = "hyfn.clouds"


def known() -> list[str]:
    """The names of all clouds that declare a decorator, sorted."""
    return sorted(cloud for cloud, package in _packages().items() if _declared(package))


def platforms() -> dict[str, Platform[Any]]:
    """Every decorator by its name. A cloud may declare several."""
    packages = sorted(_packages().items())
    return {declared.name: declared for _, package in packages for declared in _declared(package)}


def get(cloud: str, part: str) -> ModuleType:
    """The module `part` of a cloud: get("aws", "pack"). Raises ConfigError for a cloud that is not known and
    ModuleNotFoundError for a part that it does not have."""
    from importlib import import_module

    package = f"{__name__}.{cloud}"
    try:
        return import_module(f"{package}.{part}")
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
    package = _installed().get(cloud, "")
    if not package:
        from hyfn.errors import ConfigError

        raise ConfigError(f"hyfn has no cloud {cloud!r}", hint=f"it has {', '.join(known())}")
    return import_module(f"{package}.{part}")


def _packages() -> dict[str, ModuleType]:
    from importlib import import_module

    names = _installed() | {cloud: f"{__name__}.{cloud}" for cloud in _folders()}
    return {cloud: import_module(name) for cloud, name in names.items()}


def _folders() -> list[str]:
    from pathlib import Path

    return sorted(found.parent.name for found in Path(__path__[0]).glob("*/__init__.py"))


def _installed() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {entry.name: entry.module for entry in entry_points(group=GROUP)}


def _declared(package: ModuleType) -> list[Platform[Any]]:
    from hyfn.declare import Platform

    found = [value for value in vars(package).values() if isinstance(value, Platform)]
    return [value for value in found if value.accepts.__module__ == package.__name__]
