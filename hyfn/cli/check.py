"""hyfn check: what is wrong, by reading alone."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hyfn import project
from hyfn.cli import output


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@output.json_option
@output.command
def command(path: Path, is_json: bool) -> None:
    """Find what is wrong with the project at PATH, without building it."""
    read = project.read(path)
    problems = project.check(read)
    errors = [problem for problem in problems if problem.level == "error"]
    if is_json:
        output.document(
            {
                "functions": [function.name for function in read.functions],
                "problems": [
                    {
                        "level": problem.level,
                        "message": problem.message,
                        "where": str(problem.place) if problem.place else None,
                        "hint": problem.hint,
                    }
                    for problem in problems
                ],
            }
        )
    else:
        for problem in problems:
            output.result(f"{problem.level}: {problem}")
        output.result(f"{len(read.functions)} functions, {len(read.edges)} edges, {len(errors)} errors")
    if errors:
        sys.exit(1)
