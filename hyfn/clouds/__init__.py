"""The clouds that are known: every folder here, and every installed entry point of the group `hyfn.clouds`.

An entry point is named for its cloud and leads to a package that holds what a folder here holds. In an artifact, where
nothing is installed, hyfn.json says which package that is.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from hyfn.declare import Platform

    Home = tuple[str, str]
    """A cloud's package, and the distribution that brings it ("" where nothing says so)."""

GROUP = "hyfn.clouds"


def known() -> list[str]:
    """The names of all clouds that declare a decorator, sorted. Raises ConfigError as `platforms` does."""
    return sorted({platform.cloud for platform in platforms().values()})


def platforms() -> dict[str, Platform[Any]]:
    """Every decorator by its name, with the `cloud` and the `package` that it belongs to. A cloud may declare several.

    Raises ConfigError for an installed cloud that cannot be imported, or that takes a name which another one has.
    """
    found: dict[str, Platform[Any]] = {}
    for cloud, (package, distribution) in sorted(_homes().items()):
        for declared in _declared(_imported(cloud, package)):
            declared.cloud, declared.package, declared.distribution = cloud, package, distribution
            other = found.setdefault(declared.name, declared)
            if other is not declared:
                raise _wrong(f"{other.package} and {package} both have a platform {declared.name!r}")
    return found


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
    package, _ = _installed().get(cloud, ("", ""))
    if not package:
        from hyfn.errors import ConfigError

        raise ConfigError(f"hyfn has no cloud {cloud!r}", hint=f"it has {', '.join(known())}")
    return import_module(f"{package}.{part}")


def _homes() -> dict[str, Home]:
    own = {cloud: (f"{__name__}.{cloud}", "hyfn") for cloud in _folders()}
    installed = _installed()
    for cloud in installed.keys() & own.keys():
        raise _wrong(f"{installed[cloud][0]} calls its cloud {cloud!r}, as hyfn calls one of its own")
    return installed | own


def _folders() -> list[str]:
    from pathlib import Path

    return sorted(found.parent.name for found in Path(__path__[0]).glob("*/__init__.py"))


def _installed() -> dict[str, Home]:
    """Those from other packages, by name."""
    from hyfn.host import load

    document = load.manifest()
    if document is not None:
        return {cloud: (package, "") for cloud, package in document.get("clouds", {}).items()}
    import sys

    path = tuple(sys.path)
    if path not in _ENTRIES:
        _ENTRIES[path] = _entries()
    return _ENTRIES[path]


_ENTRIES: dict[tuple[str, ...], dict[str, Home]] = {}
"""By what was on the path: looking for entry points opens a file of every installed distribution."""


def _entries() -> dict[str, Home]:
    from importlib.metadata import entry_points

    found: dict[str, Home] = {}
    for entry in entry_points(group=GROUP):
        home = entry.module, _normal(entry.dist.name) if entry.dist else ""
        if found.setdefault(entry.name, home)[0] != entry.module:
            raise _wrong(f"{found[entry.name][0]} and {entry.module} both call their cloud {entry.name!r}")
    return found


def _normal(name: str) -> str:
    """https://packaging.python.org/en/latest/specifications/name-normalization/"""
    import re

    return re.sub(r"[-_.]+", "-", name).lower()


def _imported(cloud: str, package: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(package)
    except Exception as error:
        if package.startswith(f"{__name__}."):
            raise
        raise _wrong(f"the cloud {cloud!r} cannot be loaded: {package}: {type(error).__name__}: {error}") from error


def _wrong(said: str) -> Exception:
    from hyfn.errors import ConfigError

    return ConfigError(said, hint="upgrade or uninstall the package that brings it")


def _declared(package: ModuleType) -> list[Platform[Any]]:
    from hyfn.declare import Platform

    found = [value for value in vars(package).values() if isinstance(value, Platform)]
    return [value for value in found if f"{value.accepts.__module__}.".startswith(f"{package.__name__}.")]
