"""hyfn build: a package for each function."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hyfn import project
from hyfn.cli import guard, output
from hyfn.pack import delivery


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Default: PATH/.hyfn/build.")
@click.option("-v", "--verbose", is_flag=True, help="Show each step.")
@output.json_option
@guard.command
def command(path: Path, out: Path | None, verbose: bool, is_json: bool) -> None:
    """Package each function of the project at PATH for its platform."""
    progress = output.Progress(verbose)
    read = project.read(path)
    made = out or read.root / delivery.OWN / "build"
    built = project.build(read, made.absolute(), progress.step)
    if out is None:
        delivery.own(read.root)
    progress.done()
    for note in built.notes:
        output.note(note)
    if is_json:
        output.document(json.loads((made / delivery.MANIFEST).read_text()))
        return
    output.table(
        ["function", "platform", "python", "KB", "distributions"],
        [
            [a.short, a.platform, a.python, f"{a.size / 1024:.0f}", " ".join(a.distributions) or "–"]
            for a in built.artifacts
        ],
    )
    output.result(f"in {made}")
