"""hyfn build: a package for each function."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hyfn import project
from hyfn.cli import output


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Default: PATH/.hyfn/build.")
@output.json_option
@output.command
def command(path: Path, out: Path | None, is_json: bool) -> None:
    """Package each function of the project at PATH for its platform."""
    read = project.read(path)
    out = out or read.root / ".hyfn" / "build"
    built = project.build(read, out.absolute(), output.progress)
    for note in built.notes:
        output.progress(note)
    if is_json:
        output.document(json.loads((out / project.MANIFEST).read_text()))
        return
    output.table(
        ["function", "platform", "python", "KB", "distributions"],
        [
            [a.short, a.platform, a.python, f"{a.size / 1024:.0f}", " ".join(a.distributions) or "–"]
            for a in built.artifacts
        ],
    )
    output.result(f"in {out}")
