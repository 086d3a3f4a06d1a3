"""Every platform calls every platform, itself too, and is called from here; each in the runtime that it has here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyfn import clouds
from tests.commands import hyfn

NAMES = sorted(clouds.platforms())


@pytest.mark.runtime
def test_every_cell_of_the_matrix_is_ok(tmp_path: Path) -> None:
    ran = hyfn("demo", "--matrix", "--times", "2", "--json", cwd=tmp_path, seconds=400)  # every runtime may be new here
    assert ran.status == 0, ran.err
    cells = json.loads(ran.out)["cells"]
    wrong = [cell for cell in cells if not cell["ok"]]
    assert wrong == []
    pairs = {(cell["caller_platform"], cell["callee_platform"]) for cell in cells}
    assert pairs == {(caller, callee) for callee in NAMES for caller in ("laptop", *NAMES)}
    assert len(cells) == len(pairs) >= 8 * 9
    assert {cell["evidence"] for cell in cells} == {"runtime", "spec"}
