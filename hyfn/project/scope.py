"""Where a build of a project looks: all that its next one has to watch for changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from hyfn.discover import config
from hyfn.model import Project, Runtime
from hyfn.pack import following, fresh, globs, recipes
from hyfn.pack.fresh import Scope
from hyfn.pack.wheels import declared, sources


def of(project: Project, runtimes: Iterable[Runtime]) -> Scope:
    """The project's root first, then what lies outside of it, or in folders of it that are passed over as a rule."""
    served = list(runtimes)
    others = dict.fromkeys(str(path) for path in _others(project, served) if not _is_watched(path, project.root))
    return Scope([str(project.root), *others], sorted({runtime.python for runtime in served}))


def _others(project: Project, runtimes: Iterable[Runtime]) -> Iterator[Path]:
    yield project.source_root
    if project.kind == "script":  # which imports through links to folders, too
        yield from (source.path for source in project.sources.values())
    yield from config.requirement_files(project.root)
    yield from (following.place(cloud.package) for cloud in project.clouds.values() if not cloud.is_own)
    parsed = declared.parse(project)
    for runtime in runtimes:
        yield from sources.local_files(parsed, project.uv, runtime, project.root).values()
    for recipe in (function.recipe for function in project.functions):
        yield from (project.root / globs.fixed(glob) for glob in recipes.texts(recipe.include))
        if folder := recipes.base_folder(recipe, project.root):
            yield folder


def _is_watched(path: Path, root: Path) -> bool:
    """Whether the walk through the project's root comes by."""
    if not path.is_relative_to(root):
        return False
    between = [above for above in (path, *path.parents) if above != root and above.is_relative_to(root)]
    return not any(each.name in fresh.SKIPPED or each.is_symlink() or _is_environment(each) for each in between)


def _is_environment(folder: Path) -> bool:
    return (folder / fresh.ENVIRONMENT).exists()
