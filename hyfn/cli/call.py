"""hyfn call: one function, with JSON arguments by name."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from hyfn import project
from hyfn.cli import guard, output
from hyfn.dev import asking, session
from hyfn.dev.application import Application
from hyfn.dev.door import Door, Failed, arguments
from hyfn.discover import names
from hyfn.errors import ConfigError, HyfnError, Malformed
from hyfn.model import Project


@click.command
@click.argument("function")
@click.argument("given", metavar="[ARGUMENTS]", default="{}")
@click.option("--path", type=click.Path(exists=True, path_type=Path), default=".", help="The project.")
@click.option("-v", "--verbose", is_flag=True, help="Show each step.")
@output.json_option
@guard.command
def command(function: str, given: str, path: Path, verbose: bool, is_json: bool) -> None:
    """Call FUNCTION with ARGUMENTS, a JSON object: hyfn call classify '{"text": "please pay"}'.

    It is called in a running `hyfn dev` of the project, or else started for this one call. Its value is printed as
    JSON; `--json` prints an error as JSON too. `-` reads the arguments from standard input.
    """
    read = project.read(path)
    identity = names.resolve(read, function)
    try:
        values = arguments(sys.stdin.read() if given == "-" else given)
    except Malformed as error:
        raise ConfigError(error.message, hint=f"""hyfn call {function} '{{"name": "value"}}'""") from None
    running = session.find(read.root)
    try:
        value = asking.ask(running, identity, values) if running else _start_and_ask(read, identity, values, verbose)
    except Failed as error:
        _fail(error.document, is_json)
    output.document(value)


def _start_and_ask(read: Project, identity: str, values: Mapping[str, Any], verbose: bool) -> Any:
    progress = output.Progress(verbose)
    with Application(read, progress.step, [identity], progress.note, progress.said) as application:
        progress.done()
        return Door(application.door_wiring(), {identity: identity}).call(identity, values)


def _fail(error: Mapping[str, Any], is_json: bool) -> NoReturn:
    """The remote traceback, if there is one, then the error on one line."""
    if is_json:
        output.document({"errors": [error]})
    for note in error["notes"]:
        output.lines(note)
    kind = error["type"].rpartition(":")[2]
    guard.say(HyfnError(f"{kind}: {error['message']}", hint=error["hint"]))
    sys.exit(1)
