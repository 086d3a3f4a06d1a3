"""What the [tool.hyfn.build] settings of an artifact's functions mean for its files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from hyfn.errors import BuildError
from hyfn.model import Entry, Place, Project, Recipe
from hyfn.pack import globs


def joined(recipes: Sequence[Recipe]) -> Recipe:
    """The recipe of one artifact for several functions: lists add up; compiled modules stay out if one says so."""
    return Recipe(
        all(recipe.pyc for recipe in recipes),
        _union(recipe.include for recipe in recipes),
        _union(recipe.exclude for recipe in recipes),
        _union(recipe.imports for recipe in recipes),
        _union(recipe.allow for recipe in recipes),
        next((recipe.base for recipe in recipes if recipe.base), ""),
    )


def _union(lists: Iterable[Sequence[Entry]]) -> tuple[Entry, ...]:
    return tuple(dict.fromkeys(entry for each in lists for entry in each))


def of(project: Project, functions: Iterable[str]) -> Recipe:
    """The recipe of an artifact with the functions of these identities."""
    wanted = set(functions)
    return joined([function.recipe for function in project.functions if function.name in wanted])


def excluded(recipe: Recipe) -> Callable[[str], bool]:
    """Whether a path in the artifact, below its import root, stays out of it."""
    return globs.matching(texts(recipe.exclude))


def base_folder(recipe: Recipe, root: Path) -> Path | None:
    """The folder that its images stand on, where they stand on one. Relative to the project's `root`."""
    is_path = recipe.base.startswith(("/", "./", "../", "~")) or recipe.base in (".", "..")
    return (root / Path(recipe.base).expanduser()).resolve() if is_path else None


def texts(entries: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(text for text, _ in entries)


def refuse_excluded(recipe: Recipe, modules: Iterable[str], imports: Mapping[str, Place]) -> None:
    """BuildError where a module of the artifact (by path), or one that it imports (by name), is excluded."""
    is_excluded = excluded(recipe)
    for path in modules:
        if is_excluded(path):
            raise _needed(recipe, path, "the artifact holds it")
    for name, place in imports.items():
        for path in _files(name):
            if is_excluded(path):
                raise _needed(recipe, path, f"{place} imports {name}")


def _files(module: str) -> list[str]:
    path = module.replace(".", "/")
    return [f"{path}.py", f"{path}/__init__.py"]


def _needed(recipe: Recipe, path: str, why: str) -> BuildError:
    glob, place = next(entry for entry in recipe.exclude if globs.matching([entry[0]])(path))
    return BuildError(f"exclude {glob!r} takes away {path}: {why}", where=str(place), hint="narrow the glob")
