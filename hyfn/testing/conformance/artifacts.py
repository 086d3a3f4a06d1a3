"""What every cloud's packages have in common."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hyfn import project
from hyfn.errors import BuildError, SourceError
from hyfn.testing.conformance import everything
from hyfn.testing.conformance.live import OnPlatform


class Artifacts(OnPlatform):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "app").mkdir()
        return everything.write(tmp_path / "app", self.platform)

    def test_the_same_input_gives_the_same_bytes(self, folder: Path, tmp_path: Path) -> None:
        first = project.build(project.read(folder), tmp_path / "first", lambda text: None)
        before = os.umask(0o077)
        try:
            second = project.build(project.read(folder), tmp_path / "second", lambda text: None)
        finally:
            os.umask(before)
        assert [a.digest for a in first.artifacts] == [a.digest for a in second.artifacts]

    def test_an_artifact_loads_on_a_bare_interpreter(self, folder: Path, tmp_path: Path) -> None:
        built = project.build(project.read(folder), tmp_path / "out", lambda text: None)
        assert built.notes == []

    def test_the_manifest_tells_what_was_built(self, folder: Path, tmp_path: Path) -> None:
        project.build(project.read(folder), tmp_path / "out", lambda text: None)
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
        assert {"caller": "alone", "callee": "text"} in manifest["edges"]
        for artifact in manifest["artifacts"]:
            path = tmp_path / "out" / artifact["path"]
            assert path.stat().st_size == artifact["size"] or path.is_dir()
            assert json.loads((path.with_suffix(".cdx.json")).read_text())["metadata"]["component"]["name"]
            assert artifact["distributions"] == sorted(artifact["distributions"])
            assert any(name.startswith("msgpack==") for name in artifact["distributions"])

    def test_a_module_that_cannot_load_never_leaves_the_build(self, folder: Path, tmp_path: Path) -> None:
        [module] = folder.glob("everything_*.py")
        module.write_text(module.read_text() + "\n1 / 0\n")
        with pytest.raises(BuildError, match="ZeroDivisionError"):
            project.build(project.read(folder), tmp_path / "out", lambda text: None)
        assert list(tmp_path.iterdir()) == [folder]

    def test_an_environment_too_large_is_refused_before_anything_is_written(self, folder: Path, tmp_path: Path) -> None:
        [module] = folder.glob("everything_*.py")
        module.write_text(module.read_text().replace("grüße, ☺", "x" * 200_000))
        with pytest.raises(SourceError, match="GREETING in env has 200,009 bytes") as refused:
            project.build(project.read(folder), tmp_path / "out", lambda text: None)
        assert (refused.value.where or "").startswith(f"{module.name}:")
        assert list(tmp_path.iterdir()) == [folder]
