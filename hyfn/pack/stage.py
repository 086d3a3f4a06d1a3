"""What travels of hyfn itself into an artifact."""

from __future__ import annotations

import ast
import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hyfn
from hyfn import syntax
from hyfn.model import FunctionSpec, Target
from hyfn.toolchain import cache

ROOT = Path(hyfn.__file__).parent
VERSION = "1"
"""Of the form in which hyfn's own files are kept."""
BY_NAME = ("hyfn.declare", "hyfn.errors", "hyfn.event", "hyfn.on", "hyfn.remote", "hyfn.request")
"""What is imported by a computed name, so that reading does not show it; beside it, every cloud's `call`, and what
takes a function's triggers."""
HTTP = "http"
"""The kind of trigger that is no event."""


@functools.cache
def travelling(cloud: str, kinds: frozenset[str] = frozenset()) -> dict[str, bytes]:
    """hyfn's own files for an artifact on `cloud`, whose functions have triggers of these `kinds`: paths under the
    import root.

    Its host, what takes those triggers, every cloud's decorator (user modules import them) and caller (calls need
    them), and what those import, without their docstrings: a fifth of what hyfn weighs there. Lines keep their numbers.
    """
    roots = _roots(cloud, kinds)
    kept = cache.home() / "own" / f"{cache.key(VERSION, _stamps(), roots)}-{cloud}.json"
    try:
        texts = json.loads(kept.read_bytes())
    except (OSError, ValueError):
        texts = {name: _bare(path) for name, path in _found(roots).items()}
        cache.put(kept, json.dumps(texts).encode())
    return {name: text.encode() for name, text in texts.items()}


@functools.cache
def _stamps() -> list[str]:
    """What tells this hyfn from another, also where its files are being worked on."""
    files = sorted(ROOT.rglob("*.py"))
    return [hyfn.__version__, *(f"{file} {(stat := file.stat()).st_size} {stat.st_mtime_ns}" for file in files)]


def _roots(cloud: str, kinds: frozenset[str]) -> list[str]:
    roots = [*BY_NAME, f"hyfn.clouds.{cloud}.host", *_clouds()]
    roots += ["hyfn.host.web"] if HTTP in kinds else []
    return roots + ([f"hyfn.clouds.{cloud}.on"] if kinds - {HTTP} else [])


def _found(roots: Sequence[str]) -> dict[str, Path]:
    waiting = [*roots]
    found: dict[str, Path] = {}
    while waiting:
        module = waiting.pop()
        path = _path(module)
        if path is not None and module not in found:
            found[module] = path
            waiting += [module.rpartition(".")[0], *_imports(path)]
    return {path.relative_to(ROOT.parent).as_posix(): path for path in (ROOT / "py.typed", *found.values())}


def _bare(path: Path) -> str:
    """A module's text with empty docstrings, as many lines long."""
    text = path.read_text()
    lines = text.split("\n")
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for at in _strings(node.body):
                first, last = at.lineno - 1, (at.end_lineno or at.lineno) - 1
                lines[first : last + 1] = [lines[first].partition('"""')[0] + '""', *[""] * (last - first)]
    return "\n".join(lines)


def _strings(body: Sequence[ast.stmt]) -> Iterator[ast.Expr]:
    """The docstring, and those that stand below a name."""
    for node in body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node


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


@functools.cache
def _tree(path: Path) -> ast.Module:
    return syntax.parse(path.read_bytes())


@functools.cache
def _imports(path: Path) -> Sequence[str]:
    """Everything that a module imports when it runs, in whatever function."""
    return list(_imported(_tree(path)))


def _imported(tree: ast.Module) -> Iterator[str]:
    waiting: list[ast.AST] = [tree]
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
    document: dict[str, Any] = {
        "app": app,
        "function": functions[0].name,
        "functions": [function.name for function in functions],
        "cloud": target.cloud,
        "platform": target.platform,
    }
    triggers = {
        function.name: [{"kind": trigger.kind, **trigger.options} for trigger in function.triggers]
        for function in functions
        if function.triggers
    }
    document |= {"triggers": triggers} if triggers else {}
    return json.dumps(document, indent=1).encode() + b"\n"
