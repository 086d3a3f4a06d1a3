"""The project's modules as text and as trees. Every file is read once and parsed once."""

from __future__ import annotations

import ast
import os
import sys
import tokenize
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from hyfn import syntax
from hyfn.errors import ConfigError, HyfnError, SourceError
from hyfn.model import Source

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "tests", "test"})
_BUILT = frozenset({"build", "dist", "out"})
"""Skipped unless they are packages: a project may have a package called build."""


def tree(source: Source) -> ast.Module:
    """The module's tree, to be read and never changed: it is shared. Raises SourceError for a syntax error."""
    try:
        return _parse(source.text)
    except SyntaxError as error:
        line = min(error.lineno or 1, source.text.count("\n") + 1)
        grammar = f"read with the grammar of Python {sys.version_info.major}.{sys.version_info.minor}"
        raise SourceError(f"{error.msg}", where=f"{source.file}:{line}", hint=grammar) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SourceError(f"cannot be parsed: {error}", where=f"{source.file}:1") from None


@lru_cache(maxsize=4096)
def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return syntax.parse(text)


def segment(source: Source, node: ast.expr) -> str:
    """The text of an expression as it is written, on one line."""
    if node.lineno != node.end_lineno or node.end_col_offset is None:
        return ast.unparse(node)
    line = _lines(source.text)[node.lineno - 1].encode()
    return line[node.col_offset : node.end_col_offset].decode()


@lru_cache(maxsize=4096)
def _lines(text: str) -> list[str]:
    return text.split("\n")


def read(path: Path, root: Path, module: str) -> Source:
    """One file as a module. Raises SourceError for bytes that are no text."""
    file = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    if path.exists() and not path.is_file():
        raise SourceError("is no plain file", where=f"{file}:1", hint="remove it, or give it a name without .py")
    try:
        with tokenize.open(path) as opened:
            text = opened.read()
    except (SyntaxError, UnicodeDecodeError) as error:
        raise SourceError(f"is not text: {error}", where=f"{file}:1", hint="save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    return Source(module, path, file, text, path.name == "__init__.py")


def scan(folder: Path, package: str = "") -> Iterator[tuple[str, Path]]:
    """(module, path) of every module below `folder`, which is the import root, or `package`. In a fixed order."""
    for entry in _entries(folder):
        if _is_folder(entry):
            if _is_searched(entry):
                yield from scan(Path(entry.path), _join(package, entry.name))
        elif entry.name == "__init__.py":
            if package:
                yield package, Path(entry.path)
        elif entry.name.endswith(".py") and not _is_test(entry.name) and "." not in entry.name[:-3]:
            yield _join(package, entry.name[:-3]), Path(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise ConfigError(f"cannot read {folder}: {error.strerror}") from None


def _join(package: str, name: str) -> str:
    return f"{package}.{name}" if package else name


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"


def _is_searched(entry: os.DirEntry[str]) -> bool:
    if not entry.name.isidentifier() or entry.name in _SKIPPED or entry.is_symlink():
        return False
    if any(os.path.exists(f"{entry.path}/{mark}") for mark in ("pyvenv.cfg", "pyproject.toml")):  # noqa: PTH110
        return False
    return not _is_output(entry)


def _is_output(entry: os.DirEntry[str]) -> bool:
    """What a packager wrote: never read back as source."""
    folder = Path(entry.path)
    if (folder / "__init__.py").exists():
        return False
    if entry.name in _BUILT:
        return True
    try:
        return '"artifacts"' in (folder / "manifest.json").read_text(errors="replace")[:4096]
    except OSError:
        return False


def reachable(entry: Source, source_root: Path, root: Path, problems: list[HyfnError]) -> dict[str, Source]:
    """`entry` and every module under `source_root` that it imports, or that these import, by name.

    Files that cannot be read go to `problems`.
    """
    found: dict[str, Source] = {}
    seen: set[str] = set()
    waiting = [entry]
    while waiting:
        source = waiting.pop()
        found[source.module] = source
        for name in imported(source):
            for module, path in _locate(name, source_root):
                if module in seen or path == entry.path:
                    continue
                seen.add(module)
                try:
                    waiting.append(read(path, root, module))
                except SourceError as error:
                    problems.append(error)
    return dict(sorted(found.items()))


def imported(source: Source) -> list[str]:
    """Absolute names of all that a module imports anywhere in it, attributes included: "pkg.mod.name".

    A module that cannot be parsed imports nothing; `tree` says what is wrong with it.
    """
    return [name for name, _ in imports(source)]


def imports(source: Source) -> list[tuple[str, int]]:
    """What `imported` names, each with its line."""
    found: list[tuple[str, int]] = []
    for node in _nodes(source):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute(source, node)
            found += [(_join(base, alias.name), node.lineno) for alias in node.names]
    return found


def absolute(source: Source, node: ast.ImportFrom) -> str:
    """The module that `from ... import` names, its dots resolved; "" where they lead above the import root."""
    if not node.level:
        return node.module or ""
    parts = source.module.split(".")
    kept = len(parts) - node.level + source.is_package
    return ".".join([*parts[: max(kept, 0)], *([node.module] if node.module else [])])


def _locate(name: str, source_root: Path) -> Iterator[tuple[str, Path]]:
    """The files of a dotted name, from its outermost package inwards."""
    parts = name.split(".")
    folder = source_root
    for count, part in enumerate(parts, 1):
        module = ".".join(parts[:count])
        if (folder / part / "__init__.py").is_file():
            yield module, folder / part / "__init__.py"
        elif (folder / f"{part}.py").is_file():
            yield module, folder / f"{part}.py"
            return
        elif not (folder / part).is_dir():
            return
        folder /= part


def has_relative_import(sources: Mapping[str, Source]) -> bool:
    """Whether one of them says `from .x import y`: only modules of a package may."""
    return any(
        isinstance(node, ast.ImportFrom) and node.level > 0 for source in sources.values() for node in _nodes(source)
    )


def _nodes(source: Source) -> Iterator[ast.AST]:
    try:
        return ast.walk(tree(source))
    except SourceError:
        return iter(())
