"""The wheels that one runtime may have: which of them provide a module, and what each needs."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hyfn.errors import BuildError
from hyfn.model import Runtime, Wheel
from hyfn.pack.wheels.compatible import applies
from hyfn.pack.wheels.wheel import Contents


@dataclass(frozen=True)
class Shelf:
    """By the distributions' names, in their order: the `wheels`, the `digests` of their files (SHA-256, hex; another
    than the wheel's own where that comes as an sdist) and their `contents`; `lost` are those that could not be built,
    and why."""

    runtime: Runtime
    wheels: Mapping[str, Wheel]
    digests: Mapping[str, str]
    contents: Mapping[str, Contents]
    lost: Mapping[str, BuildError] = field(default_factory=dict)

    @functools.cached_property
    def provides(self) -> Mapping[str, frozenset[str]]:
        """Import name → the distributions that provide it. Of a namespace package its parts are named too.

        "numpy" is one name; "google" belongs to many distributions, "google.cloud.storage" to one.
        """
        owners: dict[str, set[str]] = {}
        regular: set[str] = set()
        modules = [(name, module) for name, contents in self.contents.items() for module in contents.modules]
        for name, (dotted, is_package) in modules:
            for prefix in _prefixes(dotted):
                owners.setdefault(prefix, set()).add(name)
            if is_package:
                regular.add(dotted)
        shown = {prefix for _, (dotted, _) in modules for prefix in _until_owned(dotted, owners, regular)}
        return {prefix: frozenset(owners[prefix]) for prefix in sorted(shown)}

    def providers(self, name: str) -> frozenset[str]:
        """The distributions that provide the longest known part of the import name `name`."""
        parts = name.split(".")
        prefixes = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
        return next((self.provides[prefix] for prefix in prefixes if prefix in self.provides), frozenset())

    def closure(self, requirements: Iterable[Requirement]) -> dict[str, str]:
        """The names of all distributions that `requirements` need, lost ones too, extras and markers observed; each
        with the name of the one that needs it, "" for those of `requirements`."""
        waiting = [(requirement, "") for requirement in requirements]
        seen: set[tuple[str, str]] = set()
        found: dict[str, str] = {}
        for requirement, parent in waiting:
            name = canonicalize_name(requirement.name)
            if name in self.contents or name in self.lost:
                found.setdefault(name, parent)
            if name not in self.contents:
                continue
            for extra in {"", *requirement.extras} - {extra for known, extra in seen if known == name}:
                seen.add((name, extra))
                waiting += [(need, name) for need in self.contents[name].needs if applies(need, self.runtime, extra)]
        return found


def _prefixes(dotted: str) -> Sequence[str]:
    parts = dotted.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _until_owned(dotted: str, owners: Mapping[str, set[str]], regular: set[str]) -> Iterator[str]:
    for prefix in _prefixes(dotted):
        yield prefix
        if prefix in regular and len(owners[prefix]) == 1:
            return
