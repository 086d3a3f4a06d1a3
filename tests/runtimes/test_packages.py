"""What is hard to package, each in its own way, is built for every platform, and runs.

scikit-learn and pandas are large and native; jinja2 reads a file of the project; pyaes comes only as source; google.*
is a namespace that many share; PyYAML and Pillow are imported by other names.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from hyfn import clouds
from tests.commands import hyfn
from tests.unit import index

pytestmark = pytest.mark.runtime
STORY = Path(__file__).parent / "packed"
NEEDS = {
    "clusters": {"pandas", "scikit-learn", "scipy", "numpy"},
    "page": {"jinja2", "markupsafe"},
    "seal": {"pyaes"},
    "stamp": {"protobuf"},
    "setting": {"pyyaml"},
    "size": {"pillow"},
}


@pytest.fixture
def story(tmp_path: Path) -> Path:
    index.require()
    return Path(shutil.copytree(STORY, tmp_path / "packed"))


def test_each_runs_in_its_vendors_runtime(story: Path) -> None:
    ran = hyfn("run", "app.py", cwd=story)
    assert (ran.status, ran.out) == (0, "all packaged\n"), ran.err


def test_each_is_built_for_every_platform_and_loads_there(story: Path) -> None:
    platforms = sorted(clouds.platforms())
    text = (story / "app.py").read_text()
    everywhere = "\n".join(f"@{name}" for name in platforms)
    text = re.sub(r"^@\w+$", everywhere, text, flags=re.MULTILINE)
    (story / "app.py").write_text(re.sub(r"from hyfn import .*", f"from hyfn import {', '.join(platforms)}", text))

    built = hyfn("build", "--json", cwd=story)

    assert built.status == 0, built.err
    artifacts = json.loads(built.out)["artifacts"]
    assert len(artifacts) == len(NEEDS) * len(platforms)
    for artifact in artifacts:
        held = {one.partition("==")[0] for one in artifact["distributions"]}
        assert NEEDS[artifact["function"]] <= held
        others = set().union(*NEEDS.values()) - NEEDS[artifact["function"]]
        assert not held & others, "only what is reached"
