"""hyfn run: a script, against its functions in their vendors' runtimes on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hyfn import project
from hyfn.cli import output
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
@output.command
def command(script: Path, args: tuple[str, ...], runtime: str, verbose: bool) -> None:
    """Run SCRIPT as __main__ against every function of its project, then stop them all.

    The exit status is the script's.
    """
    read = project.read(script)
    prepared = Script(read, script, output.progress)
    if runtime == "local":
        sys.exit(prepared.run(args, {"HYFN_STAGE": "local"}))
    report = output.progress if verbose or sys.stderr.isatty() else _first_uses
    with Application(read, report) as application:
        status = prepared.run(args, application.laptop())
    sys.exit(status)


def _first_uses(text: str) -> None:
    """Without a terminal only what takes long, or differs from what was asked, is worth a line."""
    if text.startswith("making ") or " is not on this machine" in text:
        output.progress(text)
