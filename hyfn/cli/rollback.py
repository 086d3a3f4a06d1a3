"""hyfn rollback: an older release, live again."""

from __future__ import annotations

from pathlib import Path

import click

from hyfn import project
from hyfn.cli import guard, output, planning
from hyfn.cli.planning import Dialogue
from hyfn.project import reading, releases, shipping
from hyfn.toolchain import scratch


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--to", "number", type=int, default=None, metavar="N", help="Default: the release before the newest.")
@planning.stage_option
@planning.plan_option
@planning.yes_option
@planning.overwrite_option
@output.json_option
@guard.command
def command(
    path: Path, number: int | None, stage: str, is_plan: bool, is_agreed: bool, overwrite: bool, is_json: bool
) -> None:
    """Plan toward an older release, and do it. It becomes the newest: nothing is forgotten."""
    planning.use(stage)
    progress = output.Progress()
    read = project.read(path)
    site = shipping.site(read, reading.stage(read))
    release = releases.find(site.state(), number)
    dialogue = Dialogue(progress, is_plan=is_plan, is_agreed=is_agreed, overwrites=overwrite, is_json=is_json)
    with scratch.folder("hyfn-rollback-") as folder:
        planned = dialogue.run(site, releases.desired(site.store, release, folder))
    dialogue.conclude(planned, f"release {release.number} is live again")
