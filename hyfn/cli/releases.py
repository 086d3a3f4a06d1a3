"""hyfn releases: what was shipped."""

from __future__ import annotations

from pathlib import Path

import click

from hyfn import project
from hyfn.cli import guard, output, planning
from hyfn.project import reading, shipping


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@planning.stage_option
@output.json_option
@guard.command
def command(path: Path, stage: str, is_json: bool) -> None:
    """List the releases of the project at PATH that `hyfn rollback --to` can make live again, newest first."""
    planning.use(stage)
    read = project.read(path)
    found = shipping.site(read, reading.stage(read)).state().releases[::-1]
    if is_json:
        keep = ("number", "at", "by", "artifacts")
        output.document([{name: getattr(each, name) for name in keep} for each in found])
        return
    rows = [[str(each.number), each.at, each.by, str(len(each.artifacts))] for each in found]
    output.table(["release", "at", "by", "functions"], rows)
