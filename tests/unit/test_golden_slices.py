"""The slices of a whole project as they were approved. UPDATE_GOLDEN=1 writes them anew: read the difference."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from hyfn import clouds, discover
from hyfn.discover import graph
from hyfn.discover.reach import Reach
from hyfn.model import FunctionSpec, Project
from hyfn.pack import slice as slicing
from hyfn.stub import render
from tests.unit.small_projects import assert_lines_stand

GOLDEN = Path(__file__).parents[1] / "golden" / "letters"
LETTERS = graph.link(discover.read(GOLDEN / "project", clouds.platforms()))
IS_UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))


def slice_files(project: Project, function: FunctionSpec) -> dict[str, str]:
    cut = slicing.cut(project, Reach(project).of([function]), render.stub)
    assert_lines_stand(project, cut)
    listing = {"imports": list(cut.imports), "optional": list(cut.optional_imports), "stubs": list(cut.stubs)}
    return {name: content.decode() for name, content in cut.files.items()} | {"slice.json": _json(listing)}


def _json(document: object) -> str:
    return json.dumps(document, indent=1) + "\n"


@pytest.mark.parametrize("function", LETTERS.functions, ids=lambda function: function.qualname)
def test_a_slice_is_as_approved(function: FunctionSpec) -> None:
    folder = GOLDEN / "slices" / function.qualname
    files = slice_files(LETTERS, function)
    if IS_UPDATE:
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    approved = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*") if path.is_file()}
    assert files == approved


def test_the_graph_is_as_approved() -> None:
    document = _json(graph.document(LETTERS))
    if IS_UPDATE:
        (GOLDEN / "graph.json").write_text(document)
    assert document == (GOLDEN / "graph.json").read_text()
