"""hyfn run: a script, against its functions in their vendors' runtimes on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hyfn import project
from hyfn.cli import guard, output
from hyfn.dev.application import Application
from hyfn.dev.script import Script


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--runtime",
    type=click.Choice(["vendor", "local"]),
    default="vendor",
    show_default=True,
    help="local: every body runs in the script's own process, values through the wire's conversion.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show each step.")
@click.argument("script", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@guard.command
def command(script: Path, args: tuple[str, ...], runtime: str, verbose: bool) -> None:
    """Run SCRIPT as __main__ against every function of its project, then stop them all.

    The exit status is the script's. Options of hyfn stand before SCRIPT, its arguments after it.
    """
    progress = output.Progress(verbose)
    read = project.read(script)
    prepared = Script(read, script, progress.note)
    if runtime == "local":
        sys.exit(prepared.run(args, {"HYFN_STAGE": "local"}))
    with Application(read, progress.step, note=progress.note, say=progress.said) as application:
        progress.done()
        status = prepared.run(args, application.laptop())
    sys.exit(status)
