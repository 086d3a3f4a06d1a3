"""hyfn demo: every platform calls every other one, here, without an account."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from hyfn import project
from hyfn.cli import guard, output, shipped
from hyfn.dev.application import Application
from hyfn.dev.script import Script

TIMES = 30
"""Calls of each pair; the first is told apart from those that follow."""


@click.command
@click.option("--times", default=TIMES, show_default=True, type=click.IntRange(min=2), help="Calls of each pair.")
@click.option("-v", "--verbose", is_flag=True, help="Show each step.")
@output.json_option
@guard.command
def command(times: int, verbose: bool, is_json: bool) -> None:
    """Run examples/invoices across all platforms here, and time every directed call."""
    folder = shipped.examples() / "invoices"
    read = project.read(folder)
    progress = output.Progress(verbose)
    with Application(read, progress.step, note=progress.note) as application:
        progress.step("running the example")
        story = Script(read, folder / "app.py", progress.note).output([], application.laptop())
        progress.step("timing every call")
        audit = Script(read, folder / "audit.py", progress.note)
        measured = json.loads(audit.output(["--json", str(times)], application.laptop()))
        calls = [_row(call, application) for call in measured]
    progress.done()
    if is_json:
        output.document({"calls": calls})
    else:
        output.result(story)
        _print(calls)
    if not all(call["ok"] for call in calls):
        sys.exit(1)


def _row(call: dict[str, Any], application: Application) -> dict[str, Any]:
    name = f"audit:{call['callee']}@{call['callee_platform']}"
    running = application.running[name]
    return {
        "caller": call["caller"],
        "callee": call["callee"],
        "caller_platform": call["caller_platform"],
        "callee_platform": call["callee_platform"],
        "runtime": running.runtime,
        "evidence": running.evidence,
        "first_ms": call["first_ms"],
        "warm_ms": call["warm_ms"],
        "ok": call["ok"],
        **({} if call["ok"] else {"error": call["error"]}),
    }


def _print(calls: list[dict[str, Any]]) -> None:
    output.table(
        ["caller", "callee", "runtime of the callee", "evidence", "first ms", "warm ms", "ok"],
        [
            [
                call["caller_platform"],
                call["callee_platform"],
                call["runtime"],
                call["evidence"],
                _ms(call["first_ms"]),
                _ms(call["warm_ms"]),
                "yes" if call["ok"] else f"NO: {call['error']}",
            ]
            for call in calls
        ],
    )
    output.result(f"{sum(call['ok'] for call in calls)} of {len(calls)} calls ok; warm is the median")


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
