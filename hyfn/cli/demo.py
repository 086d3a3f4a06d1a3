"""hyfn demo: every platform calls every other one, here, without an account."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from hyfn import clouds, project
from hyfn.cli import guard, output, shipped
from hyfn.dev import matrix as matrix_of
from hyfn.dev.application import Application
from hyfn.dev.script import Script
from hyfn.toolchain import scratch

TIMES = 30
"""Calls of each pair; the first is told apart from those that follow."""


@click.command
@click.option("--times", default=TIMES, show_default=True, type=click.IntRange(min=2), help="Calls of each pair.")
@click.option(
    "--matrix", is_flag=True, help="Every platform that hyfn knows calls every other, itself, and is called here."
)
@click.option("-v", "--verbose", is_flag=True, help="Show each step.")
@output.json_option
@guard.command
def command(times: int, matrix: bool, verbose: bool, is_json: bool) -> None:
    """Run examples/invoices across all platforms here, and time every directed call."""
    if matrix:
        _matrix(times, verbose, is_json)
        return
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


def _matrix(times: int, verbose: bool, is_json: bool) -> None:
    progress = output.Progress(verbose)
    with scratch.folder("hyfn-matrix-") as folder:
        for name, text in matrix_of.files(clouds.platforms()).items():
            (folder / name).write_text(text)
        read = project.read(folder)
        with Application(read, progress.step, note=progress.note) as application:
            progress.step("timing every call")
            script = Script(read, folder / "app.py", progress.note)
            measured = json.loads(script.output([str(times)], application.laptop()))
            cells = [_cell(cell, application) for cell in measured]
    progress.done()
    if is_json:
        output.document({"cells": cells})
    else:
        _print_matrix(cells)
    if not all(cell["ok"] for cell in cells):
        sys.exit(1)


def _cell(cell: dict[str, Any], application: Application) -> dict[str, Any]:
    running = application.running[matrix_of.callee(cell["callee_platform"])]
    return {**cell, "runtime": running.runtime, "evidence": running.evidence}


def _print_matrix(cells: list[dict[str, Any]]) -> None:
    callees = {cell["callee_platform"]: [cell["runtime"], cell["evidence"]] for cell in cells}
    output.table(["platform", "runs here in", "evidence"], [[name, *said] for name, said in callees.items()])
    output.result("")
    output.table(
        ["caller", "callee", "evidence", "first ms", "warm ms", "ok"],
        [
            [
                cell["caller_platform"],
                cell["callee_platform"],
                cell["evidence"],
                _ms(cell["first_ms"]),
                _ms(cell["warm_ms"]),
                "yes" if cell["ok"] else f"NO: {cell['error']}",
            ]
            for cell in cells
        ],
    )
    output.result(f"{sum(cell['ok'] for cell in cells)} of {len(cells)} cells ok; warm is the median")


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
