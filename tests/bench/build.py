"""Packaging one generated application: hyfn, uv + zip, Chalice and SAM, in CPU seconds of the process tree.

"cold": no cache, no lock, network included. "warm": the user's caches are full, what the tool wrote into the project
is gone. "no change": the same command again. "one line": one in the body of a function without dependencies, which
costs the peers least; "at once again": no change since then, but the changed file is some moments old.
HYFN_BENCH_QUICK=1: half the rounds, and of the 100 functions only hyfn's.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hyfn.toolchain import scratch
from tests.bench.measure import table, verdict
from tests.bench.packagers import app, importing, tools
from tests.bench.packagers.workshop import Cost, Workshop

QUICK = os.environ.get("HYFN_BENCH_QUICK", "") not in ("", "0")
HYFN, UV, CHALICE, SAM, BARE = range(5)
IMPORTS = 1 if QUICK else 7
"""Rounds of cold imports."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is measured, and in how many rounds for each of the four tools."""

    name: str
    act: Callable[[Workshop], Cost]
    rounds: Sequence[int]


def _line_of(kind: str) -> Callable[[Workshop], Cost]:
    return lambda shop: shop.one_line(shop.app.first(kind))


def _again(shop: Workshop) -> Cost:
    shop.one_line(shop.app.first("plain"))
    return shop.build()


FIVE = (
    Situation("cold", Workshop.cold, (2, 2, 1, 1, 2)),
    Situation("warm", Workshop.warm, (3, 3, 1, 1, 3)),
    Situation("no change", Workshop.build, (5, 1, 5, 3, 0)),
    Situation("one line", _line_of("plain"), (5, 1, 1, 5, 3)),
    Situation("at once again", _again, (3, 0, 0, 0, 0)),
    Situation("one line, with numpy", _line_of("numpy"), (3, 0, 0, 0, 3)),
    Situation("a line that all share", Workshop.shared_line, (3, 0, 0, 0, 0)),
)
HUNDRED = (
    Situation("first, wheels cached", Workshop.build, (1, 1, 1, 1)),
    Situation("warm", Workshop.warm, (3, 0, 0, 0)),
    Situation("no change", Workshop.build, (5, 0, 3, 1)),
    Situation("one line", _line_of("plain"), (3, 0, 1, 1)),
)
Medians = Mapping[str, Sequence[Cost | None]]
"""By situation, for each of the tools."""

GOALS = {
    "no change, over chalice": 0.25,
    "one line, over sam": 0.10,
    "warm, over uv + zip": 0.10,
    "cold, over uv + zip": 1.0,
    "cold without .pyc, over uv + zip": 1.0,
    "no change, 100 functions over 5": 3.0,
    "size with .pyc, over uv + zip": 1.6,
    "size without .pyc, over uv + zip": 1.0,
    "cold import of numpy's with .pyc, over without": 0.55,
    "cold import of httpx+pydantic's with .pyc, over without": 0.55,
}


def run() -> Iterable[str]:
    with scratch.folder("hyfn-bench-build-") as folder:
        shops = [Workshop(tool, app.five(), folder / f"five-{n}") for n, tool in enumerate(_tools())]
        five = {each.name: _medians(each, shops) for each in FIVE}
        yield from ("5 functions, 3 shared modules: CPU s (wall s)", "", *_times(shops, five))
        bare = shops.pop()
        yield from _sizes([shops[HYFN], bare, *shops[UV:]])
        imports = _imports(folder / "imports", shops, bare)
        yield from _import_times(imports)
        large = [
            Workshop(shop.tool, app.hundred(), folder / f"hundred-{n}", shop.caches) for n, shop in enumerate(shops)
        ]
        hundred = {each.name: _medians(_hundred(each), large) for each in HUNDRED}
        yield from ("", "100 functions, 12 shared modules: CPU s (wall s)", "", *_times(large, hundred))
        yield from _verdicts({**_time_ratios(five, hundred), **_size_ratios(shops, bare), **_import_ratios(imports)})


def _tools() -> list[tools.Tool]:
    return [tools.hyfn(), tools.uv_zip(), tools.chalice(_say), tools.sam(_say), tools.hyfn(pyc=False)]


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _hundred(situation: Situation) -> Situation:
    return replace(situation, rounds=[situation.rounds[HYFN], 0, 0, 0]) if QUICK else situation


