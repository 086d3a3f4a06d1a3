"""hyfn ship: every function live on its platform, by one plan."""

from __future__ import annotations

from pathlib import Path

import click

from hyfn import project
from hyfn.cli import guard, output, planning
from hyfn.cli.planning import Dialogue
from hyfn.errors import ConfigError
from hyfn.model import Project
from hyfn.pack import delivery
from hyfn.project import Built, reading, shipping, standing, wanting


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@planning.stage_option
@planning.plan_option
@planning.yes_option
@planning.overwrite_option
@click.option("-v", "--verbose", is_flag=True, help="Show each step.")
@output.json_option
@guard.command
def command(
    path: Path, stage: str, is_plan: bool, is_agreed: bool, overwrite: bool, verbose: bool, is_json: bool
) -> None:
    """Make what the project at PATH says live: build, compare with what is there, show the plan, and do it.

    Images are pushed before the plan is made, since it names them by digest.
    """
    planning.use(stage)
    progress = output.Progress(verbose)
    read = project.read(path)
    name = reading.stage(read)
    built = project.build(read, (read.root / delivery.OWN / "build").absolute(), progress.step)
    images = _pushed(read, built, name, progress)
    site = shipping.site(read, name)
    desired = wanting.desired(built, images, site.stage, site.secret)
    dialogue = Dialogue(progress, is_plan=is_plan, is_agreed=is_agreed, overwrites=overwrite, is_json=is_json)
    planned = dialogue.run(site, desired)
    dialogue.conclude(planned, f"{read.app} is live on stage {name}")


def _pushed(read: Project, built: Built, stage: str, progress: output.Progress) -> dict[str, str]:
    """The images, by party."""
    units = [each for each in built.units.values() if wanting.has_platform(each)]
    contained = [each for each in units if wanting.artifact(built, each).kind == "image"]
    if not contained:
        return {}
    registry = shipping.registry(read, stage)
    if not registry:
        unit = contained[0]
        said = f"{unit.primary.qualname} for {unit.target.platform} becomes an image, and no registry is named"
        raise ConfigError(said, where=str(unit.target.place), hint='registry = "HOST/NAME" in [tool.hyfn]')
    sent = project.push(read, read.root / delivery.OWN / "build", registry, progress.step, progress.sent)
    pinned = {each.name: each.pinned for each in sent}
    return {unit.party: pinned[standing.who(unit)] for unit in contained}
