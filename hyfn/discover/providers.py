"""The packages that clouds come from: hyfn, and those of others that are installed beside it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from hyfn.discover.options import Platform, Platforms
from hyfn.model import Cloud

HYFN = "hyfn"


def clouds(platforms: Platforms) -> dict[str, Cloud]:
    """Every cloud that has one of the platforms, by name."""
    found: dict[str, Cloud] = {}
    for name, platform in sorted(platforms.items()):
        before = found.get(platform.cloud)
        names = (*(before.platforms if before else ()), name)
        found[platform.cloud] = Cloud(platform.cloud, platform.package, platform.distribution, names)
    return found


def packages(clouds: Iterable[Cloud]) -> frozenset[str]:
    """hyfn, and the packages of the clouds that are not its own."""
    return frozenset({HYFN, *(cloud.package for cloud in clouds if not cloud.is_own)})


def holds(packages: Collection[str], name: str) -> bool:
    """Whether a dotted name is one of the packages, or something in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def paths(name: str, platform: Platform) -> set[str]:
    """The dotted names by which a program can import the decorator."""
    if platform.distribution == HYFN:
        return {f"{HYFN}.{name}", f"{platform.package}.{name}"}
    return {f"{platform.package}.{name}", f"{platform.accepts.__module__}.{name}"}


def source(name: str, platform: Platform) -> str:
    """The import that brings the decorator, as one writes it."""
    return f"from {HYFN if platform.distribution == HYFN else platform.package} import {name}"
