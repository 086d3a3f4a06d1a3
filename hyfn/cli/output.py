"""The only place that prints. Results go to standard output, everything else to standard error."""

from __future__ import annotations

import functools
import json
import logging
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, ParamSpec, TypeVar

import click

from hyfn.errors import HyfnError, ProjectErrors

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)


def result(text: str) -> None:
    """One line, or several, of a command's result."""
    click.echo(text)


def document(value: Any) -> None:
    """A command's result for a program."""
    click.echo(json.dumps(value, indent=1, default=str))


def progress(text: str) -> None:
    """A step of long work, for a person who waits."""
    click.echo(click.style("· ", dim=True) + text, err=True)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table that is readable without colour. Columns of numbers are set to the right."""
    lines = [list(headings), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    right = [all(_is_number(line[column]) for line in lines[1:]) for column in range(len(headings))]
    for number, line in enumerate(lines):
        cells = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths, right, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())
        if number == 0:
            click.echo("  ".join("─" * width for width in widths))


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).isdigit() or text in ("", "–")


def command(run: Callable[P, T]) -> Callable[P, T]:
    """Around every command: one clear line for an error and exit status 1, a clean end on Ctrl-C and SIGTERM."""

    @functools.wraps(run)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        signal.signal(signal.SIGTERM, _terminate)
        try:
            return run(*args, **kwargs)
        except HyfnError as error:
            _fail(error, is_json=bool(kwargs.get("is_json")))
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
            sys.exit(130)

    return guarded


def _terminate(*_: object) -> NoReturn:
    sys.exit(143)


def _fail(error: HyfnError, is_json: bool) -> NoReturn:
    errors = error.errors if isinstance(error, ProjectErrors) else [error]
    if is_json:
        document({"errors": [{"message": e.message, "where": e.where, "hint": e.hint} for e in errors]})
    for one in errors:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {' '.join(str(one).split())}", err=True)
        log.debug("%s", one, exc_info=one)
    sys.exit(1)


json_option = click.option("--json", "is_json", is_flag=True, help="Print the result for a program.")
