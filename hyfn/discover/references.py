"""What code refers to outside itself: the nouns that scopes, units and the graph share."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import NamedTuple

from hyfn.discover.scope import dotted
from hyfn.model import Literal

CALLED_WITH = "()"
"""`f()` as a global name stands for what is handed to the function f: a registry's decorator keeps it somewhere."""


class Ref(NamedTuple):
    """A dotted name. `path` starts in the module `start`, or for None among the global names of the module read.

    `is_called`: what it names is called on the spot. `is_mention`: an annotation or a `del`; it calls nothing.
    `is_alias`: only gives what it names another name. `text` is what to show of a module used as a value.
    """

    start: str | None
    path: tuple[str, ...]
    line: int
    is_called: bool = False
    is_mention: bool = False
    is_alias: bool = False
    text: str = ""


class Imported(NamedTuple):
    """`import module` (name is None), `from module import name` or `import *`, bound as `local`.

    `is_optional`: inside try/except ImportError, so that the code lives without it. `is_renamed`: `import a.b as c`.
    """

    module: str
    name: str | None
    local: str
    line: int
    is_optional: bool = False
    is_renamed: bool = False


class Flow(NamedTuple):
    """Values that statements put where others find them: `into` are the names that hold what `refs` name from then on.

    `is_call`: `into` are called with them. `is_loose`: where `into` is none of the project's, anything may come of it.
    """

    into: tuple[Ref, ...]
    refs: tuple[Ref, ...]
    is_call: bool = False
    is_loose: bool = False


class Choice(NamedTuple):
    """A call that reading cannot resolve. `among` is what it picks from; None where that may be anything."""

    text: str
    line: int
    among: tuple[Ref, ...] | None


@dataclass(slots=True)
class Found:
    """All that one statement, with everything inside it, refers to. `runs` are called while the statement runs."""

    refs: list[Ref] = field(default_factory=list)
    imports: list[Imported] = field(default_factory=list)
    raises: list[Ref] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    literals: list[Literal] = field(default_factory=list)
    runs: list[Ref] = field(default_factory=list)


def chain(node: ast.expr) -> tuple[str, ...] | None:
    """("a", "b") for `a.b`; None for anything but names and attributes."""
    name = dotted(node)
    return tuple(name.split(".")) if name else None


def imports(node: ast.Import | ast.ImportFrom, base: str, is_optional: bool) -> list[Imported]:
    """One for each name of the statement. `base` is the module of `from ... import`, its dots resolved."""
    if isinstance(node, ast.Import):
        return [
            Imported(name, None, alias.asname or name.partition(".")[0], node.lineno, is_optional, bool(alias.asname))
            for alias in node.names
            for name in [alias.name]
        ]
    return [Imported(base, alias.name, alias.asname or alias.name, node.lineno, is_optional) for alias in node.names]


def start_of(imported: Imported) -> tuple[str, tuple[str, ...]]:
    """Where the local name of an import leads: a module and a path in it."""
    if imported.name is not None:
        return imported.module, (imported.name,)
    return (imported.module if imported.is_renamed else imported.module.partition(".")[0]), ()
