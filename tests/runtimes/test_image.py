"""hyfn's images in a real registry, read by skopeo, and run by podman and runc."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hyfn.pack.image import bases, blobs, config, layout, pull, push
from hyfn.pack.image.model import Base, Image
from hyfn.pack.image.push import Pushed
from hyfn.pack.image.reference import Reference
from hyfn.pack.image.registry import NoSuchImage, Unauthorised, Unreachable
from tests.containers import Container, Failed, Podman
from tests.images import HERE, OTHER, PYTHON, greeter, silent
from tests.registry import PASSWORD, USER, Registry
from tests.skopeo import inspected, skopeo

pytestmark = pytest.mark.runtime


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache, and a home without anybody's credentials."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "auth.json").write_text("{}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYFN_CACHE", str(folder))
        patch.setenv("REGISTRY_AUTH_FILE", str(folder / "auth.json"))
        yield folder


@pytest.fixture(scope="module")
def own_python(cache: Path) -> Base:
    return bases.find("scratch-python", HERE, PYTHON)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with Registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    with Podman(tmp_path_factory.mktemp("podman") / "engine") as engine:
        yield engine


def pushed(images: list[Image], folder: Path, name: str) -> Pushed:
    layout.write(images, folder)
    return push.push(folder, Reference.parse(name), silent)


@pytest.fixture(scope="module")
def container(
    registry: Registry, podman: Podman, own_python: Base, tmp_path_factory: pytest.TempPathFactory
) -> Container:
    name = f"{registry.host}/acme/run:1"
    pushed([greeter(base=own_python)], tmp_path_factory.mktemp("run") / "layout", name)
    return podman.start(name, {"K_SERVICE": "greet"})


class TestARunningContainer:
    def test_answers_without_root_and_on_a_read_only_file_system(self, container: Container) -> None:
        status, text = container.get("/")
        assert status == 200
        assert json.loads(text) == {"greeting": "good day", "user": 65532, "service": "greet"}
        with pytest.raises(Failed, match="Read-only"):
            container.podman.run("exec", container.identity, "python", "-c", "open('/app/new', 'w')")

    def test_has_what_wheels_and_the_standard_library_are_linked_with(self, container: Container) -> None:
        code = "import ctypes, ssl, sqlite3, lzma, hashlib; ctypes.CDLL('libstdc++.so.6'); print(ssl.OPENSSL_VERSION)"
        assert container.podman.run("exec", container.identity, "python3", "-c", code).startswith("OpenSSL")

    def test_trusts_the_certificates_of_this_machine(self, container: Container) -> None:
        code = "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"
        assert int(container.podman.run("exec", container.identity, "python3", "-c", code)) > 50

    def test_compiles_nothing_of_the_standard_library_when_it_starts(self, container: Container) -> None:
        code = "import http.client as c; print(c.__cached__, open(c.__cached__, 'rb').read(8)[4])"
        cached, flags = container.podman.run("exec", container.identity, "python3", "-c", code).split()
        assert cached.startswith("/usr/local/lib/python")
        assert int(flags) == 1  # by hash and unchecked, as PEP 552 has it

    def test_ends_within_a_second_of_sigterm(self, container: Container) -> None:
        assert container.terminate() < 1
        assert container.exit_code() == 0


def test_podman_runs_a_layout_without_any_registry(podman: Podman, own_python: Base, tmp_path: Path) -> None:
    layout.write([greeter(base=own_python)], tmp_path / "layout")
    container = podman.start(f"oci:{tmp_path / 'layout'}", {})
    assert container.get("/")[0] == 200
    assert container.terminate() < 1


def test_skopeo_reads_and_copies_what_was_pushed(registry: Registry, own_python: Base, tmp_path: Path) -> None:
    name = f"{registry.host}/acme/copy:1"
    done = pushed([greeter(base=own_python)], tmp_path / "layout", name)
    said = inspected(name)
    assert said["Digest"] == done.reference.digest
    assert "PYTHONUNBUFFERED=1" in said["Env"]
    assert len(said["Layers"]) == 3
    manifest = blobs.path(tmp_path / "layout" / layout.BLOBS, done.reference.digest).read_bytes()
    skopeo("copy", "--src-tls-verify=false", f"docker://{name}", f"oci:{tmp_path / 'copied'}:1")
    skopeo("copy", f"oci:{tmp_path / 'copied'}:1", f"dir:{tmp_path / 'again'}")
    assert (tmp_path / "again" / "manifest.json").read_bytes() == manifest


def test_one_changed_line_moves_kilobytes(registry: Registry, own_python: Base, tmp_path: Path) -> None:
    name = f"{registry.host}/acme/small:1"
    pushed([greeter(base=own_python)], tmp_path / "one", name)
    before = registry.received
    done = pushed([greeter(base=own_python, line="# changed\n")], tmp_path / "two", name)
    moved = registry.received - before
    assert 0 < done.sent <= moved < 100_000
    assert (done.uploaded, done.mounted, done.skipped) == (2, 0, 2)  # code and config; wheels and base


def test_pushing_the_same_again_sends_nothing(registry: Registry, tmp_path: Path) -> None:
    name = f"{registry.host}/acme/again:1"
    first = pushed([greeter()], tmp_path / "one", name)
    assert pushed([greeter()], tmp_path / "two", name) == Pushed(first.reference, 0, 0, 0, 0)


def test_another_repository_takes_what_the_registry_has(registry: Registry, tmp_path: Path) -> None:
    pushed([greeter(line="# m\n")], tmp_path / "one", f"{registry.host}/acme/first:1")
    before = registry.received
    done = pushed([greeter(line="# m\n")], tmp_path / "two", f"{registry.host}/acme/second:1")
    assert (done.uploaded, done.mounted) == (0, 3)
    assert registry.received - before < 10_000
    assert inspected(f"{registry.host}/acme/second:1")["Digest"] == done.reference.digest


def test_two_folders_caches_and_umasks_make_one_digest(
    own_python: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = set()
    for number, mask in enumerate((0o022, 0o077)):
        monkeypatch.setenv("HYFN_CACHE", str(tmp_path / f"cache{number}"))
        before = os.umask(mask)
        try:
            images = [greeter(HERE, own_python), greeter(OTHER)]
            digests.add(layout.write(images, tmp_path / f"layout{number}").digest)
        finally:
            os.umask(before)
    assert len(digests) == 1


def test_both_machines_are_in_one_index(registry: Registry, tmp_path: Path) -> None:
    name = f"{registry.host}/acme/both:1"
    done = pushed([greeter("x86_64"), greeter("aarch64")], tmp_path / "layout", name)
    for architecture in ("amd64", "arm64"):
        assert (
            skopeo("--override-arch", architecture, "inspect", "--tls-verify=false", f"docker://{name}")["Architecture"]
            == architecture
        )
    raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{name}")
    assert [each["platform"]["architecture"] for each in raw["manifests"]] == ["arm64", "amd64"]
    assert done.reference.digest == layout.root(tmp_path / "layout").digest


@pytest.fixture(scope="module")
def name(registry: Registry, own_python: Base, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image that others stand on: the own Python and a layer, in one index for both machines."""
    name = f"{registry.host}/acme/base:3"
    images = [greeter(HERE, own_python, "# base\n"), greeter(OTHER, line="# base\n")]
    pushed(images, tmp_path_factory.mktemp("base") / "layout", name)
    return name


