"""Data files that kept code names: a template, a JSON. Never hidden files, keys, or anything outside the project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hyfn.model import Kept, Literal, Project, Reached

_CODE = frozenset({".py", ".pyc", ".pyi", ".pyo"})
_SECRET = frozenset({".env", ".jks", ".key", ".keystore", ".p12", ".pfx"})
_SECRET_NAMES = re.compile(r"id_(rsa|dsa|ecdsa|ed25519)\b")
_SKIPPED = frozenset({"__pycache__", "node_modules"})
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY")


def files(project: Project, reached: Reached) -> dict[str, bytes]:
    """Path in the artifact → content of every file, or file in a folder, that a string in the kept code names.

    A string is looked for beside its module; one that is surely a path, also in the folders around it and in the
    packages that the code names.
    """
    root = project.source_root
    packages = {_folder(project, module) for module, kept in reached.modules.items() if kept.source.is_package}
    found: dict[str, bytes] = {}
    for kept in reached.modules.values():
        for path in _named(project, kept, packages):
            for file in _travelling(path, root):
                name = file.relative_to(root).as_posix()
                if name not in found and not _is_secret(content := file.read_bytes()):
                    found[name] = content
    return dict(sorted(found.items()))


def _named(project: Project, kept: Kept, packages: set[Path]) -> list[Path]:
    here = kept.source.path.parent
    meant = {text: literal for literal in kept.literals for text in literal.parts if _is_package(project, text)}
    folders = {_folder(project, text): literal for text, literal in meant.items()}
    around = [folder for folder in here.parents if folder.is_relative_to(project.source_root)]
    near = [here, *sorted(folders)]
    found: list[Path] = []
    for literal in kept.literals:
        if literal not in meant.values():
            found += _existing(literal, [*near, *around, *sorted(packages)] if _is_surely(literal) else near)
    return found + [
        folder
        for folder, literal in folders.items()
        if literal.is_path and not any(path.is_relative_to(folder) for path in found)
    ]


def _is_surely(literal: Literal) -> bool:
    """A path, by how it is used, or by its looks: "data/x.json"."""
    return literal.is_path or re.fullmatch(r"[\w./-]*[\w-]\.[A-Za-z]\w{0,7}", "/".join(literal.parts)) is not None


def _existing(literal: Literal, folders: list[Path]) -> Iterator[Path]:
    """The path that the strings make together, else those that they make one by one."""
    whole = [path for folder in folders for path in _at(folder, "/".join(literal.parts))]
    yield from whole or (path for part in literal.parts for folder in folders for path in _at(folder, part))


def _at(folder: Path, text: str) -> list[Path]:
    name = PurePosixPath(text)
    if not name.parts or name.is_absolute() or ".." in name.parts:
        return []
    if "*" in text:
        return sorted(folder.glob(text)) if re.search(r"[\w]", text) and "**" not in text else []
    path = folder / name
    return [path] if path.exists() else []


def _is_package(project: Project, text: str) -> bool:
    return re.fullmatch(r"[A-Za-z_][\w.]*", text) is not None and (
        text in project.sources or any(module.startswith(f"{text}.") for module in project.sources)
    )


def _folder(project: Project, module: str) -> Path:
    source = project.sources.get(module)
    if source and not source.is_package:
        return source.path.parent
    return project.source_root.joinpath(*module.split("."))


def _travelling(path: Path, root: Path) -> Iterator[Path]:
    """The file, or all files in the folder, that may leave: really inside `root`, and none that is code or secret."""
    candidates = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in candidates:
        real = file.resolve()
        is_inside = real.is_file() and file.is_relative_to(root) and real.is_relative_to(root.resolve())
        if is_inside and _may_leave(file, root) and _may_leave(real, root.resolve()):
            yield file


def _may_leave(file: Path, root: Path) -> bool:
    parts = file.relative_to(root).parts
    if any(part.startswith(".") or part in _SKIPPED for part in parts):
        return False
    return file.suffix not in _CODE | _SECRET and not _SECRET_NAMES.match(file.name)


def _is_secret(content: bytes) -> bool:
    return _PRIVATE_KEY.search(content[:1_000_000]) is not None
