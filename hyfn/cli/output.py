"""The only place that prints. Results go to standard output, everything else to standard error."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import click

MIN_WIDTH = 12
"""Columns that a cell of a table keeps even where that makes the table wider than the terminal."""

BAR = 24
"""Columns of a progress bar."""

json_option = click.option("--json", "is_json", is_flag=True, help="Print the result for a program.")


def result(text: str) -> None:
    """One line, or several, of a command's result."""
    _print(text)


def document(value: Any, *, is_line: bool = False) -> None:
    """A command's result for a program. `is_line` puts it on one line, for who reads on while the command runs."""
    _print(json.dumps(value, indent=None if is_line else 1, default=str))


def error(text: str) -> None:
    """What is wrong, on one line."""
    _print(f"{_styled('error:', fg='red', bold=True)} {one_line(text)}", is_result=False)


def warning(text: str) -> None:
    _print(f"{_styled('warning:', fg='yellow', bold=True)} {one_line(text)}", is_result=False)


def note(text: str) -> None:
    """What a person should know while a command works, or when it ends."""
    _print(f"{_styled('·', dim=True)} {one_line(text)}", is_result=False)


def printed(who: str, line: str) -> None:
    """A line that a function printed."""
    _print(f"{_styled(f'{who} │', dim=True)} {_visible(line)}", is_result=False)


def lines(text: str) -> None:
    """Several lines beside the result, such as a remote traceback."""
    _print(text, is_result=False)


def traceback(error: BaseException) -> None:
    """For who mends hyfn."""
    from traceback import format_exception

    lines("".join(format_exception(error)).rstrip())


def one_line(text: str) -> str:
    """Without line breaks, and without what would move a terminal's cursor."""
    return _visible(" ".join(text.split()))


def _visible(text: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in text.expandtabs())


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table that is readable without colour and as wide as the terminal. Columns of numbers are set to the right."""
    lines = [list(headings), *(list(row) for row in rows)]
    columns = list(zip(*lines, strict=True))
    widths = _fitted([max(map(len, column)) for column in columns], shutil.get_terminal_size().columns)
    right = [all(map(_is_number, column[1:])) for column in columns]
    for number, line in enumerate(lines):
        for row in _wrapped(line, widths):
            cells = zip(row, widths, right, strict=True)
            _print("  ".join(cell.rjust(width) if left else cell.ljust(width) for cell, width, left in cells).rstrip())
        if number == 0:
            _print("  ".join("─" * width for width in widths))


def _fitted(widths: Sequence[int], room: int) -> list[int]:
    """The widest column gives way first."""
    fitted = list(widths)
    while sum(fitted) + 2 * (len(fitted) - 1) > room and max(fitted) > MIN_WIDTH:
        fitted[fitted.index(max(fitted))] -= 1
    return fitted


def _wrapped(line: Sequence[str], widths: Sequence[int]) -> Iterable[Sequence[str]]:
    cells = [textwrap.wrap(cell, width, break_on_hyphens=False) for cell, width in zip(line, widths, strict=True)]
    for number in range(max(1, *map(len, cells))):
        yield [cell[number] if number < len(cell) else "" for cell in cells]


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).isdigit() or text in ("", "–")


class Progress:
    """Says what long work does: on a terminal in one line that changes, elsewhere not at all. Safe in threads."""

    def __init__(self, is_verbose: bool = False) -> None:
        """`is_verbose` keeps every step as a line of its own, on a terminal or not."""
        self._is_verbose = is_verbose
        self._began: float | None = None

    def step(self, text: str) -> None:
        """A step that is over as soon as the next one is reached."""
        now = time.monotonic()
        self._began = self._began or now
        if self._is_verbose:
            note(text)
        elif self._is_seen():
            _screen.show(f"{now - self._began:3.0f} s  {one_line(text)}")

    def fetched(self, done: int, total: int) -> None:
        """A bar for what is fetched: bytes that are there, of those that are wanted."""
        self._bar("fetching", done, total)

    def sent(self, done: int, total: int) -> None:
        """A bar for what is sent: bytes that are there, of those that are wanted."""
        self._bar("pushing", done, total)

    def _bar(self, what: str, done: int, total: int) -> None:
        if total and self._is_seen():
            filled = min(BAR, BAR * done // total)
            bar = "█" * filled + "░" * (BAR - filled)
            _screen.show(f"{what}  {bar}  {done / 1e6:.1f} of {total / 1e6:.1f} MB")

    def note(self, text: str) -> None:
        """What takes long, or differs from what was asked: worth a line that stays."""
        note(text)

    def said(self, who: str, line: str) -> None:
        """What a function printed: for who watches."""
        if self._is_verbose or sys.stderr.isatty():
            printed(who, line)

    def _is_seen(self) -> bool:
        return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def done(self) -> None:
        """The work is over: the line that changes goes away. The next step begins other work."""
        self._began = None
        _screen.clear()


class _Screen:
    """What stands on the terminal's last line. Every line that stays is printed through it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._is_shown = False

    def show(self, text: str) -> None:
        with self._lock:
            self.clear()
            click.echo(text[: shutil.get_terminal_size().columns - 1], nl=False, err=True)
            self._is_shown = True

    def clear(self) -> None:
        with self._lock:
            if self._is_shown:
                click.echo("\r\x1b[K", nl=False, err=True)
                self._is_shown = False

    def keep(self, text: str, is_result: bool) -> None:
        with self._lock:
            self.clear()
            click.echo(text, err=not is_result)


_screen = _Screen()


def _print(text: str, is_result: bool = True) -> None:
    _screen.keep(text, is_result)


def _styled(text: str, **style: Any) -> str:
    return text if os.environ.get("NO_COLOR") else click.style(text, **style)
