"""hyfn doctor: what this machine has."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from hyfn import __version__, clouds
from hyfn.cli import guard, output
from hyfn.dev.application import emulator
from hyfn.errors import HyfnError, MachineError
from hyfn.model import Place, Target
from hyfn.toolchain import cache, pythons, uv

PYTHONS = ("3.11", "3.12", "3.13")


@click.command
@output.json_option
@guard.command
def command(is_json: bool) -> None:
    """Say what this machine has of what hyfn needs: uv, interpreters, runtimes."""
    rows = list(_rows())
    if is_json:
        output.document({"checks": rows})
    else:
        output.table(
            ["what", "ok", "found"], [[row["what"], "yes" if row["ok"] else "no", row["found"]] for row in rows]
        )
    if not all(row["ok"] for row in rows if row["required"]):
        sys.exit(1)


def _rows() -> Any:
    yield _row("hyfn", True, f"{__version__} on CPython {sys.version.split()[0]}")
    yield _row("cache", True, str(cache.home()))
    yield _uv()
    for minor in PYTHONS:
        found = pythons.find(minor)
        yield _row(f"CPython {minor}", found is not None, str(found or "not found"), required=False)
    for name in sorted(clouds.platforms()):
        yield _runtime(name)


def _uv() -> dict[str, Any]:
    try:
        return _row("uv", True, uv.run(["--version"], cwd=Path.cwd()).strip())
    except HyfnError as error:
        return _row("uv", False, str(error))


def _runtime(name: str) -> dict[str, Any]:
    target = Target(clouds.platforms()[name].cloud, name, {}, Place("", 0))
    try:
        return _row(f"{name} here", True, f"runs on CPython {emulator(target).python(target)}", required=False)
    except MachineError as error:
        return _row(f"{name} here", False, str(error), required=False)


def _row(what: str, ok: bool, found: str, required: bool = True) -> dict[str, Any]:
    return {"what": what, "ok": ok, "found": found, "required": required}
