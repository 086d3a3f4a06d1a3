"""hyfn dev: a project's functions, up behind one loopback port."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from hyfn import project
from hyfn.cli import guard, output
from hyfn.dev import reload, session
from hyfn.dev.application import Application
from hyfn.dev.door import Door
from hyfn.dev.server import Server
from hyfn.discover import names
from hyfn.errors import HyfnError
from hyfn.model import FunctionSpec, Project

SAMPLES: Mapping[str, Any] = {"int": 1, "float": 1.5, "str": "text", "bytes": "aGVsbG8=", "bool": True}


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: a free one.")
@click.option("--token", envvar="HYFN_DEV_TOKEN", default=None, help="Default: a new one. Also HYFN_DEV_TOKEN.")
@click.option("-v", "--verbose", is_flag=True, help="Show each step.")
@output.json_option
@guard.command
def command(path: Path, port: int, token: str | None, verbose: bool, is_json: bool) -> None:
    """Keep every function of the project at PATH up here, each in its vendor's runtime.

    POST /FUNCTION with JSON arguments by name calls one. What changes is rebuilt. Ctrl-C ends it.
    """
    read = project.read(path)
    token = token or secrets.token_urlsafe(24)
    progress = output.Progress(verbose)
    application = Application(read, progress.step, note=progress.note, say=output.printed)
    with (
        closing(Server(port, token)) as server,
        session.announced(read.root, session.Session(server.port, token, os.getpid())),
        reload.watched(read.root, lambda: application.data_folders) as changes,
        application,
    ):
        progress.done()
        door = Door(application.door_wiring(), _names(read), application.emit)
        server.open(door)
        _announce(application, server, is_json)
        for _ in changes:
            with door.held():
                _reload(path, application, progress)
                door.rewire(application.door_wiring(), _names(application.project))


def _reload(path: Path, application: Application, progress: output.Progress) -> None:
    """What cannot be built is said, and what runs goes on."""
    try:
        if application.reload(project.read(path)):
            progress.note("rebuilt")
    except HyfnError as error:
        guard.say(error)
    finally:
        progress.done()


def _names(read: Project) -> dict[str, str]:
    """What a person may write: short names and identities."""
    shorts = names.short_names(read)
    return {**{short: name for name, short in shorts.items()}, **{name: name for name in shorts}}


def _announce(application: Application, server: Server, is_json: bool) -> None:
    shorts = names.short_names(application.project)
    url = f"http://127.0.0.1:{server.port}"
    if is_json:
        document = {"url": url, "token": server.token, "functions": sorted(shorts.values())}
        output.document(document, is_line=True)
        return
    output.table(["function", "runtime", "arguments"], _rows(application))
    example = application.project.functions[0]
    arguments = shlex.quote(json.dumps(_sample(example)))
    output.result(f"\n{url}  token {server.token}")
    output.result(f"curl -H 'Authorization: Bearer {server.token}' {url}/{shorts[example.name]} -d {arguments}")


def _sample(function: FunctionSpec) -> dict[str, Any]:
    """Arguments that show how a call is written."""
    needed = [each for each in function.signature.parameters if each.default is None and "VAR_" not in each.kind]
    return {each.name: SAMPLES.get(each.annotation or "") for each in needed}


def _rows(application: Application) -> Iterable[list[str]]:
    shorts = names.short_names(application.project)
    for unit in project.units(application.project):
        for function in unit.functions:
            yield [shorts[function.name], application.running[unit.party].runtime, _arguments(function)]


def _arguments(function: FunctionSpec) -> str:
    return ", ".join(
        f"{each.name}: {each.annotation}" if each.annotation else each.name for each in function.signature.parameters
    )
