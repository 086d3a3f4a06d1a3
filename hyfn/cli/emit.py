"""hyfn emit: an event, delivered to every function that waits for it as its own platform delivers it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from hyfn import on, project
from hyfn.cli import guard, output
from hyfn.dev import asking, session
from hyfn.dev.application import Application
from hyfn.dev.occurring import Occurred, Said, occurred
from hyfn.discover import names
from hyfn.errors import CallError, ConfigError, HyfnError
from hyfn.model import Project

KINDS = [kind for kind in on.KINDS if kind != "http"]


@click.command
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("resource", default="")
@click.argument("data", nargs=-1)
@click.option("--subject", default="", help="The event's subject; a topic's title.")
@click.option("--source", default="", help="Of an event: where it comes from.")
@click.option("--id", "event_id", default="", help="Default: a new one.")
@click.option("--key", default="", help="A stream record's partition key.")
@click.option("--deleted", is_flag=True, help="The blob is gone.")
@click.option("--attribute", "attributes", multiple=True, metavar="NAME=VALUE", help="An extension attribute.")
@click.option("--path", type=click.Path(exists=True, path_type=Path), default=".", help="The project.")
@click.option("-v", "--verbose", is_flag=True, help="Show each step.")
@output.json_option
@guard.command
def command(
    kind: str,
    resource: str,
    data: Sequence[str],
    subject: str,
    source: str,
    event_id: str,
    key: str,
    deleted: bool,
    attributes: Sequence[str],
    path: Path,
    verbose: bool,
    is_json: bool,
) -> None:
    """Deliver an event to the functions that wait for it, in each platform's native form:

    \b
    hyfn emit blob invoices/in/a.pdf
    hyfn emit queue orders \'{"id": 1}\' \'{"id": 2}\'
    hyfn emit topic news "it rains" --subject weather
    hyfn emit stream clicks \'{"page": "/"}\' --key user-7
    hyfn emit event com.acme.invoice.received \'{"id": "42"}\' --source /shop
    hyfn emit schedule

    Each DATA is one event; @FILE reads it from a file, - from standard input. RESOURCE of a schedule is the text that
    the function has, or nothing for all. In a running `hyfn dev` of the project, or else its functions are started for
    this one event.
    """
    if kind != "schedule" and not resource:
        raise click.UsageError(f"of what? hyfn emit {kind} RESOURCE")
    said = Said(
        kind, resource, [_text(each) for each in data], event_id, subject, source, key, deleted, _pairs(attributes)
    )
    try:
        what = occurred(said)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    read = project.read(path)
    running = session.find(read.root)
    rows = asking.emit(running, what) if running else _start_and_emit(read, what, verbose)
    _show(rows, names.short_names(read), is_json)


def _text(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{given[1:]} cannot be read: {error}") from None


def _pairs(attributes: Sequence[str]) -> Mapping[str, str]:
    pairs = dict(each.partition("=")[::2] for each in attributes)
    for name in pairs:
        if not (name.isascii() and name.isalnum() and name == name.lower()):
            raise ConfigError(f"{name!r} is no attribute: lower-case letters and digits", hint="--attribute tenant=7")
    return pairs


def _start_and_emit(read: Project, what: Occurred, verbose: bool) -> list[dict[str, Any]]:
    """Only what waits for such events is started, with all that it may call."""
    waiting = [each.name for each in read.functions if any(trigger.kind == what.kind for trigger in each.triggers)]
    if not waiting:
        raise HyfnError(f"no function of {read.root.name} has @on.{what.kind}", hint="put it below the platform's @")
    progress = output.Progress(verbose)
    with Application(read, progress.step, waiting, progress.note, progress.said) as application:
        progress.done()
        try:
            return application.emit(what)
        except CallError as error:
            raise HyfnError(error.message, hint=error.hint) from error


def _show(rows: Sequence[Mapping[str, Any]], shorts: Mapping[str, str], is_json: bool) -> None:
    if is_json:
        output.document({"deliveries": list(rows)})
    else:
        output.table(["function", "delivered", "failed"], [_row(row, shorts) for row in rows])
    if any(row["failed"] for row in rows):
        sys.exit(1)


def _row(row: Mapping[str, Any], shorts: Mapping[str, str]) -> list[str]:
    identity, _, platform = row["party"].rpartition("@")
    return [f"{shorts.get(identity, identity)}@{platform}", str(len(row["delivered"])), ", ".join(row["failed"]) or "–"]
