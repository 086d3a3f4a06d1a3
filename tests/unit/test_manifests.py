"""Each artifact's manifest: where it stands, what it names, and that it is no reason to do a thing twice."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hyfn import project
from hyfn.pack import previous
from hyfn.pack.image.reference import Reference
from tests.commands import hyfn, written

FILES = {
    "pyproject.toml": """
        [project]
        name = "My Shop"
        dependencies = []

        [tool.hyfn.kubernetes]
        memory = 128
    """,
    "app.py": """
        from hyfn import kubernetes, local

        @kubernetes
        def settle(amount: int) -> int:
            return amount

        @local
        def other() -> None: ...
    """,
}
PATH = "kubernetes/settle.manifest.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "shop", FILES)


def build(folder: Path, out: Path) -> dict[str, Any]:
    """The digests of the artifacts by function."""
    built = project.build(project.read(folder), out, lambda text: None)
    return {each.short: each.digest for each in built.artifacts}


def image(manifest: Path) -> str:
    deployment = json.loads(manifest.read_text())["items"][0]
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_manifest_stands_beside_its_artifact_where_there_is_one(folder: Path, tmp_path: Path) -> None:
    build(folder, tmp_path / "out")
    assert (tmp_path / "out" / PATH).exists()
    assert not (tmp_path / "out" / "local" / "other.manifest.json").exists()


def test_an_image_that_was_not_pushed_is_in_no_registry_that_can_be(folder: Path, tmp_path: Path) -> None:
    build(folder, tmp_path / "out")
    reference = Reference.parse(image(tmp_path / "out" / PATH))
    assert reference.registry == "hyfn.invalid"
    assert reference.repository.startswith("my-shop-dev-settle-")
    assert reference.tag == "kubernetes"


def test_the_same_project_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        build(folder, tmp_path / name)
    first, second = ((tmp_path / name / PATH).read_bytes() for name in ("first", "second"))
    assert first == second
    assert json.dumps(json.loads(first), indent=1, sort_keys=True).encode() + b"\n" == first


def test_an_option_changes_the_manifest_and_not_the_image(folder: Path, tmp_path: Path) -> None:
    before = build(folder, tmp_path / "out")
    text = (tmp_path / "out" / PATH).read_text()
    settings = folder / "pyproject.toml"
    settings.write_text(settings.read_text().replace("128", "640"))
    after = build(folder, tmp_path / "out")
    assert after == before
    assert (tmp_path / "out" / PATH).read_text() == text.replace("128Mi", "640Mi")


def test_a_manifest_that_somebody_changed_is_made_anew(folder: Path, tmp_path: Path) -> None:
    build(folder, tmp_path / "out")
    text = (tmp_path / "out" / PATH).read_text()
    (tmp_path / "out" / PATH).write_text("{}")
    build(folder, tmp_path / "out")
    assert (tmp_path / "out" / PATH).read_text() == text


def test_the_active_stage_is_in_the_name(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYFN_STAGE", "prod")
    build(folder, tmp_path / "out")
    assert "my-shop-prod-settle-" in (tmp_path / "out" / PATH).read_text()


class TestRewriting:
    """What a push does to the manifest of an image."""

    @pytest.fixture
    def out(self, folder: Path) -> Path:
        self._until_settled(folder)
        return folder / ".hyfn" / "build"

    def _until_settled(self, folder: Path) -> None:
        """Build until a build finds nothing to do."""
        for _ in range(5):
            if "built" not in self._built(folder):
                return
        pytest.fail("every build makes something")

    def _built(self, folder: Path) -> str:
        done = hyfn("build", "-v", cwd=folder)
        assert done.status == 0, done.err
        return done.err

    def test_the_next_build_takes_it_for_its_own(self, folder: Path, out: Path) -> None:
        previous.rewrite(out, "kubernetes/settle.oci", PATH, b"{}\n")
        assert "built" not in self._built(folder)
        assert (out / PATH).read_bytes() == b"{}\n"

    def test_another_build_with_the_same_file_keeps_its_own(self, out: Path, tmp_path: Path) -> None:
        before = (out / PATH).read_bytes()
        os.link(out / PATH, tmp_path / "elsewhere")
        previous.rewrite(out, "kubernetes/settle.oci", PATH, b"{}\n")
        assert (tmp_path / "elsewhere").read_bytes() == before

    def test_the_same_content_touches_nothing(self, out: Path) -> None:
        before = previous.stamp(out / PATH)
        previous.rewrite(out, "kubernetes/settle.oci", PATH, (out / PATH).read_bytes())
        assert previous.stamp(out / PATH) == before

    def test_what_somebody_touched_is_still_made_anew(self, folder: Path, out: Path) -> None:
        (out / "kubernetes" / "settle.cdx.json").write_text("{}")
        previous.rewrite(out, "kubernetes/settle.oci", PATH, b"{}\n")
        assert "built settle for kubernetes" in self._built(folder)
        assert (out / PATH).read_bytes() != b"{}\n"

    def test_a_change_of_the_code_unpins_the_image(self, folder: Path, out: Path) -> None:
        previous.rewrite(out, "kubernetes/settle.oci", PATH, b"{}\n")
        (folder / "app.py").write_text((folder / "app.py").read_text().replace("return amount", "return -amount"))
        self._built(folder)
        assert image(out / PATH).startswith("hyfn.invalid/")
