"""What is hard to package, each in its own way, is built for every platform, and runs.

scikit-learn and pandas are large and native; jinja2 reads a file of the project; pyaes comes only as source; google.*
is a namespace that many share; PyYAML and Pillow are imported by other names.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
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
LARGEST = "clusters"
SMALL = ("openwhisk",)
"""Platforms that have no room for it."""


@pytest.fixture
def story(tmp_path: Path) -> Path:
    index.require()
    return Path(shutil.copytree(STORY, tmp_path / "packed"))


def test_each_runs_in_its_vendors_runtime(story: Path) -> None:
    ran = hyfn("run", "app.py", cwd=story)
    assert (ran.status, ran.out) == (0, "all packaged\n"), ran.err


def test_each_is_built_for_every_platform_and_loads_there(story: Path) -> None:
    platforms = sorted(clouds.platforms())
    roomy = [name for name in platforms if name not in SMALL]
    for function in NEEDS:
        _decorate(story / "app.py", function, roomy if function == LARGEST else platforms)

    built = hyfn("build", "--json", cwd=story)

    assert built.status == 0, built.err
    artifacts = json.loads(built.out)["artifacts"]
    assert len(artifacts) == len(NEEDS) * len(platforms) - len(SMALL)
    for artifact in artifacts:
        held = {one.partition("==")[0] for one in artifact["distributions"]}
        assert NEEDS[artifact["function"]] <= held
        others = set().union(*NEEDS.values()) - NEEDS[artifact["function"]]
        assert not held & others, "only what is reached"


@pytest.mark.parametrize("small", SMALL)
def test_what_is_too_large_for_a_platform_is_said_in_one_line(story: Path, small: str) -> None:
    _decorate(story / "app.py", LARGEST, [small])

    built = hyfn("build", cwd=story)

    [line] = built.errors
    assert re.match(rf"app.py:\d+: {LARGEST} for {small}: [\d.]+ MB zipped is [\d.]+ MB over ", line)
    assert "scipy" in line


def _decorate(app: Path, function: str, platforms: Sequence[str]) -> None:
    """In place of the platform that `function` has."""
    everywhere = "".join(f"@{name}\n" for name in platforms)
    text = re.sub(rf"^@\w+\n(?=def {function}\()", everywhere, app.read_text(), flags=re.MULTILINE)
    imported = f"from hyfn import {', '.join(sorted(clouds.platforms()))}"
    app.write_text(re.sub(r"from hyfn import .*", imported, text))
