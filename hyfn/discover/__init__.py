"""Find a project's functions by reading its source. Nothing of it is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hyfn.discover import layout, providers, signature, travel
from hyfn.discover.config import NOTHING
from hyfn.discover.layout import Layout
from hyfn.discover.marks import Marked, Reader
from hyfn.discover.options import Platforms
from hyfn.discover.scope import Scopes
from hyfn.discover.settings import ROOT, Settings
from hyfn.errors import HyfnError, SourceError, raise_all
from hyfn.model import FunctionSpec, Place, Project, Target


def read(path: Path, platforms: Platforms, stage: str = "") -> Project:
    """The project at `path`: a script, a folder, or the folder that a file belongs to.

    `platforms` are the decorators by name; `stage` is the active one, else the one that the project names.

    Its functions have no `calls` and `raises` yet. Raises ProjectErrors with everything that is wrong, or the one
    ProjectError there is.
    """
    found = layout.find(path)
    problems = [*found.problems, *layout.syntax_errors(found.sources)]
    scopes = Scopes(found.sources, [path for name in platforms for path in providers.paths(name, platforms[name])])
    marked = Reader(found.sources, scopes, platforms, _home(found), problems).read()
    settings = Settings(found.document, platforms, marked, stage, found.sources)
    problems += settings.problems()
    for one in marked:
        problems += travel.check(one.node, one.source, scopes, one.triggers)
    functions = [_spec(one, settings, scopes) for one in marked]
    problems += _same_names(functions)
    _raise(problems)
    return Project(
        found.app,
        found.root,
        found.source_root,
        found.kind,
        found.dependencies,
        found.requires_python,
        found.document.get(*ROOT) or {},
        found.sources,
        functions,
        script=found.script,
        uv=found.document.typed(dict, "tool", "uv") or {},
        clouds=providers.clouds(platforms),
    )


def _home(found: Layout) -> str:
    """Where the project's [tool.hyfn] tables stand, in words."""
    if found.kind == "script":
        name = found.document.file if found.document is not NOTHING else "the script"
        return f"the `# /// script` block of {name}"
    return "pyproject.toml"


def _spec(marked: Marked, settings: Settings, scopes: Scopes) -> FunctionSpec:
    node, source = marked.node, marked.source
    return FunctionSpec(
        f"{source.module}:{node.name}",
        source.module,
        node.name,
        Place(source.file, node.lineno),
        signature.read(source, node),
        ast.get_docstring(node),
        isinstance(node, ast.AsyncFunctionDef),
        [settings.target(marked, mark) for mark in marked.marks],
        recipe=settings.recipe(marked),
        triggers=marked.triggers,
        is_called=travel.is_called(node, source, scopes, marked.triggers),
    )


_SCOPE = ("region", "project", "namespace")
"""Options that keep equal names apart."""


def _same_names(functions: Sequence[FunctionSpec]) -> Iterator[SourceError]:
    """One explicit name, given to two functions where both would live."""
    seen: dict[tuple[object, ...], tuple[FunctionSpec, Target]] = {}
    for function in functions:
        for target in function.targets:
            name = target.options.get("name")
            if not name:
                continue
            key = (target.platform, name, *(target.options.get(option) for option in _SCOPE))
            first, at = seen.setdefault(key, (function, target))
            if first is not function and not _share_artifact(target, at):
                yield SourceError(
                    f"{function.qualname} and {first.qualname} ({at.place}) both have the name {name!r} on"
                    f" {target.platform}",
                    where=str(target.place),
                    hint="rename one",
                )


def _share_artifact(one: Target, other: Target) -> bool:
    group = one.options.get("group")
    return bool(group) and group == other.options.get("group")


def _raise(problems: Iterable[HyfnError]) -> None:
    unique = {str(problem): problem for problem in problems}
    raise_all(sorted(unique.values(), key=_line))


def _line(error: HyfnError) -> tuple[str, int]:
    file, _, line = (error.where or "").rpartition(":")
    return file, int(line) if line.isdigit() else 0
