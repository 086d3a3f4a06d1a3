"""What lies in an artifact, file by file, against what was reviewed. UPDATE_GOLDEN=1 writes it anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from hyfn import clouds, project
from hyfn.model import Artifact
from hyfn.testing.conformance import everything

GOLDEN = Path(__file__).parents[1] / "golden" / "listings"


def listing(artifact: Artifact, folder: Path) -> list[str]:
    """Its files as they are laid out, sorted. Of hyfn and of distributions only the folder: what they hold comes and
    goes. Compiled modules are there or not by the Pythons of this machine."""
    project.unpack(artifact, folder)
    names = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    kept = [name for name in names if "__pycache__" not in name]
    folders = "|".join(["hyfn", *(each.partition("==")[0] for each in artifact.distributions)])
    return sorted({re.sub(rf"(^|/)({folders})(-[^/]*\.dist-info)?/.*", r"\1\2/…", name) for name in kept})


@pytest.mark.parametrize("platform", sorted(clouds.platforms()))
def test_an_artifact_holds_what_was_reviewed(platform: str, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    read = project.read(everything.write(tmp_path / "app", platform))
    built = project.build(read, tmp_path / "out", lambda text: None)
    [alone] = [artifact for artifact in built.artifacts if artifact.short == "alone"]
    found = "\n".join(listing(alone, tmp_path / "unpacked")) + "\n"
    golden = GOLDEN / f"{platform}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(found)
    assert found == golden.read_text()
