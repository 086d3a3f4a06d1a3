"""hyfn cache: what hyfn keeps on this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hyfn.cli import guard, output
from hyfn.toolchain import cache, pruning
from hyfn.toolchain.pruning import Kind, Thing

DAYS = 30
CONTENTS = {
    "built": "wheels built of sources",
    "deflated": "large files, deflated",
    "environments": "vendors' runtimes",
    "files": "wheels and sources, as they came",
    "hyfn": "hyfn for scripts",
    "images": "base images",
    "layers": "images' layers",
    "loaded": "which artifacts load",
    "own": "what travels of hyfn",
    "pyc": "compiled files",
    "pythons": "which interpreters are here",
    "resolutions": "answers of uv",
    "scanned": "files searched for secrets",
    "segments": "what is in wheels, compiled",
    "sites": "wheels, unpacked",
}


@click.group
def command() -> None:
    """Say what hyfn keeps on this machine, or remove what was not used for long."""


@command.command
@output.json_option
@guard.command
def info(is_json: bool) -> None:
    """Say what is kept: how many files, how large, when last used. Hard links count once."""
    home = cache.home()
    _say(home, list(pruning.things(home)), is_json, {})


@command.command
@click.option("--days", type=click.IntRange(min=0), default=None, help=f"How long unused. Default: {DAYS}.")
@click.option("--all", "is_all", is_flag=True, help="Everything that is not in use now.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what would be removed.")
@output.json_option
@guard.command
def prune(days: int | None, is_all: bool, is_dry: bool, is_json: bool) -> None:
    """Remove what was not used for some days, and what killed builds left. All of it can be made anew."""
    if is_all and days is not None:
        raise click.UsageError("--all leaves nothing for --days to choose")
    home = cache.home()
    unused_since = math.inf if is_all else time.time() - (DAYS if days is None else days) * cache.DAY
    if is_dry:
        _say(home, pruning.plan(home, unused_since), is_json, {})
        return
    pruned = pruning.prune(home, unused_since)
    _say(home, pruned.removed, is_json, {str(path): reason for path, reason in pruned.stayed.items()})


def _say(home: Path, things: Sequence[Thing], is_json: bool, stayed: dict[str, str]) -> None:
    kinds = pruning.kinds(things)
    total = _total(kinds)
    if is_json:
        output.document(
            {
                "folder": str(home),
                "kinds": [{"name": kind.name, **_plain(kind)} for kind in kinds],
                "total": _plain(total),
                "stayed": stayed,
            }
        )
        return
    output.table(["kind", "what", "files", "MB", "days unused"], [_row(kind) for kind in [*kinds, total]])
    output.result(f"in {home}")
    for path, reason in stayed.items():
        output.note(f"{path} stays: {reason}")


def _total(kinds: Sequence[Kind]) -> Kind:
    latest = max((kind.used for kind in kinds), default=0.0)
    return Kind("all", sum(kind.files for kind in kinds), sum(kind.size for kind in kinds), latest)


def _plain(kind: Kind) -> dict[str, Any]:
    used = datetime.fromtimestamp(kind.used, UTC).isoformat(timespec="seconds") if kind.used else None
    return {"files": kind.files, "bytes": kind.size, "used": used}


def _row(kind: Kind) -> list[str]:
    unused = str(max(0, int((time.time() - kind.used) / cache.DAY))) if kind.used else "–"
    what = CONTENTS.get(kind.name, "of an older hyfn" if kind.name in pruning.OLD_LAYOUTS else "")
    return [kind.name, what, str(kind.files), f"{kind.size / 1e6:.1f}", unused]
