"""What modules import of hyfn and of the packages that clouds come from, followed by reading."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hyfn import syntax
from hyfn.errors import MachineError

Places = Mapping[str, Path]
"""The folders of packages, by their names."""


def place(package: str) -> Path:
    """The folder of an installed package. Imports the packages around it, but not itself. MachineError where it is
    none, or none that stands in a folder."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None or Path(spec.origin).name != "__init__.py":
        raise MachineError(f"{package}, which brings a cloud, is no package with an __init__.py")
    return Path(spec.origin).parent


def stamps(folder: Path) -> list[str]:
    """What tells the modules of a package from others, also where its files are being worked on."""
    files = sorted(folder.rglob("*.py"))
    return [f"{file} {(stat := file.stat()).st_size} {stat.st_mtime_ns}" for file in files]


def files(modules: Sequence[str], places: Places) -> dict[str, Path]:
    """The files of the modules in `places`, and of all there that these import, by their paths under an import root."""
    waiting = [*modules]
    seen: set[str] = set()
    found: dict[str, Path] = {}
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        if file := _file(module, places):
            around, name = module.rpartition(".")[0], module.replace(".", "/")
            is_package = file.name == "__init__.py"
            found[f"{name}/__init__.py" if is_package else f"{name}.py"] = file
            waiting += [around, *_imports(file, module if is_package else around)]
    return found


def _file(module: str, places: Places) -> Path | None:
    """That of a module in one of the packages, or of a package around one; None for others and what is no module."""
    for package, folder in places.items():
        depth = module.count(".") - package.count(".")
        if f"{module}.".startswith(f"{package}."):
            stem = folder.joinpath(*module.split(".")[-depth:]) if depth else folder
        elif f"{package}.".startswith(f"{module}."):
            stem = folder.parents[-depth - 1]
        else:
            continue
        return next((file for file in (stem / "__init__.py", stem.with_suffix(".py")) if file.is_file()), None)
    return None


@functools.cache
def _imports(file: Path, package: str) -> Sequence[str]:
    """Everything that a module in `package` imports when it runs, in whatever function."""
    return list(_imported(syntax.parse(file.read_bytes()), package))


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def _base(node: ast.ImportFrom, package: str) -> str:
    """The module that `from ... import` in `package` names, its dots resolved."""
    parts = package.split(".")
    around = parts[: len(parts) + 1 - node.level] if node.level else []
    return ".".join([*around, *([node.module] if node.module else [])])
