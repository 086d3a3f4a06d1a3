"""What a wheel's modules compile to, once for each interpreter, as strips beside the wheel's own."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from hyfn.pack import pyc, splice
from hyfn.pack.wheels import strips
from hyfn.pack.wheels.strips import Piece, Strip
from hyfn.toolchain import cache
from hyfn.toolchain.pythons import Interpreter

VERSION = f"3-{splice.FLAVOUR}"
"""Of the form in which compiled wheels are kept."""


def of(wheels: Mapping[str, Sequence[Strip]], interpreter: Interpreter) -> dict[str, Strip]:
    """By the wheels' digests: the `.pyc` files of each, for `interpreter`. Compiled once, then kept."""
    found = {digest: _kept(_place(digest, interpreter)) for digest in wheels}
    lacking = [digest for digest, strip in found.items() if strip is None]
    if lacking:
        sources = {digest: _sources(wheels[digest]) for digest in lacking}
        for digest, compiled in pyc.compiled(sources, interpreter.path).items():
            found[digest] = _keep(_place(digest, interpreter), compiled)
    return {digest: strip for digest, strip in found.items() if strip is not None}


def _place(digest: str, interpreter: Interpreter) -> Path:
    """Bytecode may differ between versions that differ in their last number only."""
    return cache.home() / "segments" / digest[:2] / f"{digest}.{VERSION}.{interpreter.version}.json"


def _kept(index: Path) -> Strip | None:
    try:
        crc, rows = json.loads(index.read_bytes())
        pieces = [Piece(*row) for row in rows]
        file = index.with_suffix(".kept")
        return Strip(file, pieces, crc) if not pieces or file.stat().st_size else None
    except (OSError, ValueError, TypeError):
        return None


def _keep(index: Path, compiled: Mapping[str, bytes]) -> Strip:
    pieces, streams = strips.kept({path: (splice.PLAIN, content) for path, content in compiled.items()})
    cache.put(index.with_suffix(".kept"), streams)
    crc = zlib.crc32(streams)
    cache.put(index, json.dumps([crc, pieces]).encode())
    return Strip(index.with_suffix(".kept"), pieces, crc)


def _sources(wheel: Sequence[Strip]) -> dict[str, bytes]:
    return dict(found for strip in wheel for found in strips.contents(strip, _is_worth_it))


def _is_worth_it(path: str) -> bool:
    """Whether a function may import it: tests travel, since nothing is taken from a wheel by guess, but never run."""
    return path.endswith(".py") and "/tests/" not in path
