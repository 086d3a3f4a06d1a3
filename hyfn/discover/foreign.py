"""Which modules of others the kept code imports."""

from __future__ import annotations

import sys

from hyfn.discover import providers
from hyfn.discover.references import Imported
from hyfn.discover.resolve import Names
from hyfn.model import Place

_SHARED = frozenset({"azure", "backports", "google", "jaraco", "opentelemetry", "ruamel", "sphinxcontrib", "zope"})
"""Top levels that many distributions share: only the dotted name says which."""


class Foreign:
    """Collects them, each with the first place. `optional` are those imported only where failing is provided for."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._packages = providers.packages(names.project.clouds.values())
        self._required: dict[str, Place] = {}
        self._forgiven: dict[str, Place] = {}

    def note(self, module: str, imported: Imported) -> None:
        """An import in `module`. Of the project's own modules, hyfn, the packages of clouds and the standard library
        nothing is noted."""
        name = self._name(imported)
        if name is not None:
            file = self._names.modules[module].source.file
            noted = self._forgiven if imported.is_optional else self._required
            place = Place(file, imported.line)
            before = noted.get(name, place)
            noted[name] = min(before, place, key=lambda one: (one.file, one.line))

    def demand(self, module: str, place: Place) -> None:
        """What a setting says is imported, of which the same holds."""
        name = self._name(Imported(module, None, module, place.line))
        if name is not None:
            self._required.setdefault(name, place)

    def _name(self, imported: Imported) -> str | None:
        top = imported.module.partition(".")[0]
        if not top or top in sys.stdlib_module_names or self._names.is_own(imported.module):
            return None
        if providers.holds(self._packages, f"{imported.module}.{imported.name}"):
            return None
        if top in self._names.modules:
            return None
        if top in _SHARED or self._names.is_own(top):
            return ".".join((imported.module, *([imported.name] if imported.name and imported.name != "*" else [])))
        return top

    @property
    def required(self) -> dict[str, Place]:
        return dict(sorted(self._required.items()))

    @property
    def optional(self) -> dict[str, Place]:
        return {name: place for name, place in sorted(self._forgiven.items()) if name not in self._required}
