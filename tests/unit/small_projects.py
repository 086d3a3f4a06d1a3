"""Small projects for tests: written, read, linked, sliced, and the slices run in a fresh interpreter."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from hyfn import clouds, discover
from hyfn.discover import graph
from hyfn.discover.reach import Reach
from hyfn.model import Project, Slice
from hyfn.pack import slice as slicing
from hyfn.stub import render

ROOT = Path(__file__).parents[2]


def linked(folder: Path, files: Mapping[str, str]) -> Project:
    """The project that `files` make, with its call graph."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
    return graph.link(discover.read(folder, clouds.platforms()))


def edges(project: Project) -> set[str]:
    """Each edge as "caller → callee", by bare names."""
    return {f"{edge.caller.partition(':')[2]} → {edge.callee.partition(':')[2]}" for edge in project.edges}


def sliced(project: Project, *names: str) -> Slice:
    """The slice of the functions with these bare names; every line of it stands where it stood."""
    functions = [function for function in project.functions if function.qualname in names]
    cut = slicing.cut(project, Reach(project).of(functions), render.stub)
    assert_lines_stand(project, cut)
    return cut


def assert_lines_stand(project: Project, cut: Slice) -> None:
    """No file has more or fewer lines, and what is kept of a def stands in the lines where the source has it."""
    for source in project.sources.values():
        name = source.path.relative_to(project.source_root).as_posix()
        if name in cut.files:
            text = cut.files[name].decode()
            assert text.count("\n") == source.text.count("\n"), name
            assert _definitions(text) <= _definitions(source.text), name


def _definitions(text: str) -> set[tuple[str, int]]:
    """Where statements inside functions start: unmoved, unless they are a stub's."""
    return {
        (ast.unparse(statement), statement.lineno)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if not any("stub(" in ast.unparse(decorator) for decorator in node.decorator_list)
        for statement in node.body
    }


def text(cut: Slice, name: str = "app.py") -> str:
    return cut.files[name].decode()


def run(cut: Slice, folder: Path, code: str) -> str:
    """What `code` prints in a fresh interpreter that has the slice, hyfn, and no other third-party module."""
    for name, content in cut.files.items():
        path = folder / "sliced" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HYFN", "PYTHON"))}
    env["PYTHONPATH"] = f"{folder / 'sliced'}{os.pathsep}{ROOT}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(code)],
        capture_output=True,
        text=True,
        cwd=folder / "sliced",
        env=env,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
