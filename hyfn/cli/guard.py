"""Around every command: one line for an error and exit status 1, and a clean end on Ctrl-C, SIGTERM and SIGHUP."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, ParamSpec, TypeVar

import click

from hyfn.cli import output
from hyfn.errors import HyfnError, MachineError, ProjectErrors
from hyfn.toolchain import scratch

P = ParamSpec("P")
T = TypeVar("T")

TRACEBACK = "HYFN_TRACEBACK"
"""Set to 1 it shows where in hyfn an error was raised."""
ENOUGH = 3
"""Signals after which nothing is tidied up any more. Programs that hyfn started end even so."""


def command(run: Callable[P, T]) -> Callable[P, T]:
    """For the function of a command, below click's decorators. Its option `is_json` says how errors are printed."""

    @functools.wraps(run)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            with _interruptible():
                return run(*args, **kwargs)
        except KeyboardInterrupt as error:
            output.note("stopped")
            sys.exit(128 + (error.args[0] if error.args else signal.SIGINT))
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001  (no command ends in a traceback)
            fail(error, is_json=bool(kwargs.get("is_json")))

    return guarded


@contextmanager
def _interruptible() -> Iterator[None]:
    """The first signal raises KeyboardInterrupt(number), which unwinds all that runs; the next ones leave it time."""
    heard: list[int] = []

    def hear(number: int, _: FrameType | None) -> None:
        heard.append(number)
        if len(heard) >= ENOUGH:
            os._exit(128 + number)
        if len(heard) == 1:
            raise KeyboardInterrupt(number)

    ignored = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else []  # nohup's wish
    numbers = [number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if number not in ignored]
    before = {number: signal.signal(number, hear) for number in numbers}
    try:
        yield
    except KeyboardInterrupt:
        scratch.tidy()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say(error: Exception) -> None:
    """One line for each thing that is wrong."""
    for each in _each(error):
        output.error(str(each))
    if os.environ.get(TRACEBACK):
        output.traceback(error)


def documents(error: Exception) -> list[dict[str, str | None]]:
    """The same for a program."""
    return [{"message": each.message, "where": each.where, "hint": each.hint} for each in _each(error)]


def fail(error: Exception, is_json: bool = False) -> NoReturn:
    """Say it, also for a program if that is asked for, and end with status 1."""
    if is_json:
        output.document({"errors": documents(error)})
    say(error)
    sys.exit(1)


def _each(error: Exception) -> Sequence[HyfnError]:
    if isinstance(error, ProjectErrors):
        return [one for nested in error.errors for one in _each(nested)]
    if isinstance(error, HyfnError):
        return [error]
    if isinstance(error, OSError) and error.strerror:
        return [MachineError(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)]
    kind = type(error).__name__
    text = f"{kind}: {error}" if str(error) else kind
    return [HyfnError(f"hyfn itself failed: {text}", hint=f"with {TRACEBACK}=1 it shows where")]
