"""hyfn destroy: nothing of a stage is left."""

from __future__ import annotations

from pathlib import Path

import click

from hyfn import project
from hyfn.cli import guard, output, planning
from hyfn.cli.planning import Dialogue
from hyfn.project import reading, shipping


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@planning.stage_option
@planning.yes_option
@output.json_option
@guard.command
def command(path: Path, stage: str, is_agreed: bool, is_json: bool) -> None:
    """Take away everything that hyfn made for a stage of the project at PATH."""
    planning.use(stage)
    progress = output.Progress()
    read = project.read(path)
    name = reading.stage(read)
    dialogue = Dialogue(progress, is_plan=False, is_agreed=is_agreed, overwrites=True, is_json=is_json)
    site = shipping.site(read, name)
    planned = shipping.destroy(site, dialogue.agrees, progress.step, dialogue.watch)
    dialogue.conclude(planned, f"nothing of {read.app} is left on stage {name}")
