"""What an artifact weighs, by distribution, and why each is in it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hyfn.model import Part, Place, Source
from hyfn.pack import splice
from hyfn.pack.splice import Member

HEADINGS = ("distribution", "version", "KB", "unpacked", "%")
CODE, OWN, TOTAL = "the project's code", "hyfn itself", "all"
HEAVIEST = 5
"""Files of the project's code that are named."""

Imports = Callable[[Source], Iterable[tuple[str, int]]]
"""Absolute names of what a module imports, attributes included, each with its line: hyfn.discover.source.imports."""


@dataclass(frozen=True, slots=True)
class Row:
    """What weighs: bytes as it travels and unpacked, and the percentage of what travels.

    `version` is "" for what is no distribution. `why` is the chain of a distribution; of the project's code the
    heaviest files.
    """

    name: str
    version: str
    packed: int
    unpacked: int
    share: float
    why: Sequence[str]


def rows(parts: Sequence[Part], code: Iterable[Member], packages: Collection[str] = ("hyfn",)) -> list[Row]:
    """Distributions, heaviest first; then the project's code, what travels of hyfn, and all together.

    `code` are the members of the artifact that no distribution brought; `packages` are hyfn, and those that its clouds
    come from.
    """
    files = list(code)
    folders = [f"/{package.replace('.', '/')}/" for package in packages]
    own = [one for one in files if _is_own(one.name, folders)]
    users = [one for one in files if not _is_own(one.name, folders)]
    total = sum(part.packed for part in parts) + sum(map(_packed, files))
    return [
        *(
            Row(part.name, part.version, part.packed, part.unpacked, _share(part.packed, total), part.why)
            for part in sorted(parts, key=lambda part: (-part.packed, part.name))
        ),
        _row(CODE, users, total, list(_heaviest(users))),
        _row(OWN, own, total, ()),
        Row(TOTAL, "", total, sum(part.unpacked for part in parts) + sum(one.size for one in files), 100.0, ()),
    ]


def _row(name: str, files: Sequence[Member], total: int, why: Sequence[str]) -> Row:
    packed = sum(map(_packed, files))
    return Row(name, "", packed, sum(one.size for one in files), _share(packed, total), why)


def _is_own(path: str, folders: Sequence[str]) -> bool:
    """hyfn's package may lie below the folder that a platform has for libraries; nobody else's has its name."""
    return any(folder in f"/{path}" for folder in folders) or path.rpartition("/")[2] == "hyfn.json"


def _packed(one: Member) -> int:
    return len(one.stream) + splice.overhead(len(one.name.encode()))


def _share(packed: int, total: int) -> float:
    return round(100 * packed / total, 1) if total else 0.0


def _heaviest(files: Sequence[Member]) -> Iterator[str]:
    ordered = sorted(files, key=lambda one: (-_packed(one), one.name))
    for one in ordered[:HEAVIEST]:
        yield f"{one.name}: {_kilobytes(_packed(one))} KB"
    if len(ordered) > HEAVIEST:
        yield f"and {len(ordered) - HEAVIEST} more"


def cells(found: Sequence[Row]) -> Iterator[list[str]]:
    """Lines of a table under HEADINGS: each row, and below it, indented, why it is there."""
    for row in found:
        yield [row.name, row.version, _kilobytes(row.packed), _kilobytes(row.unpacked), f"{row.share:.1f}"]
        for step in row.why:
            yield [f"  {step}", "", "", "", ""]


def _kilobytes(size: int) -> str:
    return f"{size / 1024:.1f}"


def document(found: Sequence[Row]) -> dict[str, Any]:
    """The same for a program, sizes in bytes: {"distributions": [...], "code": {}, "hyfn": {}, "total": {}}."""
    *distributions, code, own, total = found
    return {
        "distributions": [
            {"name": row.name, "version": row.version, **_weight(row), "why": list(row.why)} for row in distributions
        ],
        "code": _weight(code),
        "hyfn": _weight(own),
        "total": _weight(total),
    }


def _weight(row: Row) -> dict[str, Any]:
    return {"packed": row.packed, "unpacked": row.unpacked, "share": row.share}


def chain(modules: Mapping[str, Source], functions: Sequence[str], place: Place, imports: Imports) -> list[str]:
    """The shortest way from the modules of `functions` (identities) to the one that `place` is in, through `modules`.

    Each step reads "app.py:3 imports pricing". Empty where `place` is in a function's own module or its packages, and
    where no import that can be read leads to it.
    """
    own = (name for function in functions for name in _loaded(function.partition(":")[0], modules))
    steps: dict[str, list[str]] = {name: [] for name in own}
    waiting = deque(steps)
    while waiting:
        source = modules[waiting.popleft()]
        if source.file == place.file:
            return steps[source.module]
        for name, line in imports(source):
            for module in _loaded(name, modules):
                if module not in steps:
                    steps[module] = [*steps[source.module], f"{source.file}:{line} imports {module}"]
                    waiting.append(module)
    return []


def _loaded(name: str, modules: Mapping[str, Source]) -> Iterator[str]:
    """The modules that importing a dotted name loads, the innermost first: its packages are loaded with it."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        module = ".".join(parts[:count])
        if module in modules:
            yield module
