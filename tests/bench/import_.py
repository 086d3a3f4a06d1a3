"""What `from hyfn import aws` costs a user's module, net of Python itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

from tests.bench.measure import command, in_turn, table, verdict

RUNS = 31
COUNT = "import sys; before = set(sys.modules); from hyfn import aws; print(len(set(sys.modules) - before))"


def run() -> Iterable[str]:
    bare, decorator, call = in_turn(
        RUNS,
        command([sys.executable, "-c", "pass"]),
        command([sys.executable, "-c", "from hyfn import aws"]),
        command([sys.executable, "-c", "from hyfn import aws; import hyfn.remote"]),
    )
    count = subprocess.run([sys.executable, "-c", COUNT], check=True, capture_output=True, text=True).stdout.strip()
    net, net_call = (decorator.median - bare.median) * 1e3, (call.median - bare.median) * 1e3
    return table(
        ["import", "net ms, median", "goal ms", "modules", "goal", "reached"],
        [
            ["from hyfn import aws", f"{net:.1f}", "10", count, "25", verdict(max(net / 10, int(count) / 25), 1)],
            ["... and what a first call loads", f"{net_call:.1f}", "–", "", "", ""],
        ],
    )
