"""hyfn graph: who may call whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hyfn import project
from hyfn.cli import guard, output
from hyfn.discover import graph


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--mermaid", is_flag=True, help="Print a Mermaid flowchart.")
@output.json_option
@guard.command
def command(path: Path, mermaid: bool, is_json: bool) -> None:
    """Print the static call graph of the project at PATH."""
    document = graph.document(project.read(path))
    if is_json:
        output.document(document)
    elif mermaid:
        output.result("\n".join(_mermaid(document)))
    else:
        output.result("\n".join(_text(document)))


def _text(document: dict[str, Any]) -> list[str]:
    lines = []
    for function in document["functions"]:
        lines.append(f"{function['name']}  [{', '.join(function['clouds'])}]  {function['file']}:{function['line']}")
        lines += [
            f"  → {edge['callee']}  {edge['file']}:{edge['line']}"
            for edge in document["edges"]
            if edge["caller"] == function["name"]
        ]
    lines += [
        f"unresolved: {call['file']}:{call['line']}: {call['text']} (in {call['caller']})"
        for call in document["unresolved"]
    ]
    return lines


def _mermaid(document: dict[str, Any]) -> list[str]:
    ids = {function["name"]: f"f{number}" for number, function in enumerate(document["functions"])}
    platforms = sorted({function["clouds"][0] for function in document["functions"]})
    lines = ["flowchart LR"]
    for platform in platforms:
        lines.append(f"  subgraph {platform}")
        lines += [
            f'    {ids[function["name"]]}["{function["name"]}"]'
            for function in document["functions"]
            if function["clouds"][0] == platform
        ]
        lines.append("  end")
    return lines + [f"  {ids[edge['caller']]} --> {ids[edge['callee']]}" for edge in document["edges"]]