class TestABaseOfARegistry:
    def test_is_composed_with_an_image_and_runs(
        self, name: str, registry: Registry, podman: Podman, tmp_path: Path
    ) -> None:
        base = bases.find(name, HERE, PYTHON)
        image = config.compose(base, greeter(line="# upon\n"))
        done = pushed([image], tmp_path / "layout", f"{registry.host}/acme/upon:1")
        assert done.mounted == len(base.layers)
        said = inspected(str(done.reference).replace(":1@", "@"))
        assert len(said["Layers"]) == len(base.layers) + 2
        container = podman.start(f"{registry.host}/acme/upon:1", {"K_SERVICE": "upon"})
        assert json.loads(container.get("/")[1])["service"] == "upon"

    def test_goes_along_to_another_registry(self, name: str, tmp_path: Path) -> None:
        image = config.compose(bases.find(name, HERE, PYTHON), greeter(line="# away\n"))
        with Registry(tmp_path / "registry") as other:
            done = pushed([image], tmp_path / "layout", f"{other.host}/acme/away:1")
            assert done.skipped == done.mounted == 0
            assert len(inspected(f"{other.host}/acme/away:1")["Layers"]) == 5

    def test_is_fetched_where_an_engine_here_needs_it(self, name: str, podman: Podman, tmp_path: Path) -> None:
        folder = tmp_path / "layout"
        layout.write([config.compose(bases.find(name, HERE, PYTHON), greeter())], folder)
        assert pull.foreign(folder)
        pull.complete(folder, silent)
        assert not pull.foreign(folder)
        assert podman.start(f"oci:{folder}", {}).get("/")[0] == 200

    def test_is_taken_by_its_digest_without_asking(self, name: str, registry: Registry) -> None:
        digest = inspected(name)["Digest"]
        first = bases.find(f"{name}@{digest}", HERE, PYTHON)
        before = registry.received
        assert bases.find(f"{name}@{digest}", HERE, PYTHON) == first
        assert registry.received == before

    def test_that_is_not_there_is_named(self, registry: Registry) -> None:
        with pytest.raises(NoSuchImage, match=r"has no localhost:\d+/acme/none:1: 404 .*unknown"):
            bases.find(f"{registry.host}/acme/none:1", HERE, PYTHON)

    def test_that_cannot_be_asked_is_taken_as_it_was(self, tmp_path: Path) -> None:
        with Registry(tmp_path / "registry") as gone:
            name = f"{gone.host}/acme/base:1"
            pushed([greeter()], tmp_path / "layout", name)
            first = bases.find(name, HERE, PYTHON)
        again = bases.find(name, HERE, PYTHON)
        assert again.digest == first.digest
        assert again.note == f"{gone.host} cannot be reached: {name} is taken as it was less than an hour ago"
        with pytest.raises(Unreachable, match=rf"{gone.host} cannot be reached for acme/base: .*refused"):
            bases.find(f"{gone.host}/acme/base:2", HERE, PYTHON)


