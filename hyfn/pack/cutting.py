"""Takes statements out of a module's text, or puts stubs in their place, without moving any other line."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from hyfn.model import Cut, FunctionSpec, Kept

_WIDTH = 100
_MARKER = "hyfn_stub"
_MARKER_IMPORT = f"from hyfn.declare import stub as {_MARKER}"
_INLINE_MARKER = '__import__("hyfn.declare").declare.stub'
"""Where no import of hyfn stands above the stubs that another could join."""

Render = Callable[[FunctionSpec, int, str], str]


def text(kept: Kept, render: Render) -> str:
    """The module's text after its cuts. It has as many lines as before."""
    page = _Page(kept.source.text)
    marker = _MARKER if kept.anchor else _INLINE_MARKER
    is_marked = not (kept.anchor and any(cut.stub for cut in kept.cuts))
    for cut in reversed(kept.cuts):
        if cut.stub:
            page.replace(cut, render(cut.stub, page.room(cut.node), marker).split("\n"))
        elif cut.kept:
            joined = cut.node is kept.anchor and not is_marked
            page.replace(cut, _import(cut, page, joined))
            is_marked = is_marked or joined
        elif cut.node is kept.anchor and not is_marked:
            page.replace(cut, [_MARKER_IMPORT])
            is_marked = True
        else:
            page.drop(cut)
    if not is_marked and kept.anchor:
        page.join(kept.anchor, _MARKER_IMPORT)
    page.name_gaps()
    return page.text()


def _import(cut: Cut, page: _Page, is_joined: bool) -> list[str]:
    """The import with the names that stay, then the marker's own where this is its place."""
    assert isinstance(cut.node, ast.Import | ast.ImportFrom)
    names = [f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in cut.kept]
    more = f"; {_MARKER_IMPORT}" if is_joined else ""
    if isinstance(cut.node, ast.Import):
        return [f"import {', '.join(names)}{more}"]
    start = f"from {'.' * cut.node.level}{cut.node.module or ''} import "
    line = f"{start}{', '.join(names)}{more}"
    if len(line) <= _WIDTH or page.room(cut.node) < len(names) + 2:
        return [line]
    return [f"{start}(", *(f"    {name}," for name in names), f"){more}"]


class _Page:
    """The lines of a module, edited from its end to its beginning, so that places stay true."""

    def __init__(self, text: str) -> None:
        self._lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._original = list(self._lines)
        self._gaps: list[tuple[int, int, Sequence[str]]] = []

    def text(self) -> str:
        return "\n".join(self._lines)

    def room(self, node: ast.stmt) -> int:
        return (node.end_lineno or node.lineno) - _first_line(node) + 1

    def replace(self, cut: Cut, lines: Sequence[str]) -> None:
        """Put `lines`, no more than it had, in the place of a statement."""
        first, last, before, after = self._around(cut.node)
        indent = "" if before.strip() else before
        body = [f"{indent}{line}" if line else "" for line in lines]
        body[0] = before + lines[0]
        if after:
            body[-1] += after
        self._lines[first : last + 1] = body + [""] * (last + 1 - first - len(body))
        if not cut.stub and len(body) < last + 1 - first and cut.left_out:
            self._gaps.append((first + len(body), last, cut.left_out))

    def drop(self, cut: Cut) -> None:
        first, last, before, after = self._around(cut.node)
        is_alone = not before and not after.strip().strip(";")
        if is_alone:
            self._blank(first, last)
            self._gaps.append((self._with_comments(first, cut.node), last, cut.left_out))
            self._blank(self._gaps[-1][0], first)
        else:
            self._pass(first, last, before, after, cut.left_out)

    def join(self, node: ast.stmt, statement: str) -> None:
        """Another statement on the same line."""
        index = (node.end_lineno or node.lineno) - 1
        column = self._column(index, node.end_col_offset or 0)
        line = self._lines[index]
        self._lines[index] = f"{line[:column]}; {statement}{line[column:]}"

    def name_gaps(self) -> None:
        """Say in each gap what stood there. Gaps with nothing but comments between them are one."""
        gaps = sorted(self._gaps, key=lambda gap: gap[0])
        merged: list[tuple[int, int, list[str]]] = []
        for first, last, names in gaps:
            if merged and all(_is_comment(line) for line in self._lines[merged[-1][1] + 1 : first]):
                start, end, before = merged[-1]
                self._blank(end + 1, first)
                merged[-1] = (start, last, [*before, *names])
            else:
                merged.append((first, last, list(names)))
        for first, _, names in merged:
            self._lines[first] = _gap(names)

    def _pass(self, first: int, last: int, before: str, after: str, names: Sequence[str]) -> None:
        """Something must stand where a block would be empty, or between two semicolons."""
        note = "" if after.strip() else f"  {_gap(names)}"
        if first == last:
            self._lines[first] = f"{before}pass{after.rstrip()}{note}"
        elif before.strip():
            self._lines[first : last + 1] = [f"{before}pass", *[""] * (last - first - 1), after.lstrip("; ")]
        else:
            tail = [""] * (last - first)
            lines = [*tail, f"{before}pass{after}"] if after.strip() else [f"{before}pass{note}", *tail]
            self._lines[first : last + 1] = lines

    def _around(self, node: ast.stmt) -> tuple[int, int, str, str]:
        """First and last line of a statement, and what else stands in them; a comment behind it goes with it."""
        first, last = _first_line(node) - 1, (node.end_lineno or node.lineno) - 1
        before = self._lines[first][: self._column(node.lineno - 1, node.col_offset)]
        after = self._lines[last][self._column(last, node.end_col_offset or 0) :]
        return first, last, before, "" if after.strip().startswith("#") else after.rstrip()

    def _with_comments(self, first: int, node: ast.stmt) -> int:
        """Comments right above a definition go with it, but never the head of the file."""
        start = first
        while isinstance(node, _DEFINITION) and start > 0 and self._lines[start - 1].startswith("#"):
            start -= 1
        return start if start > 0 else first

    def _column(self, index: int, offset: int) -> int:
        """ast counts in bytes of UTF-8."""
        line = self._original[index]
        return offset if line.isascii() else len(line.encode()[:offset].decode())

    def _blank(self, first: int, last: int) -> None:
        for index in range(first, last + 1):
            self._lines[index] = ""


_DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _first_line(node: ast.stmt) -> int:
    """Where it starts, decorators included."""
    decorators = node.decorator_list if isinstance(node, _DEFINITION) else []
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _is_comment(line: str) -> bool:
    return not line.strip() or line.startswith("#")


def _gap(names: Sequence[str]) -> str:
    """A comment of one line that names what is gone."""
    line = "# left out here: "
    for index, name in enumerate(names):
        rest = f" and {len(names) - index} more"
        if len(line) + len(name) + len(rest) > _WIDTH:
            return f"{line.removesuffix(', ')}{rest}"
        line += f"{name}, "
    return line.removesuffix(", ")
