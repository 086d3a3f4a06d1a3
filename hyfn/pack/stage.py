"""What travels of hyfn itself into an artifact."""

from __future__ import annotations

import ast
import functools
import json
from collections.abc import Iterator
from pathlib import Path

import hyfn
from hyfn import syntax
from hyfn.model import FunctionSpec, Target

ROOT = Path(hyfn.__file__).parent
BY_NAME = ("hyfn.declare", "hyfn.errors", "hyfn.remote")
"""What is imported by a computed name, so that reading does not show it; beside it, every cloud's `call`."""


@functools.cache
def travelling(cloud: str) -> dict[str, bytes]:
    """hyfn's own files for an artifact on `cloud`: paths under the import root.

    Its host, every cloud's decorator (user modules import them) and caller (calls need them), and what those import.
    """
    waiting = [*BY_NAME, f"hyfn.clouds.{cloud}.host", *_clouds()]
    found: dict[str, Path] = {}
    while waiting:
        module = waiting.pop()
        path = _path(module)
        if path is not None and module not in found:
            found[module] = path
            waiting += [module.rpartition(".")[0], *_imports(path)]
    files = {path.relative_to(ROOT.parent).as_posix(): path.read_bytes() for path in found.values()}
    return {"hyfn/py.typed": b"", **files}


def _clouds() -> Iterator[str]:
    for package in sorted((ROOT / "clouds").glob("*/__init__.py")):
        yield f"hyfn.clouds.{package.parent.name}"
        yield f"hyfn.clouds.{package.parent.name}.call"


def _path(module: str) -> Path | None:
    """The file of one of hyfn's modules; None for another's, and for a name that is no module."""
    if module.partition(".")[0] != "hyfn":
        return None
    place = ROOT.parent.joinpath(*module.split("."))
    return next((path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()), None)


def _imports(path: Path) -> Iterator[str]:
    """Everything that a module imports when it runs, in whatever function."""
    waiting: list[ast.AST] = [syntax.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def manifest(app: str, functions: list[FunctionSpec], target: Target) -> bytes:
    """hyfn.json: what the artifact is, for the host in it."""
    document = {
        "app": app,
        "function": functions[0].name,
        "functions": [function.name for function in functions],
        "cloud": target.cloud,
        "platform": target.platform,
    }
    return json.dumps(document, indent=1).encode() + b"\n"
