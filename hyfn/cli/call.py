"""hyfn call: one function, with JSON arguments by name."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import click

from hyfn import project
from hyfn.cli import output
from hyfn.dev import session
from hyfn.dev.application import Application
from hyfn.dev.door import Door, parse_arguments
from hyfn.discover import names
from hyfn.errors import HyfnError, ProjectError


@click.command
@click.argument("function")
@click.argument("arguments", default="{}")
@click.option("--path", type=click.Path(exists=True, path_type=Path), default=".", help="The project.")
@output.command
def command(function: str, arguments: str, path: Path) -> None:
    """Call FUNCTION with ARGUMENTS, a JSON object: hyfn call classify '{"text": "please pay"}'.

    It is called in a running `hyfn dev` of the project, or else started for this one call.
    """
    read = project.read(path)
    identity = names.resolve(read, function)
    given = parse_arguments(arguments)
    running = session.find(read.root)
    value = _ask(running, identity, given) if running else _start_and_ask(read, identity, given)
    output.document(value)


def _ask(running: session.Session, identity: str, arguments: dict[str, Any]) -> Any:
    request = urllib.request.Request(  # noqa: S310  (the session's own loopback address)
        f"{running.url}/{identity}",
        json.dumps(arguments).encode(),
        {"Authorization": f"Bearer {running.token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as response:  # noqa: S310  (the session's own loopback address)
            return json.load(response)["value"]
    except HTTPError as error:
        _raised(json.load(error)["error"])
    except URLError as error:
        raise HyfnError(f"hyfn dev does not answer at {running.url}: {error.reason}") from error


def _start_and_ask(read: Any, identity: str, arguments: dict[str, Any]) -> Any:
    with Application(read, output.progress, only=[identity]) as application:
        door = Door(application.door_wiring(), {identity: identity})
        try:
            return door.call(identity, arguments)
        except HyfnError:
            raise
        except Exception as error:  # noqa: BLE001  (the function's own exception is this command's error)
            _raised(
                {
                    "type": f"{type(error).__module__}:{type(error).__qualname__}",
                    "message": str(error),
                    "notes": list(getattr(error, "__notes__", ())),
                }
            )


def _raised(error: dict[str, Any]) -> None:
    for note in error["notes"]:
        click.echo(note, err=True)
    raise ProjectError(f"the function raised {error['type']}: {error['message']}")
