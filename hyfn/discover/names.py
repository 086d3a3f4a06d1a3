"""What users call their functions: the bare name where it is unique in the project, else `module.name`."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches

from hyfn.errors import ConfigError, SourceError
from hyfn.model import FunctionSpec, Place, Project


def short_names(project: Project) -> dict[str, str]:
    """Each identity's short name. No two functions share one."""
    bare = Counter(function.qualname for function in project.functions)
    return {
        function.name: function.qualname if bare[function.qualname] == 1 else f"{function.module}.{function.qualname}"
        for function in project.functions
    }


def resolve(project: Project, name: str) -> str:
    """The identity of the function that a user calls `name`. Raises ConfigError for none and for several."""
    return _only(project, name, _matching(project, name)).name


def declared(project: Project, name: str, place: Place) -> FunctionSpec:
    """The function that `calls=[name]` at `place` means. Raises SourceError there for none and for several."""
    try:
        return _only(project, name, _matching(project, name))
    except ConfigError as error:
        raise SourceError(f"calls: {error.message}", where=str(place), hint=error.hint) from None


def _matching(project: Project, name: str) -> list[FunctionSpec]:
    """By identity, by `module.name`, or by the bare name."""
    by_identity = [function for function in project.functions if name == function.name]
    by_module = [function for function in project.functions if name == f"{function.module}.{function.qualname}"]
    return by_identity or by_module or [function for function in project.functions if name == function.qualname]


def _only(project: Project, name: str, found: list[FunctionSpec]) -> FunctionSpec:
    if len(found) == 1:
        return found[0]
    if found:
        choices = ", ".join(f"{function.module}.{function.qualname}" for function in found)
        raise ConfigError(f"several functions are called {name!r}", hint=f"say which: {choices}")
    shorts = sorted(short_names(project).values())
    close = get_close_matches(name, shorts, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(shorts) or 'none'}"
    raise ConfigError(f"no function is called {name!r}", hint=hint)
