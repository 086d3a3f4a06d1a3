"""Timing two things in turn, so that their ratio holds while the machine's speed drifts."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """Seconds of each run."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        return min(self.seconds)


def ratio(ours: Times, theirs: Times) -> float:
    """How many times theirs ours takes: the median over the rounds, so that noise of many rounds hits both."""
    return statistics.median(a / b for a, b in zip(ours.seconds, theirs.seconds, strict=True))


def difference(ours: Times, theirs: Times) -> float:
    """Seconds that ours takes longer: the median over the rounds."""
    return statistics.median(a - b for a, b in zip(ours.seconds, theirs.seconds, strict=True))


def in_turn(runs: int, *things: Callable[[], object], warmup: int = 1) -> list[Times]:
    """Each thing timed `runs` times, one after another in each round."""
    seconds: list[list[float]] = [[] for _ in things]
    for round_number in range(runs + warmup):
        for number, thing in enumerate(things):
            began = time.perf_counter()
            thing()
            took = time.perf_counter() - began
            if round_number >= warmup:
                seconds[number].append(took)
    return [Times(each) for each in seconds]


def command(argv: Sequence[str], env: Mapping[str, str] | None = None) -> Callable[[], object]:
    """Running a process to its end, quietly. It must succeed."""
    environment = {**os.environ, **(env or {})}

    def run() -> object:
        return subprocess.run(argv, env=environment, check=True, capture_output=True)

    return run


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]


def verdict(value: float, goal: float) -> str:
    """Whether a figure is within its goal, in a word."""
    return "yes" if value <= goal else "NO"
