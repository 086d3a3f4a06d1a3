"""What an artifact weighs and why: rows, their text, and the chains of imports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyfn.cli import output
from hyfn.discover import source as reading
from hyfn.model import Part, Place, Source
from hyfn.pack import explain, splice

NUMPY = Part(
    "numpy", "2.2.6", "", "", "", 9_000_000, 30_000_000, ["app.py:3 imports pricing", "pricing.py:1 imports numpy"]
)
IDNA = Part("idna", "3.10", "", "", "", 70_000, 200_000, ["httpx needs idna"])
HTTPX = Part("httpx", "0.28.1", "", "", "", 70_000, 240_000, ["app.py:1 imports httpx"])
CODE = {
    "app.py": b"import httpx\n",
    "model/weights.bin": bytes(range(256)) * 40,
    ".python_packages/lib/site-packages/hyfn/__init__.py": b"x = 1\n",
    "hyfn/host/run.py": b"y = 2\n" * 200,
    "hyfn.json": b"{}\n",
}
ROWS = explain.rows([IDNA, NUMPY, HTTPX], [splice.member(name, content) for name, content in CODE.items()])


def test_the_heaviest_distribution_is_first_and_the_total_last() -> None:
    assert [row.name for row in ROWS] == ["numpy", "httpx", "idna", explain.CODE, explain.OWN, explain.TOTAL]
    assert [row.why for row in ROWS[:3]] == [NUMPY.why, HTTPX.why, IDNA.why]


def test_everything_is_counted_once() -> None:
    *others, total = ROWS
    assert total.packed == sum(row.packed for row in others)
    assert total.unpacked == sum(row.unpacked for row in others) == 30_440_000 + sum(map(len, CODE.values()))
    assert sum(row.share for row in others) == pytest.approx(100, abs=0.3)


def test_a_zip_of_the_code_weighs_what_is_said(tmp_path: Path) -> None:
    members = [splice.member(name, content) for name, content in CODE.items()]
    with (tmp_path / "a.zip").open("wb") as opened:
        writer = splice.Writer(opened)
        for member in members:
            writer.add(member)
        writer.finish()
    assert explain.rows([], members)[-1].packed == (tmp_path / "a.zip").stat().st_size - splice.END.size


def test_hyfns_own_files_are_no_code_of_the_project() -> None:
    own = ROWS[4]
    assert own.unpacked == len(b"x = 1\n") + len(b"y = 2\n" * 200) + len(b"{}\n")
    assert [line.partition(":")[0] for line in ROWS[3].why] == ["model/weights.bin", "app.py"]


def test_few_of_many_files_are_named() -> None:
    code = explain.rows([], [splice.member(f"{number}.txt", b"x" * number) for number in range(20)])[0]
    assert len(code.why) == explain.HEAVIEST + 1
    assert code.why[-1] == "and 15 more"


def test_an_artifact_of_nothing_can_be_explained() -> None:
    assert [row.share for row in explain.rows([], [])] == [0.0, 0.0, 100.0]


def test_the_table_says_it_in_80_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    output.table(explain.HEADINGS, explain.cells(ROWS))
    printed = capsys.readouterr().out.splitlines()
    assert max(map(len, printed)) <= 80
    assert printed[2].split() == ["numpy", "2.2.6", "8789.1", "29296.9", "98.5"]
    assert printed[3].rstrip() == "  app.py:3 imports pricing"
    assert printed[-1].split() == ["all", *printed[-1].split()[1:3], "100.0"]


def test_the_document_has_every_row() -> None:
    document = json.loads(json.dumps(explain.document(ROWS)))
    assert [each["name"] for each in document["distributions"]] == ["numpy", "httpx", "idna"]
    assert document["distributions"][0]["why"] == NUMPY.why
    total = document["total"]["packed"]
    assert total == sum(each["packed"] for each in [*document["distributions"], document["code"], document["hyfn"]])


def sources(**texts: str) -> dict[str, Source]:
    packages = {name for name in texts if any(other.startswith(f"{name}__") for other in texts)}
    return {
        (module := name.replace("__", ".")): Source(
            module,
            Path("/nowhere"),
            module.replace(".", "/") + ("/__init__.py" if name in packages else ".py"),
            text,
            name in packages,
        )
        for name, text in texts.items()
    }


LONG = sources(
    app="import os\n\nimport slow\nfrom quick import price\n",
    slow="import middle\n",
    middle="import pricing\n",
    quick="def price():\n    from pricing import numbers\n",
    pricing="import numpy\nimport app\n",
    lonely="import numpy\n",
    broken="import (\n",
)


def test_the_chain_is_the_shortest_way() -> None:
    assert explain.chain(LONG, ["app:main"], Place("pricing.py", 1), reading.imports) == [
        "app.py:4 imports quick",
        "quick.py:2 imports pricing",
    ]


@pytest.mark.parametrize(
    "functions, file",
    [
        (["app:main"], "app.py"),
        (["app:main"], "lonely.py"),
        (["app:main", "pricing:f"], "pricing.py"),
        (["broken:f"], "pricing.py"),
        (["absent:f"], "pricing.py"),
        ([], "pricing.py"),
    ],
)
def test_there_is_no_chain_where_nothing_has_to_lead(functions: list[str], file: str) -> None:
    assert explain.chain(LONG, functions, Place(file, 1), reading.imports) == []


def test_packages_are_loaded_with_their_modules() -> None:
    modules = sources(
        pkg="import numpy\n",
        pkg__app="from . import steps\nfrom .deep.inner import x\n",
        pkg__steps="",
        pkg__deep="import pandas\n",
        pkg__deep__inner="x = 1\n",
    )
    assert explain.chain(modules, ["pkg.app:f"], Place("pkg/__init__.py", 1), reading.imports) == []
    assert explain.chain(modules, ["pkg.app:f"], Place("pkg/deep/__init__.py", 1), reading.imports) == [
        "pkg/app.py:2 imports pkg.deep"
    ]
    assert explain.chain(modules, ["pkg.app:f"], Place("pkg/deep/inner.py", 1), reading.imports) == [
        "pkg/app.py:2 imports pkg.deep.inner"
    ]
