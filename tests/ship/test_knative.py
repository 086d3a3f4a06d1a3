"""What is Knative's own in a ship: revisions by name, tags to probe them, and edges that come later."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hyfn.clouds.knative import ship
from hyfn.errors import ConfigError, HyfnError, MachineError
from hyfn.ship.cluster import access, form
from tests.fakes.kubernetes import Cluster, wiring_of
from tests.ship.clusters import SOURCE, World, desired, shipper

pytestmark = pytest.mark.spec


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with Cluster() as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "config")))
        with contextlib.closing(World(cluster, tmp_path / "state", shipper("knative"))) as made:
            yield made


def services(world: World) -> dict[str, Any]:
    return {
        each.name: stored.body
        for each, stored in world.cluster.objects.items()
        if "serving" in each.version and each.plural == "services"
    }


def test_a_version_is_probed_by_its_tag_before_it_has_traffic(world: World, tmp_path: Path) -> None:
    world.ship(desired(tmp_path, "knative"))
    world.ship(desired(tmp_path, "knative", number=2))
    [probed] = [each for each in world.probed if len(each) == 1]
    [(party, url)] = probed.items()
    assert party == "app:price@knative"
    [(name, body)] = [each for each in services(world).items() if "price" in each[0]]
    [entry] = body["spec"]["traffic"]
    assert url == f"http://{entry['tag']}-{name}.shop.example.com"
    assert entry["percent"] == 100
    assert entry["revisionName"].startswith(f"{name}-")


def test_edges_that_come_later_are_a_version_too(world: World, tmp_path: Path) -> None:
    """The code of `price` is the same, and who may call it is not."""
    alone = desired(tmp_path / "a", "knative", source=SOURCE.replace("price(name) for name", "len(name) for name"))
    world.ship(alone)
    before = _serving(world, "price")
    together = desired(tmp_path / "b", "knative")
    world.ship(together)
    world.is_settled(together)
    after = _serving(world, "price")
    assert before != after
    callers = wiring_of(world.cluster, after)["callers"].values()
    assert "shop/test/app:settle@knative" in {each["iss"] for each in callers}
    assert f"v1 secrets/{before}" not in world.cluster.left()


def _serving(world: World, short: str) -> str:
    [body] = [each for name, each in services(world).items() if short in name]
    [name] = [str(each["revisionName"]) for each in body["spec"]["traffic"] if each["percent"]]
    return name


def test_only_what_takes_events_is_private(world: World, tmp_path: Path) -> None:
    world.ship(desired(tmp_path, "knative"))
    private = {
        name
        for name, body in services(world).items()
        if "networking.knative.dev/visibility" in body["metadata"]["labels"]
    }
    assert [name.endswith("-events") for name in private] == [True]


def test_a_name_that_leaves_no_room_for_revisions_is_refused(world: World, tmp_path: Path) -> None:
    source = SOURCE.replace("(memory={memory})", f'(name="{"x" * 51}", memory={{memory}})')
    with pytest.raises(ConfigError, match="with its revisions' names 50 are the most"):
        desired(tmp_path, "knative", source=source)


@pytest.mark.parametrize(
    ("name", "is_openshift", "room"),
    [("a", False, 13), ("a" * 50, False, 12), ("a" * 40, True, 8), ("a" * 43, True, 0)],
)
def test_a_tag_fits_beside_the_name(name: str, is_openshift: bool, room: int) -> None:
    assert ship._room(name, "prod/acme-invoices", is_openshift) == room


def test_tags_become_labels_that_a_cluster_takes() -> None:
    assert form.label("shop") == "shop"
    assert form.label("feature/x") != form.label("feature-x")
    assert form.LABEL.fullmatch(form.label("feature/x " * 20))


def test_amounts_that_a_cluster_writes_otherwise_are_no_difference() -> None:
    body = {"spec": {"cpu": "1000m", "memory": "1024Mi", "env": {"A": {"value": ""}}}}
    annotations = {form.APPLIED: form.dumped(body)}
    spec = {"cpu": "1", "memory": "1Gi", "env": [{"name": "A"}], "more": 1}
    assert form.observed({"metadata": {"annotations": annotations}, "spec": spec}) == body
    changed = {**spec, "cpu": "2"}
    assert form.observed({"metadata": {"annotations": annotations}, "spec": changed})["spec"]["cpu"] == "2"


CONFIG = {
    "current-context": "here",
    "clusters": [{"name": "c", "cluster": {"server": "http://cluster.test/"}}],
    "contexts": [
        {"name": "here", "context": {"cluster": "c", "user": "u"}},
        {"name": "there", "context": {"cluster": "c", "user": "u", "namespace": "far"}},
    ],
    "users": [{"name": "u", "user": {}}],
}


def configured(folder: Path, user: Any) -> dict[str, str]:
    (folder / "config").write_text(json.dumps({**CONFIG, "users": [{"name": "u", "user": user}]}))
    return {"KUBECONFIG": str(folder / "config")}


def test_a_context_says_where_one_is_at_home(tmp_path: Path) -> None:
    environ = configured(tmp_path, {"token": "t"})
    assert [access.namespace(each, environ) for each in ("", "there")] == ["default", "far"]
    with pytest.raises(ConfigError, match="no context 'nowhere'"):
        access.namespace("nowhere", environ)
    with pytest.raises(ConfigError, match="no cluster is known"):
        access.namespace("", {"KUBECONFIG": str(tmp_path / "none")})


def test_a_token_comes_from_kubeconfig_a_file_or_a_program(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of a file\n")
    said = json.dumps({"status": {"token": "of a program"}})
    program = {"command": "echo", "args": [said], "apiVersion": "client.authentication.k8s.io/v1"}
    for user, token in (
        ({"token": "t"}, "t"),
        ({"tokenFile": "token"}, "of a file"),
        ({"exec": program}, "of a program"),
    ):
        found = access.access("", configured(tmp_path, user))
        assert found.headers() == {"Authorization": f"Bearer {token}"}
        assert token not in repr(found) or token == "t"
    with pytest.raises(MachineError, match="no-such-program, which kubeconfig names, gave no token"):
        access.access("", configured(tmp_path, {"exec": {"command": "no-such-program"}})).headers()


def test_a_wrong_token_is_one_line(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = desired(tmp_path, "knative")
    monkeypatch.setenv("KUBECONFIG", str(world.cluster.kubeconfig(tmp_path / "other", token="wrong")))
    with pytest.raises(HyfnError, match=r"the cluster refused GET of .* \(401\)") as raised:
        world.ship(wanted)
    assert "wrong" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_contexts_are_part_of_where_things_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", configured(tmp_path, {"token": "t"})["KUBECONFIG"])
    source = SOURCE.replace("(memory={memory})", '(context="there", memory={memory})')
    scopes = {each.key.scope for each in desired(tmp_path, "knative", source=source).resources}
    assert scopes == {"there/far", "default"}
