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
@click.option(
    "--base", metavar="IMAGE", default="", help="What images stand on: a reference, a folder, scratch-python."
)
@click.option("--push", "registry", metavar="REGISTRY", default="", help="Put the images there: localhost:5000/acme.")
@click.option("--explain", metavar="FUNCTION", default="", help="Say what it weighs, and why each part is in it.")
@click.option("-v", "--verbose", is_flag=True, help="Show each step.")
@output.json_option
@guard.command
def command(
    path: Path,
    out: Path | None,
    is_locked: bool,
    upgrade: tuple[str, ...],
    base: str,
    registry: str,
    explain: str,
    verbose: bool,
    is_json: bool,
) -> None:
    """Package each function of the project at PATH for its platform. PATH stands before --upgrade."""
    if explain and registry:
        raise click.UsageError("--explain and --push do not go together.")
    asked = fresh.asked(str(path.resolve()), base, str(is_locked))
    chosen_anew = upgrading.names(upgrade)
    progress = output.Progress(verbose)
    made = _made_before(path, out)
    before = previous.read(made)
    if chosen_anew is None and not base and before.is_current(asked):
        notes = before.notes
        delivery.tidy(made)
    else:
        made, notes = _build(path, out, asked, progress, is_locked, chosen_anew, base)
    for note in notes:
        output.note(note)
    if explain:
        _explain(path, explain, progress, is_json)
    elif registry:
        _push(path, made, registry, progress, is_json)
    else:
        _say(made, is_json)


def _made_before(path: Path, out: Path | None) -> Path:
    """Where an earlier build of this path would stand."""
    if out is not None:
        return out.absolute()
    own = [folder / delivery.OWN / "build" for folder in (path.resolve(), *path.resolve().parents)]
    return next((folder for folder in own if folder.is_dir()), own[0])


def _build(
    path: Path,
    out: Path | None,
    asked: Asked,
    progress: output.Progress,
    is_locked: bool,
    upgrade: list[str] | None,
    base: str,
) -> tuple[Path, Sequence[str]]:
    from hyfn import project  # the way that most calls do not go

    read = project.read(path)
    made = (out or read.root / delivery.OWN / "build").absolute()
    wishes = project.Wishes(is_locked=is_locked, upgrade=upgrade, base=base, asked=asked)
    built = project.build(read, made, progress.step, wishes, progress.fetched)
    if out is None:
        delivery.own(read.root)
    progress.done()
    return made, built.notes


def _explain(path: Path, function: str, progress: output.Progress, is_json: bool) -> None:
    from hyfn import project
    from hyfn.pack import explain

    found = project.explain(project.read(path), function, progress.step, progress.fetched)
    progress.done()
    if is_json:
        output.document({title: explain.document(rows) for title, rows in found.items()})
        return
    for title, rows in found.items():
        output.result(title)
        output.table(explain.HEADINGS, explain.cells(rows))


def _push(path: Path, made: Path, registry: str, progress: output.Progress, is_json: bool) -> None:
    from hyfn import project

    sent = project.push(project.read(path), made, registry, progress.step, progress.sent)
    progress.done()
    for note in dict.fromkeys(note for each in sent for note in each.notes):
        output.note(note)
    if is_json:
        output.document(
            [
                {
                    "image": one.name,
                    "reference": one.pinned,
                    "tag": one.pushed.reference.tag,
                    "sent": one.pushed.sent,
                }
                for one in sent
            ]
        )
        return
    for each in sent:
        output.note(f"{each.name}: {each.pushed.sent / 1024:.0f} KB sent")
        output.result(each.pinned)


def _say(made: Path, is_json: bool) -> None:
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
