"""Data files that kept code names: a template, a JSON. Never hidden files, keys, or anything outside the project.

The recipe has the last word: it includes what code does not name, and excludes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hyfn.model import Kept, Literal, Project, Reached, Recipe
from hyfn.pack import included, recipes
from hyfn.pack.secrets import names

_CODE = frozenset({".py", ".pyc", ".pyi", ".pyo"})
_SKIPPED = frozenset({"__pycache__", "node_modules"})


def files(project: Project, reached: Reached, recipe: Recipe) -> dict[str, bytes]:
    """Path in the artifact → content of all data that travels."""
    is_excluded = recipes.excluded(recipe)
    found = {**_named(project, reached), **included.files(project, recipe.include)}
    return {name: content for name, content in sorted(found.items()) if not is_excluded(name)}


def _named(project: Project, reached: Reached) -> dict[str, bytes]:
    """Every file, or file in a folder, that a string in the kept code names.

    A string is looked for beside its module; one that is surely a path, also in the folders around it and in the
    packages that the code names.
    """
    root = project.source_root
    folders = _Folders(project, reached)
    found: dict[str, bytes] = {}
    for kept in reached.modules.values():
        for path in folders.named(kept):
            for file in _travelling(path, root):
                name = file.relative_to(root).as_posix()
                if name not in found and not _is_secret(content := file.read_bytes()):
                    found[name] = content
    return found


class _Folders:
    """Where to look. Each folder is listed once: most strings of a program name no file at all."""

    def __init__(self, project: Project, reached: Reached) -> None:
        self._project = project
        self._packages = {name for module in project.sources for name in _with_parents(module)}
        kept = [module for module, kept in reached.modules.items() if kept.source.is_package]
        self._kept_packages = sorted(map(self._folder, kept))
        self._listings: dict[Path, frozenset[str]] = {}

    def named(self, kept: Kept) -> list[Path]:
        """What the literals of a module name. A package that they name travels whole if they name nothing in it."""
        here = kept.source.path.parent
        literals = dict.fromkeys(kept.literals)
        meant = {text: literal for literal in literals for text in literal.parts if text in self._packages}
        packages = {self._folder(text): literal for text, literal in meant.items()}
        around = [folder for folder in here.parents if folder.is_relative_to(self._project.source_root)]
        near = [here, *sorted(packages)]
        found: list[Path] = []
        for literal in literals:
            if literal not in meant.values():
                found += self._existing(literal, [*near, *around, *self._kept_packages])
        return found + [
            folder
            for folder, literal in packages.items()
            if literal.is_path and not any(path.is_relative_to(folder) for path in found)
        ]

    def _existing(self, literal: Literal, folders: list[Path]) -> list[Path]:
        """The path that the strings make together, else those that they make one by one."""
        searched = folders if _is_surely(literal) else folders[:1]
        whole = [path for folder in searched for path in self._at(folder, "/".join(literal.parts))]
        return whole or [path for part in literal.parts for folder in searched for path in self._at(folder, part)]

    def _at(self, folder: Path, text: str) -> list[Path]:
        first = text.removeprefix("./").partition("/")[0]
        if "*" in text and re.search(r"\w", text) and "**" not in text and not text.startswith("/"):
            return sorted(folder.glob(text))
        if first not in self._listing(folder):
            return []
        name = PurePosixPath(text)
        return [folder / name] if ".." not in name.parts and os.path.exists(folder / name) else []  # noqa: PTH110

    def _listing(self, folder: Path) -> frozenset[str]:
        if folder not in self._listings:
            self._listings[folder] = frozenset(os.listdir(folder)) if folder.is_dir() else frozenset()  # noqa: PTH208
        return self._listings[folder]

    def _folder(self, module: str) -> Path:
        source = self._project.sources.get(module)
        if source and not source.is_package:
            return source.path.parent
        return self._project.source_root.joinpath(*module.split("."))


def _with_parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _is_surely(literal: Literal) -> bool:
    """A path, by how it is used, or by its looks: "data/x.json"."""
    return literal.is_path or re.fullmatch(r"[\w./-]*[\w-]\.[A-Za-z]\w{0,7}", "/".join(literal.parts)) is not None


def _travelling(path: Path, root: Path) -> Iterator[Path]:
    """The file, or all files in the folder, that may leave: really inside `root`, and none that is code or secret."""
    inside = root.resolve()
    for file in _below(path, inside):
        real = _real(file, inside)
        # No pipe, which would be waited for.
        is_own = real is not None and real.is_file() and file.is_relative_to(root)
        if real and is_own and _may_leave(file, root) and _may_leave(real, inside):
            yield file


def _below(path: Path, inside: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(path.rglob("*")) if _real(path, inside) else []


def _real(path: Path, inside: Path) -> Path | None:
    """Where it leads to, or None if that is outside, or nowhere: a loop of links."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    return real if real.is_relative_to(inside) else None


def _may_leave(file: Path, root: Path) -> bool:
    parts = file.relative_to(root).parts
    if any(part.startswith(".") or part in _SKIPPED for part in parts):
        return False
    return file.suffix not in _CODE | names.KEY_SUFFIXES and not names.KEY_NAMES.match(file.name)


def _is_secret(content: bytes) -> bool:
    return names.PRIVATE_KEY.search(content[:1_000_000]) is not None
