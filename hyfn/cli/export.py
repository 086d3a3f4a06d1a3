"""hyfn export: what others need to know of a project's functions, as a document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from hyfn import project
from hyfn.cli import guard, output
from hyfn.errors import ConfigError
from hyfn.export import openapi as documents


@click.group
def command() -> None:
    """Write documents about the project's functions for others."""


@command.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--function", "functions", multiple=True, metavar="NAME", help="Only this one. May be repeated.")
@click.option(
    "-o", "--output", "file", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output."
)
@click.option("-v", "--verbose", is_flag=True, help="Show each step.")
@output.json_option
@guard.command
def openapi(path: Path, functions: Sequence[str], file: Path | None, verbose: bool, is_json: bool) -> None:
    """Describe the functions of the project at PATH that have @on.http: an OpenAPI 3.1 document, in JSON.

    Types are read from the artifacts that hold the functions, which are built for that.
    """
    progress = output.Progress(verbose)
    made, notes = documents.document(project.read(path), functions, progress.step)
    progress.done()
    for note in notes:
        output.note(note)
    if file is None:
        output.document(made, is_line=is_json)
        return
    try:
        file.write_text(documents.text(made), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error
    if is_json:
        output.document({"file": str(file), "paths": list(made["paths"])})
