"""hyfn's artifacts on Kubernetes: their manifest before Kubernetes' own schemas, and played by podman as it stands."""

from __future__ import annotations

import base64
import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from hyfn import remote
from hyfn.clouds.kubernetes.pack import packer
from hyfn.model import FunctionSpec, Place, Signature, Target
from tests.containers import Container, Podman
from tests.images import PYTHON
from tests.kubernetes_objects import RELEASES, problems
from tests.registry import Registry, Wire
from tests.shops import ARCHITECTURE, MODULE, Shop, callee_wiring, session

pytestmark = pytest.mark.runtime

SOURCE = """
import os
import tempfile

from hyfn import kubernetes


class Unpaid(Exception):
    pass


@kubernetes(env={"NOTE": "$(HYFN_HOST) and 5 $"}, min_instances=1, max_instances=2)
def settle(amounts: list[float]) -> dict[str, object]:
    if not amounts:
        raise Unpaid("nothing")
    with tempfile.NamedTemporaryFile() as paper:
        folder = os.path.dirname(paper.name)
    return {"sum": sum(amounts), "user": os.getuid(), "group": os.getgid(), "folder": folder}


@kubernetes
def scribble(path: str) -> None:
    with open(path, "w") as paper:
        paper.write("x")
"""
TABLE = f"""
[tool.hyfn.kubernetes]
python = "{PYTHON}"
architecture = "{ARCHITECTURE}"
"""
OPTIONS: list[dict[str, Any]] = [
    {},
    {"namespace": "shop", "cpu": 0.1, "memory": 0, "env": {"A": "1"}, "architecture": "multi"},
    {"min_instances": 2, "max_instances": 5, "cpu": 1.5},
    *({"virtual_node": True, "virtual_provider": each} for each in ("any", "aci", "eci", "interlink")),
]


def manifest(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    place = Place("app.py", 3)
    target = Target("kubernetes", "kubernetes", options, place)
    function = FunctionSpec("app:settle", "app", "settle", place, Signature((), None), None, False, (target,))
    return list(packer.manifest(function, target, "settle", "ghcr.io/acme/settle:1")["items"])


@pytest.mark.parametrize("release", RELEASES)
def test_kubernetes_knows_every_field_of_a_manifest(release: str) -> None:
    assert problems([each for options in OPTIONS for each in manifest(options)], release) == []


def test_what_kubernetes_does_not_know_is_seen() -> None:
    deployment, service = manifest({})
    deployment["spec"]["template"]["spec"]["containers"][0]["memory"] = 1
    service["spec"]["ports"][0]["port"] = "eighty"
    said = problems([deployment, service], RELEASES[-1])
    assert [each.partition(" ")[0] for each in said] == ["Deployment", "Service"]
    assert "'memory' was unexpected" in said[0]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop.make(tmp_path_factory.mktemp("shop"), TABLE, SOURCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGISTRY_AUTH_FILE", str(made.folder / "nobody.json"))
        (made.folder / "nobody.json").write_text("{}")
        patch.syspath_prepend(str(made.folder))
        yield made
    sys.modules.pop(MODULE, None)


@dataclass(frozen=True)
class Played:
    """A function as its manifest has podman run it."""

    container: Container
    name: str
    port: int
    pod: Mapping[str, Any]

    def call(self, patch: pytest.MonkeyPatch, *arguments: Any) -> Any:
        url = f"http://127.0.0.1:{self.port}/"
        called = session(self.name, "kubernetes", url, cloud="kubernetes")
        patch.setattr(remote, "session", lambda: called)
        return getattr(importlib.import_module(MODULE), self.name)(*arguments)


@pytest.fixture(scope="module", params=["settle", "scribble"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def pushed(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with Registry(tmp_path_factory.mktemp("registry")) as registry:
        yield shop.push(registry.host)


@pytest.fixture(scope="module")
def played(
    name: str, shop: Shop, pushed: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    text = (shop.folder / f".hyfn/build/kubernetes/{name}.manifest.json").read_text()
    deployment = next(each for each in json.loads(text)["items"] if each["kind"] == "Deployment")
    assert pushed[f"{name} on kubernetes"] in text
    with Podman(tmp_path_factory.mktemp("podman") / "engine") as podman:
        container = podman.play(unpublished(deployment), secret(deployment["metadata"]["name"], name))
        wire = Wire(container.port, container.address)
        wire.start()
        yield Played(container, name, wire.port, deployment["spec"]["template"]["spec"])
        wire.stop()


def secret(called: str, name: str) -> dict[str, Any]:
    data = base64.b64encode(callee_wiring(name, "kubernetes").encode()).decode()
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": called}, "data": {"wiring.json": data}}


def unpublished(deployment: Any) -> dict[str, Any]:
    """Without what only tells of ports: podman would have them listened on by the whole machine."""
    changed: dict[str, Any] = json.loads(json.dumps(deployment))
    del changed["spec"]["template"]["spec"]["containers"][0]["ports"]
    return changed


@pytest.mark.parametrize("name", ["settle"], indirect=True)
class TestAPodOfItsManifest:
    def test_is_called_by_its_secret_and_runs_by_no_root(self, played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
        answer = played.call(monkeypatch, [1.0, 2.0])
        assert answer == {"sum": 3.0, "user": 65532, "group": 65532, "folder": "/tmp"}

    def test_raises_an_exception_as_its_own_class(self, played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(importlib.import_module(MODULE).Unpaid, match="nothing"):
            played.call(monkeypatch, [])

    def test_answers_each_of_its_probes(self, played: Played) -> None:
        [container] = played.pod["containers"]
        probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
        assert [played.container.get(each["path"])[0] for each in probes] == [200, 200, 200]
        assert {each["port"] for each in probes} == {played.container.port}

    def test_ends_in_its_time(self, played: Played) -> None:
        assert played.container.terminate() < played.pod["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("name", ["scribble"], indirect=True)
@pytest.mark.parametrize("path", ["/app/notes", "/notes", "/etc/hyfn/wiring.json"])
def test_a_pod_writes_to_none_of_its_files(played: Played, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match=r"Read-only file system|Permission denied"):
        played.call(monkeypatch, path)
    played.call(monkeypatch, "/tmp/notes")
