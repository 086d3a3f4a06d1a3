"""The options of a platform: what a decorator may be given, and the values that reading can see."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Protocol

from hyfn import syntax
from hyfn.discover.scope import Assigned, External, Found, Scopes, Undefined, Unknown, dotted


class Platform(Protocol):
    """A target-cloud decorator as discovery sees it: `accepts` is the function whose parameters are its options."""

    @property
    def name(self) -> str: ...

    @property
    def cloud(self) -> str: ...

    @property
    def package(self) -> str: ...

    @property
    def distribution(self) -> str: ...

    @property
    def accepts(self) -> Callable[..., None]: ...


Platforms = Mapping[str, Platform]


class NotConstantError(Exception):
    """An expression that reading cannot give a value to. Its text says which and why."""


def evaluate(node: ast.expr, module: str, scopes: Scopes, depth: int = 0) -> Any:
    """The value of a literal or of a module constant. Raises NotConstantError for anything else."""
    match node:
        case ast.Constant():
            return node.value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant(value=int() | float() as number)):
            return -number if isinstance(sign, ast.USub) else +number
        case ast.List(elts=items):
            return [evaluate(item, module, scopes, depth) for item in items]
        case ast.Tuple(elts=items):
            return tuple(evaluate(item, module, scopes, depth) for item in items)
        case ast.Dict(keys=keys, values=values):
            return {
                evaluate(key, module, scopes, depth): evaluate(value, module, scopes, depth)
                for key, value in zip(_keys(node, keys), values, strict=True)
            }
        case ast.Name() | ast.Attribute() if depth < 32 and (name := dotted(node)):
            return _constant(name, module, scopes, depth)
    raise NotConstantError(f"{shown(node)} is no literal and no module constant")


def shown(node: ast.expr) -> str:
    """An expression in a message: on one line, and not a long one."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keys(node: ast.Dict, keys: list[ast.expr | None]) -> list[ast.Constant]:
    constants = [key for key in keys if isinstance(key, ast.Constant)]
    if len(constants) < len(keys):
        raise NotConstantError(f"{shown(node)} has keys that are no literals")
    return constants


def _constant(name: str, module: str, scopes: Scopes, depth: int) -> Any:
    match scopes.find(module, name):
        case Found(at, Assigned(value)) if value is not None:
            return evaluate(value, at, scopes, depth + 1)
        case Undefined(at, missing):
            raise NotConstantError(f"{missing} is not defined in {at}")
        case External(full):
            raise NotConstantError(f"{name} is {full}, which only running the program can tell")
        case Unknown():
            raise NotConstantError(f"{name} is bound in several ways")
    raise NotConstantError(f"{name} is no constant")


def accepted(platform: Platform) -> Mapping[str, inspect.Parameter]:
    """The platform's options by name."""
    return inspect.signature(platform.accepts).parameters


def problem(platform: Platform, option: str, value: object) -> tuple[str, str] | None:
    """What is wrong with one option, and a hint; None where nothing is. Ranges are the packer's to judge."""
    options = accepted(platform)
    if option not in options:
        return f"{platform.name} has no option {option!r}", nearest(option, options)
    annotation = options[option].annotation
    if not isinstance(annotation, str) or fits(value, _parsed(annotation)):
        return None
    wanted = _in_words(_parsed(annotation))
    return f"{option} of {platform.name} must be {wanted}, not {value!r}", example(platform, option)


def _in_words(annotation: ast.expr) -> str:
    match annotation:
        case ast.Subscript(value=ast.Name("Literal"), slice=ast.Tuple(elts=choices)):
            return f"one of {', '.join(ast.unparse(choice) for choice in choices)}"
    return ast.unparse(annotation)


def nearest(wrong: str, right: Mapping[str, object]) -> str:
    """A hint that names the most alike, and all."""
    close = get_close_matches(wrong, right, n=3, cutoff=0.6)
    known = f"known are {', '.join(sorted(right))}"
    return f"did you mean {' or '.join(close)}? {known}" if close else known


def example(platform: Platform, option: str) -> str:
    """The option as one writes it, with its default."""
    default = accepted(platform)[option].default
    value = "..." if default is inspect.Parameter.empty else json.dumps(default, default=str)
    return f"{option} = {value}"


@lru_cache(maxsize=256)
def _parsed(annotation: str) -> ast.expr:
    return syntax.expression(annotation)


_PLAIN: Mapping[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    "None": (type(None),),
}


def fits(value: object, annotation: ast.expr) -> bool:
    """Whether a value is of an annotated type. What this does not know, it lets pass."""
    match annotation:
        case ast.Constant(value=None):
            return value is None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return fits(value, left) or fits(value, right)
        case ast.Name(name) if name in _PLAIN:
            return isinstance(value, _PLAIN[name]) and isinstance(value, bool) <= (name == "bool")
        case ast.Subscript(value=ast.Name("Literal"), slice=inner):
            return value in [item.value for item in _items(inner) if isinstance(item, ast.Constant)]
        case ast.Subscript(value=ast.Name("Sequence" | "list" | "tuple" | "Collection" | "Iterable"), slice=inner):
            return isinstance(value, list | tuple) and all(fits(item, _items(inner)[0]) for item in value)
        case ast.Subscript(value=ast.Name("Mapping" | "dict"), slice=ast.Tuple([key, inner])):
            return isinstance(value, dict) and all(fits(k, key) and fits(v, inner) for k, v in value.items())
    return True


def _items(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]
