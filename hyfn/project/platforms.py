"""What the platforms of a project's functions say of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hyfn import clouds
from hyfn.cloud import Packer, Serving
from hyfn.model import Runtime, Target
from hyfn.pack.units import Unit
from hyfn.toolchain import machine


def packer(target: Target) -> Packer:
    found: Packer = clouds.get(target.cloud, "pack").packer
    return found


def serving(target: Target) -> Sequence[str]:
    """The requirements of what serves an artifact of `target` from within."""
    found = packer(target)
    return found.serving(target) if isinstance(found, Serving) else ()


def runtime(target: Target) -> Runtime:
    """What `target` runs on; of several machines the first."""
    return packer(target).runtimes(target)[0]


def runtimes(target: Target, is_for_here: bool) -> Sequence[Runtime]:
    """What an artifact of `target` is made for; with `is_for_here` what this machine can run of it."""
    return [machine.native(runtime(target))] if is_for_here else packer(target).runtimes(target)


def served(units: Iterable[Unit], is_for_here: bool = False) -> dict[Runtime, list[str]]:
    """Every runtime of the units, with the platforms that have it."""
    found: dict[Runtime, set[str]] = {}
    for unit in units:
        for one in runtimes(unit.target, is_for_here):
            found.setdefault(one, set()).add(unit.target.platform)
    return {one: sorted(platforms) for one, platforms in sorted(found.items(), key=lambda item: str(item[0]))}


def served_by(units: Iterable[Unit], is_for_here: bool = False) -> dict[Runtime, list[str]]:
    """By runtime, the requirements of what serves the units from within; nothing where there are none."""
    found: dict[Runtime, set[str]] = {}
    for unit in units:
        for one in runtimes(unit.target, is_for_here) if serving(unit.target) else ():
            found.setdefault(one, set()).update(serving(unit.target))
    return {one: sorted(texts) for one, texts in found.items()}
