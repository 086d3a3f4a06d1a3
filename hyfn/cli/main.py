"""The commands, each loaded when it is called."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "new": "Start a project from a template.",
    "check": "Find what is wrong, without building or an account.",
    "build": "Package each function for its platform.",
    "run": "Run a script against its functions, each in its vendor's runtime here.",
    "dev": "Keep a project's functions up here behind one port, and rebuild what changes.",
    "call": "Call one function.",
    "graph": "Print who may call whom.",
    "doctor": "Say what this machine has of what hyfn needs.",
    "demo": "Run examples/invoices across all platforms here, and time every call.",
}


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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=None, version=import_module("hyfn").__version__, message="hyfn %(version)s")
def cli() -> None:
    """One Python application whose functions live on several serverless platforms."""
