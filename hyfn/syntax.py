"""Parsing Python, one text at a time."""

from __future__ import annotations

import ast
from threading import Lock

_one_at_a_time = Lock()
"""CPython 3.11 keeps the depth of its syntax trees in one place for all threads (CPython issue 106905): two that parse
at once can get a SystemError."""


def parse(text: str | bytes) -> ast.Module:
    """The tree of a module. Raises SyntaxError, and ValueError for text with null bytes."""
    with _one_at_a_time:
        return ast.parse(text)


def expression(text: str) -> ast.expr:
    """The tree of an expression. Raises SyntaxError."""
    with _one_at_a_time:
        return ast.parse(text, mode="eval").body
