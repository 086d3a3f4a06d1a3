"""hyfn check: what is wrong, by reading alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from hyfn import project
from hyfn.cli import guard, output
from hyfn.errors import ProjectError
from hyfn.model import Problem, Project


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@output.json_option
@guard.command
def command(path: Path, is_json: bool) -> None:
    """Find what is wrong with the project at PATH, without building it."""
    try:
        read = project.read(path)
        if not read.functions:
            raise project.no_function(read)
    except ProjectError as error:
        if is_json:
            output.document(
                {"functions": [], "problems": [{"level": "error", **each} for each in guard.documents(error)]}
            )
            sys.exit(1)
        raise
    problems = project.check(read)
    errors = sum(problem.level == "error" for problem in problems)
    if is_json:
        output.document(_document(read, problems))
    else:
        for problem in problems:
            (output.error if problem.level == "error" else output.warning)(str(problem))
        warnings = len(problems) - errors
        counts = [
            (len(read.functions), "function"),
            (len(read.edges), "edge"),
            (errors, "error"),
            (warnings, "warning"),
        ]
        output.result(", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts))
    if errors:
        sys.exit(1)


def _document(read: Project, problems: list[Problem]) -> dict[str, Any]:
    return {
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
