"""hyfn doctor: what this machine has."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from hyfn import __version__, clouds
from hyfn.cli import guard, output, platforms
from hyfn.dev.application import emulator
from hyfn.errors import HyfnError, MachineError
from hyfn.model import Place, Target
from hyfn.toolchain import cache, pythons, uv

PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def _named(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    return [name for name in sorted(clouds.platforms()) if name.startswith(incomplete)]


@click.command
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=_named)
@click.option("--platforms", "is_of_platforms", is_flag=True, help="Say what each platform, or NAME, can do.")
@click.option("--markdown", "is_markdown", is_flag=True, help="With --platforms, print the tables of a README.")
@output.json_option
@guard.command
def command(names: Sequence[str], is_of_platforms: bool, is_markdown: bool, is_json: bool) -> None:
    """Say what this machine has of what hyfn needs: uv, interpreters, runtimes.

    With --platforms, say what each platform can do: limits, Pythons and their ends, triggers, and who says so.
    """
    if is_of_platforms:
        _tell(names, is_markdown, is_json)
        return
    if names or is_markdown:
        raise click.UsageError("NAME and --markdown are for --platforms")
    rows = list(_rows())
    if is_json:
        output.document({"checks": rows})
    else:
        output.table(
            ["what", "ok", "found"], [[row["what"], "yes" if row["ok"] else "no", row["found"]] for row in rows]
        )
    if not all(row["ok"] for row in rows if row["required"]):
        sys.exit(1)


def _tell(names: Sequence[str], is_markdown: bool, is_json: bool) -> None:
    found, today = platforms.read(names), datetime.now(tz=UTC).date()
    if is_json:
        told = {name: platforms.document(each, today) for name, each in found.items()}
        output.document({"platforms": told})
    elif is_markdown:
        output.result(platforms.markdown(found, today))
    else:
        output.result("\n\n".join(platforms.block(name, each, today) for name, each in found.items()))


def _rows() -> Iterator[dict[str, Any]]:
    yield _row("hyfn", lambda: f"{__version__} on CPython {sys.version.split()[0]}")
    yield _row("cache", _cache)
    yield _row("uv", lambda: uv.run(["--version"], cwd=Path("/")).strip())
    for minor in PYTHONS:
        yield _row(f"CPython {minor}", partial(_python, minor), is_required=False)
    yield _row("clouds", lambda: ", ".join(clouds.known()))
    yield from _platforms()


def _platforms() -> Iterator[dict[str, Any]]:
    try:
        known = clouds.platforms()
    except HyfnError:  # said in the row before
        return
    for name, platform in sorted(known.items()):
        target = Target(platform.cloud, name, {}, Place("", 0))
        yield _row(f"{name} here", partial(_runtime, target), is_required=False)


def _row(what: str, find: Callable[[], str], is_required: bool = True) -> dict[str, Any]:
    """`find` says what there is, or raises what is wrong with it."""
    try:
        ok, found = True, find()
    except (HyfnError, OSError) as error:
        ok, found = False, str(error)
    return {"what": what, "ok": ok, "found": found, "required": is_required}


def _cache() -> str:
    """Where environments and wheels are kept, if they can be."""
    folder = cache.home()
    with tempfile.TemporaryFile(dir=folder):
        return str(folder)


def _python(minor: str) -> str:
    found = pythons.find(minor)
    if found is None:
        raise MachineError("not found", hint=f"uv python install {minor}")
    return str(found)


def _runtime(target: Target) -> str:
    return f"runs on CPython {emulator(target).python(target)}"