def _medians(situation: Situation, shops: Sequence[Workshop]) -> list[Cost | None]:
    """The tools take turns, so that the machine's drift hits all of them."""
    rounds = [(each + 1) // 2 for each in situation.rounds] if QUICK else situation.rounds
    costs: list[list[Cost]] = [[] for _ in shops]
    for number in range(max(rounds)):
        for shop, wanted, taken in zip(shops, rounds, costs, strict=True):
            if number < wanted:
                taken.append(situation.act(shop))
    return [_median(taken) if taken else None for taken in costs]


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(statistics.median(each.cpu for each in costs), statistics.median(each.wall for each in costs))


def _times(shops: Sequence[Workshop], medians: Medians) -> list[str]:
    rows = [[shop.tool.name, *(_cell(costs[n]) for costs in medians.values())] for n, shop in enumerate(shops)]
    return table(["tool", *medians], rows)


def _cell(cost: Cost | None) -> str:
    return f"{cost.cpu:.2f} ({cost.wall:.2f})" if cost else "-"


def _sizes(shops: Sequence[Workshop]) -> Iterable[str]:
    names = [function.name for function in shops[HYFN].app.functions]
    yield from ("", "Size, kB (SAM's are folders, not yet zipped; Chalice's is one zip for all)", "")
    yield from table(["tool", *names, "in all"], [_size_row(shop, names) for shop in shops])


def _size_row(shop: Workshop, names: Sequence[str]) -> list[str]:
    sizes = shop.sizes()
    each = [f"{sizes[name] / 1e3:.1f}" if name in sizes else "-" for name in names]
    return [shop.tool.name, *each, f"{sum(sizes.values()) / 1e3:.1f}"]


Imports = Mapping[tuple[str, str], float]
"""CPU seconds by the tool's name and the function's kind; kind "" is a Python that imports nothing."""


def _imports(folder: Path, shops: Sequence[Workshop], bare: Workshop) -> Imports:
    modules: dict[tuple[str, str], tuple[Path, str]] = {("", ""): (folder, "sys")}
    for shop in (shops[HYFN], bare, shops[UV]):
        for function in (shop.app.first("numpy"), shop.app.first("web")):
            into = folder / shop.place.folder.name / function.name
            importing.unpack(shop.archive(function), into)
            modules[shop.tool.name, function.kind] = (into, shop.tool.imports(function))
    seconds = importing.in_turn(1 if QUICK else IMPORTS, list(modules.values()), folder / "cost.json")
    return dict(zip(modules, seconds, strict=True))


def _import_times(imports: Imports) -> Iterable[str]:
    rows = [[tool or "a bare Python", kind, f"{seconds:.3f}"] for (tool, kind), seconds in imports.items()]
    yield from (
        "",
        "Import of a function from its unpacked artifact, nothing written: CPU s of the vendor's Python",
        "",
    )
    yield from table(["tool", "function", "CPU s"], rows)


Ratios = Mapping[str, float | None]
"""By goal; None where a side was not measured."""


def _time_ratios(five: Medians, hundred: Medians) -> Ratios:
    return {
        "no change, over chalice": _over(five["no change"][HYFN], five["no change"][CHALICE]),
        "one line, over sam": _over(five["one line"][HYFN], five["one line"][SAM]),
        "warm, over uv + zip": _over(five["warm"][HYFN], five["warm"][UV]),
        "cold, over uv + zip": _over(five["cold"][HYFN], five["cold"][UV]),
        "cold without .pyc, over uv + zip": _over(five["cold"][BARE], five["cold"][UV]),
        "no change, 100 functions over 5": _over(hundred["no change"][HYFN], five["no change"][HYFN]),
    }


def _over(ours: Cost | None, theirs: Cost | None) -> float | None:
    return ours.cpu / theirs.cpu if ours and theirs else None


def _size_ratios(shops: Sequence[Workshop], bare: Workshop) -> Ratios:
    ours, theirs, without = (sum(shop.sizes().values()) for shop in (shops[HYFN], shops[UV], bare))
    return {"size with .pyc, over uv + zip": ours / theirs, "size without .pyc, over uv + zip": without / theirs}


def _import_ratios(imports: Imports) -> Ratios:
    ours, bare = tools.hyfn().name, tools.hyfn(pyc=False).name
    return {
        f"cold import of {who}'s with .pyc, over without": imports[ours, kind] / imports[bare, kind]
        for who, kind in (("numpy", "numpy"), ("httpx+pydantic", "web"))
    }


def _verdicts(ratios: Ratios) -> Iterable[str]:
    rows = [[name, f"{goal:.2f} x", *_judged(ratios[name], goal)] for name, goal in GOALS.items()]
    yield from ("", *table(["hyfn's", "goal", "is", "reached"], rows))


def _judged(ratio: float | None, goal: float) -> tuple[str, str]:
    return (f"{ratio:.3f} x", verdict(ratio, goal)) if ratio is not None else ("not measured", "NO")
