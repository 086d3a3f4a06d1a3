"""What images are called, what they say of themselves, and images as folders."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hyfn.errors import BuildError, ConfigError, MachineError
from hyfn.pack import splice
from hyfn.pack.image import bases, blobs, config, layer, layout, media
from hyfn.pack.image.model import Base, Descriptor, Image, Settings
from hyfn.pack.image.reference import Reference, is_loopback
from tests.images import HERE, OTHER, PYTHON, SETTINGS, files, greeter

DIGEST = f"sha256:{'a1' * 32}"
BELOW: dict[str, Any] = {
    "architecture": "arm64",
    "variant": "v8",
    "os": "linux",
    "created": "2026-01-01T00:00:00Z",
    "docker_version": "20",
    "config": {
        "Env": ["PATH=/usr/local/bin", "LANG=C", "EMPTY="],
        "Cmd": ["python3"],
        "User": "root",
        "WorkingDir": "/srv",
        "Labels": {"from": "base"},
        "ExposedPorts": {"9000/udp": {}},
        "OnBuild": ["RUN false"],
        "StopSignal": "SIGINT",
    },
    "rootfs": {"type": "layers", "diff_ids": [DIGEST]},
    "history": [{"created_by": "ADD"}, {"created_by": "ENV", "empty_layer": True}],
}
BASE = Base("ghcr.io/acme/base:3", DIGEST, "aarch64", BELOW, [Descriptor(media.LAYER, DIGEST, 7)])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))


class TestAReference:
    @pytest.mark.parametrize(
        "text, parts",
        [
            ("python", ("docker.io", "library/python", "latest", "")),
            ("python:3.13-slim", ("docker.io", "library/python", "3.13-slim", "")),
            ("acme/greet", ("docker.io", "acme/greet", "latest", "")),
            ("index.docker.io/acme/greet", ("docker.io", "acme/greet", "latest", "")),
            ("localhost/greet", ("localhost", "greet", "latest", "")),
            ("localhost:5000/acme/greet:1", ("localhost:5000", "acme/greet", "1", "")),
            (f"ghcr.io/a/b/c@{DIGEST}", ("ghcr.io", "a/b/c", "", DIGEST)),
            (f"localhost:5000/acme/greet:tag@{DIGEST}", ("localhost:5000", "acme/greet", "tag", DIGEST)),
            ("[::1]:5000/greet", ("[::1]:5000", "greet", "latest", "")),
            ("Host/greet", ("Host", "greet", "latest", "")),
            ("a__b/c-d--e.f", ("docker.io", "a__b/c-d--e.f", "latest", "")),
        ],
    )
    def test_has_dockers_parts(self, text: str, parts: tuple[str, ...]) -> None:
        assert Reference.parse(text) == Reference(*parts)
        assert Reference.parse(str(Reference.parse(text))) == Reference(*parts)

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "",
                "Python",
                "a//b",
                "/a",
                "a/",
                "a:",
                "a:-x",
                "a b",
                "a@sha256:12",
                "a@",
                "ghcr.io/../x",
                "ghcr.io/a?b",
            ),
            *("https://ghcr.io/a", "a/b:c:d", f"a@md5:{'0' * 32}", "x" * 256, "h:x/a", "u@h.io/a", "a:" + "t" * 129),
        ],
    )
    def test_that_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(ConfigError, match="names no image"):
            Reference.parse(text)

    @pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000", "[::1]"])
    def test_may_be_of_this_machine(self, host: str) -> None:
        assert is_loopback(host)

    @pytest.mark.parametrize("host", ["localhost.example", "127.0.0.1.example", "10.0.0.1", "[::2]", "ghcr.io", "[x"])
    def test_may_be_of_another(self, host: str) -> None:
        assert not is_loopback(host)


class TestAComposedImage:
    def said(self, settings: Settings = SETTINGS) -> Any:
        image = replace(greeter("aarch64"), settings=settings)
        return json.loads(config.config(config.compose(BASE, image)))

    def test_has_the_bases_variables_with_ours_over_them(self) -> None:
        said = self.said(Settings(env={"LANG": "C.UTF-8", "B": "2", "A": "1"}))
        assert said["config"]["Env"] == ["PATH=/usr/local/bin", "LANG=C.UTF-8", "EMPTY=", "A=1", "B=2"]

    def test_starts_what_it_is_told_and_not_the_bases_command(self) -> None:
        assert "Cmd" not in self.said(Settings(["run"]))["config"]
        assert self.said(Settings(cmd=["run"]))["config"]["Cmd"] == ["run"]

    def test_keeps_what_it_does_not_change(self) -> None:
        said = self.said(Settings())["config"]
        kept = {key: value for key, value in BELOW["config"].items() if key != "OnBuild"}
        assert said == kept

    def test_merges_ports_and_labels(self) -> None:
        said = self.said(Settings(ports=[8080], labels={"by": "us"}))["config"]
        assert said["ExposedPorts"] == {"8080/tcp": {}, "9000/udp": {}}
        assert said["Labels"] == {"by": "us", "from": "base"}

    def test_has_layers_diff_ids_and_history_of_both(self) -> None:
        said = self.said()
        assert said["rootfs"]["diff_ids"][0] == DIGEST
        assert len(said["rootfs"]["diff_ids"]) == 3
        assert [step["created_by"] for step in said["history"]] == ["ADD", "ENV", "hyfn wheels", "hyfn code"]
        assert (said["variant"], said["created"]) == ("v8", "1970-01-01T00:00:00Z")
        assert "docker_version" not in said

    def test_names_its_base(self) -> None:
        image = config.compose(BASE, greeter("aarch64"))
        said = json.loads(config.manifest(image, b"{}"))
        assert said["annotations"] == {
            "org.opencontainers.image.base.name": "ghcr.io/acme/base:3",
            "org.opencontainers.image.base.digest": DIGEST,
        }

    def test_counts_layers_where_the_base_has_no_history(self) -> None:
        base = replace(BASE, config={**BELOW, "history": []})
        said = json.loads(config.config(config.compose(base, greeter("aarch64"))))
        assert len(said["history"]) == len(said["rootfs"]["diff_ids"]) == 3

    def test_is_for_the_machine_of_its_base(self) -> None:
        with pytest.raises(ConfigError, match="for aarch64, and the image for x86_64"):
            config.compose(BASE, greeter("x86_64"))

    def test_needs_a_base_whose_layers_and_diff_ids_agree(self) -> None:
        base = replace(BASE, layers=[])
        with pytest.raises(BuildError, match="0 layers and 1 diff_ids"):
            config.config(config.compose(base, greeter("aarch64")))


class TestALayout:
    def test_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        images = [greeter("x86_64"), greeter("aarch64")]
        layout.write(images, tmp_path / "layout")
        read = layout.read(tmp_path / "layout")
        assert [image.machine for image in read] == ["x86_64", "aarch64"]
        assert layout.write(read, tmp_path / "again") == layout.root(tmp_path / "layout")
        assert files(tmp_path / "again") == files(tmp_path / "layout")

    def test_holds_blobs_by_their_digests_and_nothing_else(self, tmp_path: Path) -> None:
        layout.write([greeter()], tmp_path / "layout")
        found = files(tmp_path / "layout")
        assert json.loads(found.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
        assert json.loads(found.pop("index.json"))["schemaVersion"] == 2
        assert all(path == f"blobs/sha256/{hashlib.sha256(text).hexdigest()}" for path, text in found.items())

    def test_needs_one_image_for_each_machine(self, tmp_path: Path) -> None:
        for images in ([], [greeter(), greeter()]):
            with pytest.raises(BuildError, match="one image for each machine"):
                layout.write(images, tmp_path / "layout")

    def test_that_is_none_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="is no OCI image layout"):
            layout.root(tmp_path)

    def test_whose_manifest_was_changed_is_refused(self, tmp_path: Path) -> None:
        one = layout.write([greeter()], tmp_path / "layout")
        file = blobs.path(tmp_path / "layout" / "blobs", one.digest)
        content = file.read_bytes().replace(b"wheels", b"wheals")
        file.unlink()
        file.write_bytes(content)
        with pytest.raises(BuildError, match="is not what its name says"):
            layout.read(tmp_path / "layout")

    def test_is_a_base_for_the_machines_that_it_has(self, tmp_path: Path) -> None:
        layout.write([greeter()], tmp_path / "layout")
        base = bases.find(str(tmp_path / "layout"), HERE, PYTHON)
        layout.write([greeter(base=base, line="# upon\n")], tmp_path / "upon")
        manifest = layout.manifest_of(tmp_path / "upon", layout.root(tmp_path / "upon"))
        assert len(manifest["layers"]) == 4
        assert len(layout.read(tmp_path / "upon")[0].layers) == 2
        with pytest.raises(ConfigError, match="not for"):
            bases.find(str(tmp_path / "layout"), OTHER, PYTHON)


class TestLayingOut:
    def test_puts_later_layers_over_earlier_ones(self, tmp_path: Path) -> None:
        below = layer.kept("below", lambda: [splice.member("a.py", b"old"), splice.member("b/c.py", b"c")], "app/")
        above = layer.kept("above", lambda: [splice.member("a.py", b"new"), splice.member("b/d.py", b"d")], "app/")
        layout.write([Image(HERE, Settings(), {"wheels": below, "code": above})], tmp_path / "layout")
        layout.lay_out(tmp_path / "layout", HERE, tmp_path / "out")
        assert files(tmp_path / "out") == {"app/a.py": b"new", "app/b/c.py": b"c", "app/b/d.py": b"d"}

    def test_leaves_the_base_out(self, tmp_path: Path) -> None:
        layout.write([greeter()], tmp_path / "base")
        base = layout.base(tmp_path / "base", HERE)
        above = layer.kept("own", lambda: [splice.member("own.py", b"")], "app/")
        layout.write([Image(HERE, Settings(), {"code": above}, base)], tmp_path / "layout")
        layout.lay_out(tmp_path / "layout", HERE, tmp_path / "out")
        assert files(tmp_path / "out") == {"app/own.py": b""}

    def test_writes_nothing_of_a_layer_that_is_not_to_be_trusted(self, tmp_path: Path) -> None:
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w:gz") as opened:
            opened.addfile(tarfile.TarInfo("app/fine.py"))
            opened.addfile(tarfile.TarInfo("../outside"))
        file = tmp_path / "layer"
        file.write_bytes(raw.getvalue())
        bad = layer.Layer(media.digest_of(raw.getvalue()), DIGEST, len(raw.getvalue()), file)
        layout.write([Image(HERE, Settings(), {"code": bad})], tmp_path / "layout")
        with pytest.raises(BuildError):
            layout.lay_out(tmp_path / "layout", HERE, tmp_path / "out")
        assert not list(tmp_path.rglob("outside")) + list(tmp_path.rglob("fine.py"))
        assert not (tmp_path / "out").exists()

    def test_needs_an_image_for_the_machine(self, tmp_path: Path) -> None:
        layout.write([greeter()], tmp_path / "layout")
        with pytest.raises(ConfigError, match="holds no image for"):
            layout.lay_out(tmp_path / "layout", OTHER, tmp_path / "out")


class TestARootFolder:
    def root(self, folder: Path) -> Path:
        (folder / "usr" / "bin").mkdir(parents=True)
        elf = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00" + b"\x3e\x00"
        (folder / "usr" / "bin" / "python3.13").write_bytes(elf)
        (folder / "usr" / "bin" / "python3").symlink_to("/usr/bin/python3.13")
        (folder / "bin").symlink_to("usr/bin")
        (folder / "tmp").mkdir()
        (folder / "tmp").chmod(0o1777)
        return folder

    def test_is_a_base_with_its_links_and_modes(self, tmp_path: Path) -> None:
        base = bases.find(str(self.root(tmp_path / "root")), "x86_64", PYTHON)
        assert base.blobs is not None
        with tarfile.open(blobs.path(base.blobs, base.layers[0].digest)) as opened:
            found = {each.name: each for each in opened.getmembers()}
        assert found["bin"].linkname == "usr/bin"
        assert found["tmp"].mode == 0o1777

    def test_is_made_again_when_a_file_was_written(self, tmp_path: Path) -> None:
        root = self.root(tmp_path / "root")
        first = bases.find(str(root), "x86_64", PYTHON)
        assert bases.find(str(root), "x86_64", PYTHON) == first
        (root / "etc").mkdir()
        assert bases.find(str(root), "x86_64", PYTHON).digest != first.digest

    def test_for_another_machine_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="is for x86_64, not for aarch64"):
            bases.find(str(self.root(tmp_path / "root")), "aarch64", PYTHON)

    def test_without_python_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="has no python3"):
            bases.find(str(tmp_path), HERE, PYTHON)


def test_importing_it_does_not_import_httpx() -> None:
    code = "import sys, hyfn.pack.image.bases, hyfn.pack.image.push; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_base_that_is_no_folder_is_named() -> None:
    with pytest.raises(ConfigError, match=r"the base \./nowhere is no folder"):
        bases.find("./nowhere", HERE, PYTHON)


def test_the_own_python_is_for_this_machine_and_its_pythons() -> None:
    with pytest.raises(ConfigError, match="this machine's own Python"):
        bases.find("scratch-python", OTHER, PYTHON)
    with pytest.raises(MachineError, match=r"no CPython 3\.99"):
        bases.find("scratch-python", HERE, "3.99")
