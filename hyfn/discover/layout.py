"""What stands at a path: a script, a folder with requirements.txt, or a package; and which modules are its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hyfn.discover import config, source
from hyfn.discover.config import Document
from hyfn.errors import ConfigError, HyfnError, SourceError
from hyfn.model import Source

_MARKS = ("pyproject.toml", "requirements.txt")


@dataclass(frozen=True, slots=True)
class Layout:
    """A project before its functions are known. `document` has its [tool.hyfn] table; `problems` are files that cannot
    be read; `script` is the file of a script, else ""."""

    app: str
    root: Path
    source_root: Path
    kind: str
    dependencies: Sequence[str]
    requires_python: str | None
    document: Document
    sources: dict[str, Source]
    problems: list[HyfnError]
    script: str = ""


def find(path: Path) -> Layout:
    """The project that `path` belongs to. Raises ConfigError where there is none, or at a line of its configuration."""
    path = path.resolve()
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        raise ConfigError(f"there is no {path}", hint="name a Python file or a folder")
    if path.suffix != ".py":
        raise ConfigError(f"{path.name} is no Python file", hint="name a .py file or a folder")
    return _of_file(path)


def _of_file(path: Path) -> Layout:
    entry = source.read(path, path.parent, path.stem)
    document = config.script(entry.text, entry.file)
    root = None if document else _marked(path.parent)
    if root:
        return _with_entry(_of_project(root), path)
    return _of_script(entry, document or config.NOTHING)


def _of_folder(path: Path) -> Layout:
    root = _marked(path)
    if root:
        return _of_project(root)
    return _of_project(_packages(path)[-1])


def _packages(folder: Path) -> list[Path]:
    """`folder`, then, while the last is a package, the folder above it that is one too."""
    found = [folder]
    while (found[-1] / "__init__.py").is_file() and (found[-1].parent / "__init__.py").is_file():
        found.append(found[-1].parent)
    return found


def _marked(folder: Path) -> Path | None:
    """The nearest folder with a pyproject.toml or requirements.txt: `folder`, a package around it, what holds that."""
    candidates = _packages(folder)
    if (candidates[-1] / "__init__.py").is_file():
        candidates.append(candidates[-1].parent)
    if candidates[-1].name == "src":
        candidates.append(candidates[-1].parent)
    return next((place for place in candidates if any((place / mark).is_file() for mark in _MARKS)), None)


def _of_script(entry: Source, document: Document) -> Layout:
    root = entry.path.parent
    source_root = root
    if (root / "__init__.py").is_file() and source.has_relative_import({entry.module: entry}):
        top = _packages(root)[-1]
        source_root, module = top.parent, ".".join(entry.path.with_suffix("").relative_to(top.parent).parts)
        entry = replace(entry, module=module)
    problems: list[HyfnError] = []
    return Layout(
        _app(document, entry.path.stem),
        root,
        source_root,
        "script",
        config.dependencies(document, "dependencies"),
        document.typed(str, "requires-python"),
        document,
        source.reachable(entry, source_root, root, problems),
        problems,
        entry.file,
    )


def _of_project(root: Path) -> Layout:
    document = config.pyproject(root)
    found = document or config.NOTHING
    problems: list[HyfnError] = []
    source_root, sources = _modules(root, problems)
    return Layout(
        _app(found, found.typed(str, "project", "name") or root.name),
        root,
        source_root,
        "package" if document else "requirements",
        _dependencies(root, found),
        found.typed(str, "project", "requires-python"),
        found,
        sources,
        problems,
    )


def _dependencies(root: Path, document: Document) -> list[str]:
    is_dynamic = "dependencies" in (document.typed(list, "project", "dynamic") or [])
    if document.get("project", "dependencies") is not None:
        return config.dependencies(document, "project", "dependencies")
    if (root / "requirements.txt").is_file():
        return config.requirements(root)
    if is_dynamic:
        hint = "list them in [project] dependencies or in requirements.txt"
        raise document.error("the dependencies are dynamic", ("project", "dynamic"), hint)
    return []


def _modules(root: Path, problems: list[HyfnError]) -> tuple[Path, dict[str, Source]]:
    """The import root and the modules: below src, of the package that `root` is, or below `root`."""
    src = root / "src"
    if src.is_dir() and not (src / "__init__.py").exists() and (sources := _read(src, "", root, problems)):
        return src, sources
    if (root / "__init__.py").is_file() and root.name.isidentifier():
        sources = _read(root, root.name, root, problems)
        if _is_package(sources, root.name):
            return root.parent, sources
    return root, _read(root, "", root, problems)


def _is_package(sources: dict[str, Source], name: str) -> bool:
    """Whether its own modules treat the folder as a package; a stray __init__.py does not make one."""
    direct = {module: found for module, found in sources.items() if module.count(".") <= 1}
    names = (imported for found in direct.values() for imported in source.imported(found))
    return source.has_relative_import(direct) or any(imported.partition(".")[0] == name for imported in names)


def _read(folder: Path, package: str, root: Path, problems: list[HyfnError]) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for module, path in source.scan(folder, package):
        if module in found:
            continue
        try:
            found[module] = source.read(path, root, module)
        except SourceError as error:
            problems.append(error)
    return found


def _with_entry(layout: Layout, path: Path) -> Layout:
    """The project with the file that was named, even where it stands outside the import root."""
    if any(found.path == path for found in layout.sources.values()):
        return layout
    entry = source.read(path, layout.root, path.stem)
    sources = layout.sources | {entry.module: entry}
    return replace(layout, sources=dict(sorted(sources.items())))


def _app(document: Document, fallback: str) -> str:
    """A name that every platform takes: ^[a-z][a-z0-9-]*$."""
    given = document.typed(str, "tool", "hyfn", "app") or fallback
    name = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-")
    return name if name[:1].isalpha() else f"app-{name}".rstrip("-")


def syntax_errors(sources: dict[str, Source]) -> Iterator[SourceError]:
    """One for each module that Python cannot parse."""
    for found in sources.values():
        try:
            source.tree(found)
        except SourceError as error:
            yield error
