"""What an artifact holds of the project, as files. Line numbers of kept code are those of the source."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from hyfn import syntax
from hyfn.errors import BuildError
from hyfn.model import FunctionSpec, Kept, Project, Reached, Slice, Source
from hyfn.pack import beside, cutting, recipes

Render = Callable[[FunctionSpec, int, str], str]
"""A stub's source in at most that many lines, made with the marker that hyfn.declare.stub goes by."""


def cut(project: Project, reached: Reached, render: Render) -> Slice:
    """The files of an artifact that holds what it reached and no more, with stubs for functions placed elsewhere.

    Every file can be parsed. Data files that kept code names, and those that the functions' recipes include, travel
    beside its modules. BuildError where a recipe excludes a module that is imported, or includes nothing.
    """
    recipe = recipes.of(project, reached.functions)
    recipes.refuse_excluded(recipe, map(_path, (kept.source for kept in reached.modules.values())), reached.imports)
    modules = {_path(kept.source): _encoded(kept, cutting.text(kept, render)) for kept in reached.modules.values()}
    return Slice(
        {**beside.files(project, reached, recipe), **modules},
        reached.imports,
        reached.optional_imports,
        reached.stubs,
        reached.functions,
    )


def _path(source: Source) -> str:
    name = source.module.replace(".", "/")
    return f"{name}/__init__.py" if source.is_package else f"{name}.py"


def _encoded(kept: Kept, text: str) -> bytes:
    content = text.encode(_encoding(text))
    try:
        if kept.cuts:
            _parse(content)
    except SyntaxError as error:
        where = f"{kept.source.file}:{error.lineno}"
        raise BuildError(f"the slice of this module is not valid Python: {error.msg}", where=where) from error
    return content


@lru_cache(maxsize=4096)
def _parse(content: bytes) -> None:
    syntax.parse(content)


def _encoding(text: str) -> str:
    """UTF-8, or what the first two lines declare."""
    for line in text.split("\n")[:2]:
        declared = re.match(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", line)
        if declared:
            return declared[1]
    return "utf-8"