def test_a_large_layer_goes_in_chunks_and_survives_a_broken_line(registry: Registry, tmp_path: Path) -> None:
    name = f"{registry.host}/acme/large:1"
    registry.cut_after(12_000_000)
    done = pushed([greeter(size=20_000_000)], tmp_path / "layout", name)
    assert registry.received > 20_000_000
    assert done.sent < 20_000_000 + 12_000_000 + 8 * 1024**2
    skopeo("copy", "--src-tls-verify=false", f"docker://{name}", f"dir:{tmp_path / 'copied'}")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with Registry.by_password(tmp_path_factory.mktemp("closed")) as running:
        yield running


class TestAPasswordRegistry:
    @pytest.fixture
    def log_in(self, closed: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        def write(password: str) -> None:
            auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
            file = tmp_path / "auth.json"
            file.write_text(json.dumps({"auths": {closed.host: {"auth": auth}}}))
            monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))

        return write

    def test_takes_images_of_who_is_logged_in(self, closed: Registry, log_in: Any, tmp_path: Path) -> None:
        log_in(PASSWORD)
        done = pushed([greeter()], tmp_path / "layout", f"{closed.host}/acme/greet:1")
        assert done.uploaded == 3
        assert bases.find(f"{closed.host}/acme/greet:1", HERE, PYTHON).digest == done.reference.digest

    def test_says_that_a_password_is_wrong(self, closed: Registry, log_in: Any, tmp_path: Path) -> None:
        log_in("wrong")
        with pytest.raises(Unauthorised) as refused:
            pushed([greeter()], tmp_path / "layout", f"{closed.host}/acme/other:1")
        assert refused.value.message.startswith(f"{closed.host} does not let you push {closed.host}/acme/other: 401")
        assert f"credentials of {closed.host} in {tmp_path / 'auth.json'} were used" in str(refused.value.hint)

    def test_says_that_nobody_is_logged_in(self, closed: Registry) -> None:
        with pytest.raises(Unauthorised, match="no credentials were found") as refused:
            bases.find(f"{closed.host}/acme/greet:1", HERE, PYTHON)
        assert "docker login" in str(refused.value.hint)
