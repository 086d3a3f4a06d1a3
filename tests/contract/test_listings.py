"""What lies in an artifact, file by file, against what was reviewed. UPDATE_GOLDEN=1 writes it anew."""

from __future__ import annotations

import os
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from hyfn import clouds, project
from tests.contract import everything

GOLDEN = Path(__file__).parents[1] / "golden" / "listings"


def listing(artifact: Path) -> list[str]:
    """Its files, sorted. Of hyfn and of distributions only the folder: what they hold comes and goes."""
    if artifact.suffix == ".zip":
        with zipfile.ZipFile(artifact) as archive:
            names = archive.namelist()
    else:
        with tarfile.open(artifact) as archive:
            names = [member.name for member in archive if member.isfile()]
    return sorted({re.sub(r"(^|/)(hyfn|msgpack)(-[^/]*\.dist-info)?/.*", r"\1\2/…", name) for name in names})


@pytest.mark.parametrize("platform", sorted(clouds.platforms()))
def test_an_artifact_holds_what_was_reviewed(platform: str, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    read = project.read(everything.write(tmp_path / "app", platform))
    built = project.build(read, tmp_path / "out", lambda text: None)
    [alone] = [artifact for artifact in built.artifacts if artifact.short == "alone"]
    found = "\n".join(listing(alone.path)) + "\n"
    golden = GOLDEN / f"{platform}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(found)
    assert found == golden.read_text()
