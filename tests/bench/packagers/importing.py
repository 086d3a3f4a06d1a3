"""What importing a function costs where its artifact was just unpacked and cannot be written to, as in Lambda."""

from __future__ import annotations

import os
import statistics
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.packagers.tools import vendor_python
from tests.bench.packagers.workshop import cost

ENV = {"OPENBLAS_NUM_THREADS": "1"}
"""As where there is one processor, which is what Lambda gives up to 1,769 MB: numpy's idle threads would count."""


def unpack(archive: Path, into: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(into)


def in_turn(runs: int, imported: Sequence[tuple[Path, str]], result: Path) -> list[float]:
    """CPU seconds of a fresh interpreter of the vendor's version for each folder and the module imported from it.

    The median over the rounds, in each of which one follows another. Nothing compiled is written.
    """
    seconds: list[list[float]] = [[] for _ in imported]
    for round_number in range(runs + 1):
        for (folder, module), taken in zip(imported, seconds, strict=True):
            code = f"import sys; sys.path.insert(0, {str(folder)!r}); import {module}"
            took = cost([vendor_python(), "-I", "-S", "-B", "-c", code], folder, {**os.environ, **ENV}, result)
            if round_number:
                taken.append(took.cpu)
    return [statistics.median(taken) for taken in seconds]
