"""A module's text without its docstrings, as many lines long. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from hyfn import syntax


def text(source: str) -> str:
    """With each docstring emptied, but for those that share their line with another statement."""
    lines = source.split("\n")
    for node in ast.walk(syntax.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for at in _strings(node.body):
                _empty(lines, at)
    return "\n".join(lines)


def _strings(body: Sequence[ast.stmt]) -> Iterator[ast.Expr]:
    """The docstring, and those that stand below a name."""
    for node in body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node


def _empty(lines: list[str], at: ast.Expr) -> None:
    first, last = at.lineno - 1, (at.end_lineno or at.lineno) - 1
    before = _start(lines[first], at.col_offset)
    after = lines[last][len(_start(lines[last], at.end_col_offset or 0)) :].strip()
    if not after or after.startswith("#"):
        lines[first : last + 1] = [f'{before}""', *[""] * (last - first)]


def _start(line: str, offset: int) -> str:
    """As far as `offset`, which ast counts in bytes of UTF-8."""
    return line.encode()[:offset].decode()
