"""hyfn build: a package for each function."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from hyfn.cli import guard, output, upgrading
from hyfn.pack import delivery, fresh, previous
from hyfn.pack.fresh import Asked


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Default: PATH/.hyfn/build.")
@click.option("--locked", "is_locked", is_flag=True, help="Fail where hyfn.lock would have to change.")
@upgrading.option
@click.option("-v", "--verbose", is_flag=True, help="Show each step.")
@output.json_option
@guard.command
def command(
    path: Path,
    out: Path | None,
    is_locked: bool,
    upgrade: tuple[str, ...],
    verbose: bool,
    is_json: bool,
) -> None:
    """Package each function of the project at PATH for its platform. PATH stands before --upgrade."""
    asked = fresh.asked(str(path.resolve()))
    chosen_anew = upgrading.names(upgrade)
    made = _made_before(path, out)
    before = previous.read(made)
    if chosen_anew is None and before.is_current(asked):
        _say(made, before.notes, is_json)
        return
    made, notes = _build(path, out, asked, verbose, is_locked=is_locked, upgrade=chosen_anew)
    _say(made, notes, is_json)


def _made_before(path: Path, out: Path | None) -> Path:
    """Where an earlier build of this path would stand."""
    if out is not None:
        return out.absolute()
    own = [folder / delivery.OWN / "build" for folder in (path.resolve(), *path.resolve().parents)]
    return next((folder for folder in own if folder.is_dir()), own[0])


def _build(
    path: Path, out: Path | None, asked: Asked, verbose: bool, *, is_locked: bool, upgrade: list[str] | None
) -> tuple[Path, Sequence[str]]:
    from hyfn import project  # the way that most calls do not go

    progress = output.Progress(verbose)
    read = project.read(path)
    made = (out or read.root / delivery.OWN / "build").absolute()
    built = project.build(
        read, made, progress.step, watch=progress.fetched, is_locked=is_locked, upgrade=upgrade, asked=asked
    )
    if out is None:
        delivery.own(read.root)
    progress.done()
    return made, built.notes


def _say(made: Path, notes: Sequence[str], is_json: bool) -> None:
    for note in notes:
        output.note(note)
    manifest = json.loads((made / delivery.MANIFEST).read_text())
    if is_json:
        output.document(manifest)
        return
    output.table(
        ["function", "platform", "python", "KB", "distributions"],
        [
            [each["function"], each["cloud"], each["python"], f"{each['size'] / 1024:.0f}", _listed(each)]
            for each in manifest["artifacts"]
        ],
    )
    output.result(f"in {made}")


def _listed(artifact: dict[str, list[str]]) -> str:
    return " ".join(artifact["distributions"]) or "–"
