"""hyfn dev: a project's functions, up behind one loopback port."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from threading import Thread

import click

from hyfn import project
from hyfn.cli import output
from hyfn.dev import reload, session
from hyfn.dev.application import Application
from hyfn.dev.door import Door, Server
from hyfn.discover import names
from hyfn.model import Project


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--port", type=int, default=0, help="Default: a free one.")
@click.option("--token", envvar="HYFN_DEV_TOKEN", default=None, help="Default: a new one.")
@output.json_option
@output.command
def command(path: Path, port: int, token: str | None, is_json: bool) -> None:
    """Keep every function of the project at PATH up here, each in its vendor's runtime.

    POST /FUNCTION with JSON arguments by name calls one. What changes is rebuilt. Ctrl-C ends it.
    """
    read = project.read(path)
    token = token or secrets.token_urlsafe(24)
    with Application(read, output.progress) as application:
        server = Server(port, token, _door(application))
        Thread(target=server.serve_forever, name="hyfn-door", daemon=True).start()
        session.write(read.root, session.Session(server.url, token, os.getpid()))
        try:
            _announce(application, server, is_json)
            for changed in reload.changes(path, read):
                if application.reload(changed):
                    server.door = _door(application)
        finally:
            session.remove(read.root)
            server.shutdown()


def _door(application: Application) -> Door:
    return Door(application.door_wiring(), _names(application.project))


def _names(read: Project) -> dict[str, str]:
    shorts = names.short_names(read)
    return {**{short: name for name, short in shorts.items()}, **{name: name for name in shorts}}


def _announce(application: Application, server: Server, is_json: bool) -> None:
    shorts = names.short_names(application.project)
    if is_json:
        output.document({"url": server.url, "token": server.token, "functions": sorted(shorts.values())})
        return
    first = sorted(shorts.values())[0]
    output.result(f"{server.url}  token {server.token}")
    output.result(
        f"curl -H 'Authorization: Bearer {server.token}' -H 'Content-Type: application/json'"
        f" {server.url}/{first} -d '{{}}'"
    )
