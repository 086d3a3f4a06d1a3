"""The command line's own cost, over a Python that does nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.bench.measure import command, in_turn, table, verdict

RUNS = 31
HYFN = Path(sys.executable).with_name("hyfn")
"""The command as it is installed."""


def run() -> Iterable[str]:
    bare, version, help_text = in_turn(
        RUNS,
        command([sys.executable, "-c", "pass"]),
        command([str(HYFN), "--version"]),
        command([str(HYFN), "--help"]),
    )
    rows = [["python -c pass", f"{bare.median * 1e3:.1f}", "", "", ""]]
    for name, times, goal in (("hyfn --version", version, 20), ("hyfn --help", help_text, 45)):
        over = (times.median - bare.median) * 1e3
        rows.append([name, f"{times.median * 1e3:.1f}", f"{over:.1f}", f"{goal}", verdict(over, goal)])
    return table(["command", "median ms", "over bare ms", "goal ms", "reached"], rows)
