"""The command line's own cost, over a Python that does nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from tests.bench.measure import command, in_turn, table, verdict

RUNS = 21


def run() -> Iterable[str]:
    bare, version, help_text = in_turn(
        RUNS,
        command([sys.executable, "-c", "pass"]),
        command([sys.executable, "-m", "hyfn", "--version"]),
        command([sys.executable, "-m", "hyfn", "--help"]),
    )
    rows = [["python -c pass", f"{bare.median * 1e3:.1f}", "", "", ""]]
    for name, times, goal in (("hyfn --version", version, 20), ("hyfn --help", help_text, 45)):
        over = (times.median - bare.median) * 1e3
        rows.append([name, f"{times.median * 1e3:.1f}", f"{over:.1f}", f"{goal}", verdict(over, goal)])
    return table(["command", "median ms", "over bare ms", "goal ms", "reached"], rows)
