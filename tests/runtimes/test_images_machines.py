"""Artifacts for another processor than this machine's, and images for AWS Lambda."""

from __future__ import annotations

import importlib
import json
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hyfn import project, remote, wiring
from hyfn.clouds.aws.pack import HANDLER
from hyfn.dev.application import Application
from hyfn.pack.image import bases, layout, push, rootfs
from hyfn.pack.image.reference import Reference
from hyfn.remote import Session
from hyfn.toolchain.processes import free_port
from tests.commands import hyfn, written
from tests.images import HERE, OTHER, PYTHON, greeter, silent
from tests.registry import Registry
from tests.skopeo import inspected, skopeo

pytestmark = pytest.mark.runtime

SOURCE = """
import numpy
from PIL import Image

from hyfn import aws, knative


@knative(architecture="multi")
def mean(values: list[float]) -> float:
    return float(numpy.mean(values))


@aws(architecture="arm64")
def size(width: int) -> int:
    return Image.new("1", (width, 1)).width
"""
PYPROJECT = '[project]\nname = "pictures"\ndependencies = ["numpy", "pillow"]\n'
LAMBDA = """
from hyfn import aws


@aws(package="image")
def shout(text: str) -> str:
    return text.upper()
"""


@pytest.fixture(scope="module", autouse=True)
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nobody's credentials."""
    file = tmp_path_factory.mktemp("home") / "auth.json"
    file.write_text("{}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGISTRY_AUTH_FILE", str(file))
        yield


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with Registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def base(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image with an entrypoint, for both machines, to stand on."""
    name = f"{registry.host}/acme/base:1"
    folder = tmp_path_factory.mktemp("base") / "layout"
    layout.write([greeter(HERE, bases.find("scratch-python", HERE, PYTHON)), greeter(OTHER)], folder)
    push.push(folder, Reference.parse(name), silent)
    return name


def built(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    done = hyfn("build", *arguments, "--json", cwd=folder)
    assert done.status == 0, done.err
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


@pytest.fixture(scope="module")
def pictures(registry: Registry, base: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a project that is built, and the reference of its image."""
    folder = written(tmp_path_factory.mktemp("pictures"), {"pictures.py": SOURCE, "pyproject.toml": PYPROJECT})
    [image] = built(folder, "--base", base, "--push", f"{registry.host}/acme")
    return folder, str(image["reference"])


def machines(files: Iterable[tuple[str, bytes]], into: Path) -> Counter[str]:
    """For which machines the programs and libraries among the files are."""
    into.mkdir()
    found: Counter[str] = Counter()
    for number, (_, content) in enumerate(files):
        file = into / str(number)
        file.write_bytes(content)
        if machine := rootfs.elf_machine(file):
            found[machine] += 1
    return found


def in_tar(layer: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(layer, "r:gz") as opened:
        for member in opened:
            if content := opened.extractfile(member):
                yield member.name, content.read()


def in_zip(archive: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            yield name, opened.read(name)


@pytest.mark.parametrize(("architecture", "machine"), [("amd64", "x86_64"), ("arm64", "aarch64")])
def test_each_image_of_an_index_has_the_libraries_of_its_machine(
    pictures: tuple[Path, str], architecture: str, machine: str, tmp_path: Path
) -> None:
    _, reference = pictures
    source = ["--src-tls-verify=false", f"docker://{reference}", f"dir:{tmp_path / 'copied'}"]
    skopeo("--override-arch", architecture, "copy", *source)
    manifest = json.loads((tmp_path / "copied" / "manifest.json").read_text())
    [wheels] = [each for each in manifest["layers"] if each.get("annotations", {}).get("hyfn.layer") == "wheels"]
    found = machines(in_tar(tmp_path / "copied" / wheels["digest"].partition(":")[2]), tmp_path / "files")
    assert found.keys() == {machine}
    assert found[machine] > 10  # numpy's modules and OpenBLAS


def test_an_image_for_several_machines_is_one_index(pictures: tuple[Path, str]) -> None:
    raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{pictures[1]}")
    assert sorted(each["platform"]["architecture"] for each in raw["manifests"]) == ["amd64", "arm64"]


def test_a_zip_for_arm64_has_the_libraries_of_arm64(pictures: tuple[Path, str], tmp_path: Path) -> None:
    found = machines(in_zip(pictures[0] / ".hyfn/build/aws/size.zip"), tmp_path / "files")
    assert found.keys() == {"aarch64"}
    assert found["aarch64"] > 5  # Pillow's modules and the libraries that it brings


@pytest.fixture(scope="module")
def shouting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {"shouting.py": LAMBDA, "pyproject.toml": '[project]\nname = "shouting"\ndependencies = []\n'}
    return written(tmp_path_factory.mktemp("shouting"), files)


class TestAnImageForLambda:
    def test_is_one_manifest_with_the_handler_as_its_command(
        self, shouting: Path, registry: Registry, base: str
    ) -> None:
        [image] = built(shouting, "--base", base, "--push", f"{registry.host}/acme")
        raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{image['reference']}")
        assert raw["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
        said = inspected(image["reference"], "--config")["config"]
        assert (said["Cmd"], said["WorkingDir"]) == ([HANDLER], "/var/task")
        assert said["Entrypoint"] == ["python3"]  # the base's, which starts the handler

    def test_holds_its_files_in_var_task(self, shouting: Path, tmp_path: Path) -> None:
        done = hyfn("build", cwd=shouting)
        assert done.status == 0, done.err
        layout.lay_out(shouting / ".hyfn/build/aws/shout.oci", "x86_64", tmp_path / "root")
        assert (tmp_path / "root/var/task/shouting.py").is_file()
        assert (tmp_path / "root/var/task" / HANDLER.rpartition(".")[0].replace(".", "/")).with_suffix(".py").is_file()

    def test_answers_in_the_emulator_which_asks_no_registry_for_its_base(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        away = f'[tool.hyfn.build]\nbase = "localhost:{free_port()}/acme/base:1"\n'
        pyproject = f'[project]\nname = "shouting"\ndependencies = []\n{away}'
        folder = written(tmp_path, {"shouting_here.py": LAMBDA, "pyproject.toml": pyproject})
        assert "cannot be reached for acme/base" in hyfn("build", cwd=folder).err
        monkeypatch.syspath_prepend(str(folder))
        with Application(project.read(folder), lambda text: None) as application:
            session = Session(wiring.read(application.laptop()), frozenset(), "dev")
            monkeypatch.setattr(remote, "session", lambda: session)
            assert importlib.import_module("shouting_here").shout("hear") == "HEAR"
        sys.modules.pop("shouting_here", None)
