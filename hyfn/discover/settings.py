"""[tool.hyfn]: which options its tables give to a function, and what in it is wrong.

Highest first: the stage's tables, the function's tables, the decorator, the platform's table. What is a table itself,
such as `env`, is put together key by key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from hyfn.discover import recipes
from hyfn.discover.config import Document, Keys
from hyfn.discover.marks import Mark, Marked
from hyfn.discover.options import Platforms, accepted, nearest, problem
from hyfn.errors import ConfigError
from hyfn.model import Recipe, Target

ROOT: Keys = ("tool", "hyfn")
DEFAULT_STAGE = "default-stage"
"""Names the active stage where nobody else does. `stage = "x"` does so too, in place of [tool.hyfn.stage.x]."""


SHIPPING = ("state", "registry")
"""Settings for `hyfn ship`, for all stages or one: where it is recorded what is live, and where images go."""
TEXTS = ("app", DEFAULT_STAGE, *SHIPPING)


class Settings:
    """One project's tables. `stage` is the active one: "" takes the one that the tables name. `modules` are the
    project's own."""

    def __init__(
        self,
        document: Document,
        platforms: Platforms,
        functions: Sequence[Marked],
        stage: str = "",
        modules: Collection[str] = (),
    ) -> None:
        self._document = document
        self._platforms = platforms
        self._functions = functions
        self._modules = modules
        self._paths = {f"{found.source.module}.{found.node.name}": found for found in functions}
        self._meant: dict[str, list[Marked]] = {}
        named = [document.get(*ROOT, key) for key in (DEFAULT_STAGE, "stage")]
        self._stage = stage or next((name for name in named if isinstance(name, str)), "")

    def target(self, function: Marked, mark: Mark) -> Target:
        """A mark with all its options."""
        platform = mark.platform
        layers = [self._table(*ROOT, platform.name), mark.options, self._own(ROOT, function, mark)]
        for stage in self._stages():
            layers += [self._table(*stage, platform.name), self._own(stage, function, mark)]
        options = _layered(layers)
        known = {name: value for name, value in options.items() if name in accepted(platform)}
        return Target(platform.cloud, platform.name, known, mark.place)

    def recipe(self, function: Marked) -> Recipe:
        """How the artifact with this function is made."""
        tables: list[Keys] = []
        for layer in (ROOT, *self._stages()):
            tables.append((*layer, recipes.TABLE))
            names = [name for name in self._table(*layer, "functions") if self._named(name) == [function]]
            tables += [(*layer, "functions", name, recipes.TABLE) for name in names]
        return recipes.recipe(self._document, tables)

    def _stages(self) -> list[Keys]:
        return [(*ROOT, "stage", self._stage)] if self._stage else []

    def _own(self, layer: Keys, function: Marked, mark: Mark) -> dict[str, Any]:
        """The options of this function's table in one layer: those for any platform, then those for this one."""
        found: dict[str, Any] = {}
        for name in self._table(*layer, "functions"):
            if self._named(name) == [function]:
                table = self._table(*layer, "functions", name)
                anywhere = {key: value for key, value in table.items() if key not in self._platforms}
                found = _layered([found, anywhere, self._table(*layer, "functions", name, mark.platform.name)])
        return found

    def _table(self, *keys: str) -> Mapping[str, Any]:
        found = self._document.get(*keys)
        return found if isinstance(found, Mapping) else {}

    def _named(self, name: str) -> list[Marked]:
        """The functions that `name` may mean: a bare name, or one with its module or the end of it."""
        if name not in self._meant:
            self._meant[name] = list(self._meanings(name.replace(":", ".")))
        return self._meant[name]

    def _meanings(self, dotted: str) -> Iterable[Marked]:
        if dotted in self._paths:
            return [self._paths[dotted]]
        return [found for path, found in self._paths.items() if path.endswith(f".{dotted}")]

    def problems(self) -> Iterator[ConfigError]:
        """What is wrong in any table, each with its line. Every stage's are checked, not only the active one's."""
        table = self._document.get(*ROOT)
        if table is None:
            return
        plain: dict[str, type[Any]] = dict.fromkeys(TEXTS, str)
        if isinstance(table, Mapping) and isinstance(table.get("stage"), Mapping):
            for stage in table["stage"]:
                yield from self._layer((*ROOT, "stage", stage), dict.fromkeys(SHIPPING, str))
            yield from self._layer(ROOT, {**plain, "stage": dict})
        else:
            yield from self._layer(ROOT, {**plain, "stage": str})
            yield from self._named_twice()

    def _named_twice(self) -> Iterator[ConfigError]:
        if isinstance(self._document.get(*ROOT, "stage"), str) and self._document.get(*ROOT, DEFAULT_STAGE):
            yield self._document.error(f"stage and {DEFAULT_STAGE} say the same", (*ROOT, "stage"), "leave stage out")

    def _layer(self, keys: Keys, plain: Mapping[str, type[Any]]) -> Iterator[ConfigError]:
        known = {**dict.fromkeys(self._platforms), "functions": None, recipes.TABLE: None, **plain}
        for key, value in self._checked(keys):
            here = (*keys, key)
            if key in plain:
                if not isinstance(value, plain[key]):
                    yield self._document.error(f"{key} must be a string", here)
            elif key == "functions":
                for name, _ in self._checked(here):
                    yield from self._function((*here, name), name)
            elif key == recipes.TABLE:
                yield from recipes.problems(self._document, here, self._modules)
            elif key in self._platforms:
                yield from self._platform(here, key)
            else:
                yield self._document.error(f"hyfn has no setting {key!r}", here, nearest(key, known))
        yield from self._no_table(keys, *known)

    def _checked(self, keys: Keys) -> list[tuple[str, Any]]:
        return list(self._table(*keys).items())

    def _no_table(self, keys: Keys, *inner: str) -> Iterator[ConfigError]:
        """Where a table should be and a value is."""
        if not isinstance(self._document.get(*keys), Mapping):
            yield self._document.error(f"{keys[-1]} must be a table", keys, f"such as [{'.'.join(keys)}]")
            return
        for key in inner:
            value = self._document.get(*keys, key)
            if value is not None and not isinstance(value, Mapping) and key not in (*TEXTS, "stage"):
                yield self._document.error(
                    f"{key} must be a table", (*keys, key), f"such as [{'.'.join((*keys, key))}]"
                )

    def _platform(self, keys: Keys, platform: str) -> Iterator[ConfigError]:
        for option, value in self._checked(keys):
            if wrong := problem(self._platforms[platform], option, value):
                yield self._document.error(wrong[0], (*keys, option), wrong[1])

    def _function(self, keys: Keys, name: str) -> Iterator[ConfigError]:
        found = self._named(name)
        if len(found) != 1:
            yield self._unknown_function(keys, name, found)
            return
        yield from self._no_table(keys)
        platforms = [mark.platform.name for mark in found[0].marks]
        for key, value in self._checked(keys):
            if key == recipes.TABLE:
                yield from self._no_table((*keys, key))
                yield from recipes.problems(self._document, (*keys, key), self._modules)
            elif key in platforms:
                yield from self._no_table((*keys, key))
                yield from self._platform((*keys, key), key)
            elif key in self._platforms:
                yield self._document.error(f"{name} is not on {key}", (*keys, key), f"it is on {', '.join(platforms)}")
            else:
                yield from self._for_any(keys, platforms, key, value)

    def _for_any(self, keys: Keys, platforms: Sequence[str], option: str, value: object) -> Iterator[ConfigError]:
        """An option for every platform of the function that has it: one must, and it must fit all that do."""
        having = [name for name in platforms if option in accepted(self._platforms[name])]
        for name in having or platforms[:1]:
            if wrong := problem(self._platforms[name], option, value):
                yield self._document.error(wrong[0], (*keys, option), wrong[1])
                return

    def _unknown_function(self, keys: Keys, name: str, found: Sequence[Marked]) -> ConfigError:
        paths = [f"{marked.source.module}.{marked.node.name}" for marked in found or self._functions]
        quoted = [f"{name}.{inner}" for inner in self._table(*keys) if len(self._named(f"{name}.{inner}")) == 1]
        if found:
            return self._document.error(f"{name!r} may be {' or '.join(paths)}", keys, f'write "{paths[0]}", quoted')
        if quoted:
            return self._document.error(f"no function is called {name!r}", keys, f'quote the name: "{quoted[0]}"')
        known = dict.fromkeys([marked.node.name for marked in self._functions] + paths)
        return self._document.error(f"no function is called {name!r}", keys, nearest(name, known))


def _layered(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All their options: of two with one name the later, or both together where they are tables."""
    found: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            before = found.get(name)
            both = isinstance(before, Mapping) and isinstance(value, Mapping)
            found[name] = {**before, **value} if both and before is not None else value
    return found
