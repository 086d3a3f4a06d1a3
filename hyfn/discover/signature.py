"""A function's signature as its source says it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from hyfn.discover.source import segment
from hyfn.model import Parameter, Signature, Source

Function = ast.FunctionDef | ast.AsyncFunctionDef


def read(source: Source, function: Function) -> Signature:
    """Annotations and defaults are source text, each on one line."""
    parameters = [
        Parameter(argument.arg, kind, _text(source, argument.annotation), _text(source, default))
        for argument, kind, default in arguments(function)
    ]
    return Signature(parameters, _text(source, function.returns))


def arguments(function: Function) -> Iterator[tuple[ast.arg, str, ast.expr | None]]:
    """Each parameter in order, with inspect's name of its kind and its default."""
    given = function.args
    positional = [(argument, "POSITIONAL_ONLY") for argument in given.posonlyargs]
    positional += [(argument, "POSITIONAL_OR_KEYWORD") for argument in given.args]
    first_default = len(positional) - len(given.defaults)
    for index, (argument, kind) in enumerate(positional):
        yield argument, kind, given.defaults[index - first_default] if index >= first_default else None
    if given.vararg:
        yield given.vararg, "VAR_POSITIONAL", None
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield argument, "KEYWORD_ONLY", default
    if given.kwarg:
        yield given.kwarg, "VAR_KEYWORD", None


def _text(source: Source, node: ast.expr | None) -> str | None:
    return None if node is None else segment(source, node)
