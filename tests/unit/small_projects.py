"""Small projects for tests: written, read, linked, sliced, and the slices run in a fresh interpreter."""

from __future__ import annotations

import ast
import os
import subprocess
import symtable
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
HEAD = "from hyfn import aws, azure, gcp\n"
TWO = HEAD + "@aws\ndef one(x: str) -> str:\n    return x\n\n@gcp\ndef two(x: str) -> str:\n    return one(x)\n"
OTHERS = """
    from hyfn import aws, gcp

    @aws
    def ocr(page: bytes) -> str:
        return ""

    @gcp
    def classify(text: str) -> str:
        return ""
"""
CALLER = """
    from hyfn import azure
    {imports}

    {above}
    @azure
    def caller(x: str) -> object:
        {body}
"""


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
    assert_names_stand(project, cut)
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


def assert_names_stand(project: Project, cut: Slice) -> None:
    """No kept code names what its module bound before the cut and does not bind any more. By Python's own symtable."""
    for source in project.sources.values():
        name = source.path.relative_to(project.source_root).as_posix()
        if name in cut.files:
            table = _table(cut.files[name].decode())
            lost = _bound(_table(source.text)) - _bound(table)
            assert not lost & _globals(table), (name, lost & _globals(table))


class _Running(ast.NodeTransformer):
    """Without what only a type checker sees."""

    def visit_If(self, node: ast.If) -> ast.If:
        if ast.unparse(node.test).endswith("TYPE_CHECKING"):
            node.body = [ast.Pass()]
        self.generic_visit(node)
        return node


def _table(text: str) -> symtable.SymbolTable:
    return symtable.symtable(ast.unparse(_Running().visit(ast.parse(text))), "sliced", "exec")


def _bound(table: symtable.SymbolTable) -> set[str]:
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}


def _globals(table: symtable.SymbolTable) -> set[str]:
    """Every global name that code in the table refers to."""
    is_module = table.get_type() == "module"
    names = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (is_module or symbol.is_global())
    }
    return names.union(*(_globals(child) for child in table.get_children()))


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
