"""A function placed elsewhere, as source: its signature and where it lives, in as many lines as there are."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from hyfn import syntax
from hyfn.model import FunctionSpec, Parameter

MARKER = "hyfn_stub"
_WIDTH = 100


def stub(function: FunctionSpec, lines: int, marker: str = MARKER) -> str:
    """The definition that stands for `function`, at most `lines` lines long, two at least; without a final newline.

    `marker` is the expression that hyfn.declare.stub goes by in the module.
    """
    return next(text for text in _forms(function, marker) if text.count("\n") < max(lines, 2))


def _forms(function: FunctionSpec, marker: str) -> Iterator[str]:
    """From the most readable to the shortest: two lines, however wide."""
    short, long = _decorator(function, marker, 1), _decorator(function, marker, 2)
    head, tall = _head(function, is_tall=False), _head(function, is_tall=True)
    decorators = [short] if len(short) <= _WIDTH else [long, short]
    heads = [head] if len(head) <= _WIDTH else [tall, head]
    doc = _doc(function)
    for decorator in decorators:
        for one in heads:
            if doc:
                yield f"{decorator}\n{one}\n    {doc}\n    ..."
            yield f"{decorator}\n{one}\n    ..."
    yield f"{short}\n{head} ..."


def _decorator(function: FunctionSpec, marker: str, shape: int) -> str:
    arguments = [_quoted(target.platform) for target in function.targets]
    if function.raises:
        arguments.append(f"raises=({', '.join(map(_quoted, function.raises))},)")
    if shape == 1:
        return f"@{marker}({', '.join(arguments)})"
    return "\n".join((f"@{marker}(", *(f"    {argument}," for argument in arguments), ")"))


def _head(function: FunctionSpec, *, is_tall: bool) -> str:
    start = f"{'async ' if function.is_async else ''}def {function.qualname}("
    end = f") -> {_line(function.signature.returns)}:" if function.signature.returns else "):"
    parameters = list(_parameters(function.signature.parameters))
    if is_tall and parameters:
        return "\n".join((start, *(f"    {parameter}," for parameter in parameters), end))
    return f"{start}{', '.join(parameters)}{end}"


def _parameters(parameters: Sequence[Parameter]) -> Iterator[str]:
    """As they are written in a def, with the / and * between their kinds."""
    before = ""
    for parameter in parameters:
        if before == "POSITIONAL_ONLY" and parameter.kind != before:
            yield "/"
        if parameter.kind == "KEYWORD_ONLY" and before not in ("KEYWORD_ONLY", "VAR_POSITIONAL"):
            yield "*"
        yield _parameter(parameter)
        before = parameter.kind
    if before == "POSITIONAL_ONLY":
        yield "/"


def _parameter(parameter: Parameter) -> str:
    stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter.kind, "")
    annotation = f": {_line(parameter.annotation)}" if parameter.annotation else ""
    equals = " = " if annotation else "="
    default = f"{equals}{_line(parameter.default)}" if parameter.default is not None else ""
    return f"{stars}{parameter.name}{annotation}{default}"


def _line(expression: str) -> str:
    return ast.unparse(syntax.expression(expression)) if "\n" in expression else expression


def _doc(function: FunctionSpec) -> str:
    first = next(_filled((function.doc or "").splitlines()), "")
    text = first.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""{text} """' if text.endswith('"') else f'"""{text}"""' if text else ""


def _filled(lines: Iterable[str]) -> Iterator[str]:
    return (line.strip() for line in lines if line.strip())


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
