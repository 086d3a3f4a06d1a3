"""hyfn lock: choose the exact files that each target gets, and keep them in hyfn.lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from hyfn import project
from hyfn.cli import guard, output, upgrading
from hyfn.errors import ConfigError
from hyfn.model import Runtime
from hyfn.pack.wheels import lock
from hyfn.pack.wheels.choose import Choice, VersionChange, choose


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@upgrading.option
@click.option("--check", "is_check", is_flag=True, help="Change nothing; fail where the lock is out of date.")
@click.option("-v", "--verbose", is_flag=True, help="Show each step.")
@output.json_option
@guard.command
def command(path: Path, upgrade: tuple[str, ...], is_check: bool, verbose: bool, is_json: bool) -> None:
    """Choose the exact files that each target of the project at PATH gets, and write them to hyfn.lock.

    What is locked stays, as far as it fits what is declared. PATH stands before --upgrade.
    """
    if upgrade and is_check:
        raise ConfigError("--check changes nothing, so it cannot upgrade", hint="leave out one of the two")
    names = upgrading.names(upgrade)
    read = project.read(path)
    if not read.functions:
        raise project.no_function(read)
    progress = output.Progress(verbose)
    units = project.units(read)
    runtimes, serving = project.served(units), project.served_by(units)
    choice = choose(
        read, runtimes, progress.step, upgrade=names, is_locked=is_check, writes=not is_check, serving=serving
    )
    progress.done()
    for note in choice.notes:
        output.note(note)
    if is_json:
        output.document(_document(choice, lock.path(read)))
        return
    for line in _lines(choice, list(runtimes)):
        output.result(line)
    output.result(f"{lock.path(read).name}: {_count(choice)} for {len(runtimes)} target{_s(len(runtimes))}")


def _lines(choice: Choice, runtimes: Sequence[Runtime]) -> Iterator[str]:
    for change in choice.changes:
        where = "" if set(change.runtimes) == set(runtimes) else f" ({', '.join(map(_short, change.runtimes))})"
        yield f"{_said(change)}{where}"


def _said(change: VersionChange) -> str:
    if not change.old:
        return f"+ {change.name} {change.new}"
    if not change.new:
        return f"- {change.name} {change.old}"
    return f"  {change.name} {change.old} → {change.new if change.new != change.old else 'another file'}"


def _short(runtime: Runtime) -> str:
    return f"CPython {runtime.python}, {runtime.machine}, glibc {runtime.glibc}"


def _count(choice: Choice) -> str:
    count = len({wheel.name for chosen in choice.by_runtime.values() for wheel in chosen.wheels})
    return f"{count} distribution{_s(count)}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _document(choice: Choice, file: Path) -> dict[str, Any]:
    return {
        "lock": str(file),
        "changes": [
            {"name": one.name, "old": one.old, "new": one.new, "targets": [_plain(each) for each in one.runtimes]}
            for one in choice.changes
        ],
        "targets": [
            {**_plain(runtime), "distributions": {wheel.name: wheel.version for wheel in chosen.wheels}}
            for runtime, chosen in choice.by_runtime.items()
        ],
        "notes": list(choice.notes),
    }


def _plain(runtime: Runtime) -> dict[str, str]:
    return {"python": runtime.python, "machine": runtime.machine, "glibc": runtime.glibc}
