"""Where stubs stand, and that no line moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.small_projects import HEAD, TWO, linked, run, sliced, text


@pytest.mark.parametrize(
    ("head", "decorator"),
    [
        ("import hyfn", "@hyfn.aws"),
        ("import hyfn as h", "@h.aws(memory=512)"),
        ("from hyfn import aws, gcp  # both", "@aws"),
        ("from hyfn import (\n    aws,\n    gcp,\n)", "@aws"),
        ("from hyfn import aws\nfrom hyfn import gcp", "@aws"),
        ("import json; from hyfn import aws, gcp; import math", "@aws"),
        ("from hyfn import *", "@aws"),
        ("'''Docs.'''\nfrom __future__ import annotations\nfrom hyfn import aws, gcp", "@aws"),
        ("# -*- coding: latin-1 -*-\nfrom hyfn import aws, gcp\nNAME = 'é'", "@aws"),
        ("NAME = 'é 漢'; from hyfn import aws, gcp; OTHER = '漢'", "@aws"),
        ("try:\n    from hyfn import aws, gcp\nfinally:\n    pass", "@aws"),
    ],
)
def test_a_stub_finds_its_marker_wherever_hyfn_was_imported(tmp_path: Path, head: str, decorator: str) -> None:
    other = decorator.replace("aws", "gcp")
    body = (
        f"{head}\n{decorator}\ndef one(x: str) -> str: return x\n{other}\ndef two(x: str) -> str:\n    return one(x)\n"
    )
    cut = sliced(linked(tmp_path, {"app.py": body}), "two")
    assert run(cut, tmp_path, "import app; print(app.one, app.one.is_stub, app.two)") == (
        "<hyfn function app:one on aws> True <hyfn function app:two on gcp>"
    )


def test_decorators_of_hyfn_may_come_through_a_module_of_the_project(tmp_path: Path) -> None:
    files = {
        "places.py": "from hyfn import aws, gcp\n",
        "app.py": TWO.replace("from hyfn import aws, azure, gcp", "from places import aws, gcp"),
    }
    project = linked(tmp_path, files)
    assert len(project.functions) == 2
    cut = sliced(project, "two")
    assert run(cut, tmp_path, "import app; print(app.one.is_stub)") == "True"


def test_statements_that_share_a_line_keep_it(tmp_path: Path) -> None:
    body = "import heavy; import json; import heavier\nimport a1; x = (1,\n 2)\n" + TWO.replace(
        "return one(x)", "return heavy, heavier, a1"
    ).replace("return x\n", "return json.dumps(x)\n")
    cut = sliced(linked(tmp_path, {"app.py": body}), "one")
    assert text(cut).startswith("pass; import json; pass  # left out here: heavier\npass; x = (1,\n 2)\n")
    assert run(cut, tmp_path, "import app; print(app.one.__wrapped__('x'), app.x)") == '"x" (1, 2)'


def test_windows_line_ends_and_a_missing_last_one_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_bytes(
        ("import heavy\n" + TWO.replace("return x", "return heavy")).replace("\n", "\r\n").encode()[:-2]
    )
    cut = sliced(linked(tmp_path, {}), "two")
    assert run(cut, tmp_path, "import app; print(app.one.is_stub)") == "True"


def test_a_comment_at_the_head_of_a_script_is_never_lost(tmp_path: Path) -> None:
    head = '#!/usr/bin/env python\n# /// script\n# dependencies = ["heavy"]\n# ///\nimport heavy\n'
    project = linked(tmp_path, {"app.py": head + TWO.replace("return x", "return heavy")})
    assert text(sliced(project, "two")).startswith(head.replace("import heavy\n", "# left out here: heavy\n"))


def test_a_long_gap_names_as_much_as_fits_a_line(tmp_path: Path) -> None:
    helpers = "".join(f"def a_rather_long_name_{n}(): ...\n" for n in range(30))
    cut = sliced(linked(tmp_path, {"app.py": HEAD + helpers + "@aws\ndef one(x: str) -> str:\n    return x\n"}), "one")
    gap = text(cut).split("\n")[1]
    assert gap.startswith("# left out here: a_rather_long_name_0, ")
    assert gap.endswith("27 more")
    assert len(gap) <= 100
