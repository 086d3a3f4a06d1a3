"""The commands, each loaded when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from hyfn.cli import overview
from hyfn.cli.overview import COMMANDS


class Lazy(click.Group):
    """`hyfn --help` imports no command: its cost is everyone's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        try:
            command: click.Command = import_module(f"hyfn.cli.{cmd_name}").command
        except Exception as error:  # noqa: BLE001  (an installation may be broken in any way)
            from hyfn.cli import guard

            guard.fail(error)
        return command

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(overview.text())


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=None, version=import_module("hyfn").__version__, message="hyfn %(version)s")
def cli() -> None:
    """See hyfn/cli/overview.py."""
