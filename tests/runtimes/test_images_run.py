"""Images of functions: built and pushed by `hyfn build`, read by skopeo, run by podman and runc, and called."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from hyfn import remote
from hyfn.errors import NOT_EXECUTED, Unauthenticated
from tests.containers import Container, Podman
from tests.registry import Registry
from tests.shops import KEY, MODULE, Shop, callee_wiring, session
from tests.skopeo import inspected, skopeo

pytestmark = pytest.mark.runtime


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
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    with Podman(tmp_path_factory.mktemp("podman") / "engine") as engine:
        yield engine


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop.make(tmp_path_factory.mktemp("shop"))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(made.folder))
        yield made
    sys.modules.pop(MODULE, None)


@pytest.fixture(scope="module")
def pushed(shop: Shop, registry: Registry) -> Mapping[str, str]:
    return shop.push(registry.host)


@dataclass(frozen=True)
class Served:
    """A container of a function, and that function as this process calls it."""

    container: Container
    name: str
    platform: str
    module: ModuleType

    def use(self, patch: pytest.MonkeyPatch, key: Mapping[str, str] = KEY) -> ModuleType:
        url = f"http://127.0.0.1:{self.container.port}/"
        called = session(self.name, self.platform, url, key)
        patch.setattr(remote, "session", lambda: called)
        return self.module


def serve(podman: Podman, image: str, name: str, platform: str, mount: Path, *options: str) -> Served:
    """Run it as a cluster does: the wiring is a mounted secret."""
    mount.mkdir()
    (mount / "wiring.json").write_text(callee_wiring(name, platform))
    env = {"K_SERVICE": f"shop-{name}", "HYFN_WIRING": "/etc/hyfn/wiring.json", "HYFN_HOST": "127.0.0.1"}
    container = podman.start(image, env, [f"--volume={mount}:/etc/hyfn:ro", *options])
    return Served(container, name, platform, importlib.import_module(MODULE))


@pytest.fixture(scope="module")
def settling(podman: Podman, pushed: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Served:
    mount = tmp_path_factory.mktemp("secret") / "wiring"
    return serve(podman, pushed["settle on knative"], "settle", "knative", mount)


class TestAContainer:
    def test_serves_a_call_by_the_images_own_user(self, settling: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        answer = settling.use(monkeypatch).settle([1.0, 2.0, 6.0])
        assert answer == {"mean": 3.0, "user": 65532, "group": 65532}

    def test_raises_an_exception_as_its_own_class(self, settling: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        module = settling.use(monkeypatch)
        with pytest.raises(module.Unpaid, match="7 are missing") as raised:
            module.settle([])
        assert raised.value.amount == 7

    def test_refuses_another_key(self, settling: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        module = settling.use(monkeypatch, {**KEY, "key": "22" * 32})
        with pytest.raises(Unauthenticated) as refused:
            module.settle([1.0])
        assert refused.value.executed == NOT_EXECUTED

    def test_is_told_by_the_platform_who_it_is(
        self, podman: Podman, pushed: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        placed = serve(podman, pushed["place on knative"], "place", "knative", tmp_path / "wiring")
        assert placed.use(monkeypatch).place() == ["shop-place", str(placed.container.port)]

    def test_runs_by_the_high_user_of_group_0_that_openshift_chooses(
        self, podman: Podman, pushed: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        image, user = pushed["settle on openshift"], "--user=1000660000:0"
        settling = serve(podman, image, "settle", "openshift", tmp_path / "wiring", user)
        answer = settling.use(monkeypatch).settle([1.0])
        assert answer == {"mean": 1.0, "user": 1000660000, "group": 0}

    def test_ends_within_a_second_of_sigterm(self, settling: Served) -> None:
        assert settling.container.terminate() < 1
        assert settling.container.exit_code() == 0


def test_what_was_pushed_says_how_it_starts(pushed: Mapping[str, str]) -> None:
    said = inspected(pushed["settle on knative"], "--config")["config"]
    assert said["Entrypoint"] == ["python3", "-m", "hyfn.clouds.knative.host"]
    assert (said["User"], said["WorkingDir"], said["ExposedPorts"]) == ("65532:65532", "/app", {"8080/tcp": {}})
    assert said["Labels"] == {"org.opencontainers.image.title": "settle"}


def test_the_tag_of_an_image_is_its_platform(pushed: Mapping[str, str]) -> None:
    for image, reference in pushed.items():
        name, _, digest = reference.partition("@")
        assert inspected(f"{name}:{image.rpartition(' ')[2]}")["Digest"] == digest


def test_skopeo_copies_it_as_it_is(pushed: Mapping[str, str], shop: Shop, tmp_path: Path) -> None:
    reference = pushed["settle on knative"]
    skopeo("copy", "--src-tls-verify=false", f"docker://{reference}", f"dir:{tmp_path / 'copied'}")
    built = shop.folder / ".hyfn/build/knative/settle.oci/blobs/sha256" / reference.rpartition(":")[2]
    assert (tmp_path / "copied" / "manifest.json").read_bytes() == built.read_bytes()


def test_functions_share_all_layers_but_their_code(pushed: Mapping[str, str]) -> None:
    one, other = (inspected(pushed[f"settle on {platform}"])["Layers"] for platform in ("knative", "openshift"))
    assert len(one) == len(other) == 4
    assert one[:3] == other[:3]  # this machine's Python, wheels, hyfn


class TestPushingAgain:
    @pytest.fixture
    def mine(self, tmp_path: Path, registry: Registry) -> Shop:
        mine = Shop.make(tmp_path / "mine")
        mine.push(registry.host)
        return mine

    def test_without_a_change_sends_nothing(self, mine: Shop, registry: Registry) -> None:
        first = mine.push(registry.host)
        before = registry.received
        assert mine.push(registry.host) == first
        assert registry.received - before < 2_000  # three questions

    def test_after_a_change_of_one_line_sends_kilobytes(self, mine: Shop, registry: Registry) -> None:
        before = registry.received
        mine.change()
        mine.push(registry.host)
        assert 0 < registry.received - before < 100_000

    def test_makes_the_same_images_in_another_folder(
        self, mine: Shop, pushed: Mapping[str, str], registry: Registry
    ) -> None:
        assert mine.push(registry.host) == pushed

    def test_gives_the_same_where_the_project_names_the_base(
        self, pushed: Mapping[str, str], registry: Registry, tmp_path: Path
    ) -> None:
        named = Shop.make(tmp_path / "named", '[tool.hyfn.build]\nbase = "scratch-python"\n')
        for _ in range(2):
            done = named.build("--push", f"{registry.host}/acme", "--json")
            assert {each["image"]: each["reference"] for each in json.loads(done.out)} == pushed
