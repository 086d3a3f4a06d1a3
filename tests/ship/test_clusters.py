"""Shipping to clusters: what is true of plain Kubernetes, Knative and OpenShift alike, against a strict API server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hyfn.errors import Changed, HyfnError
from hyfn.project.desired import Desired, Graph
from hyfn.resource import Order, Phase
from tests.fakes.kubernetes import Cluster, secrets_in
from tests.ship.clusters import SECRET, STAGE, World, desired, keys_of, shipper

pytestmark = pytest.mark.spec

PLATFORMS = ("kubernetes", "knative", "openshift")
NOTHING = Desired(Graph([], {}, {}), [], {})


@pytest.fixture(scope="module", params=PLATFORMS)
def platform(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def wanted(platform: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Desired]]:
    """As it is; with other code in one function; with other memory of it."""
    folder = tmp_path_factory.mktemp(platform)
    with Cluster() as cluster, pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(cluster.kubeconfig(folder / "config")))
        yield {
            "first": desired(folder, platform),
            "code": desired(folder, platform, number=2),
            "memory": desired(folder, platform, memory=256),
        }


def make(folder: Path, platform: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> World:
    folder.mkdir(exist_ok=True, parents=True)
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(folder / "config")))
    return World(cluster, folder / "state", shipper(platform))


@pytest.fixture
def world(platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with Cluster() as cluster, contextlib.closing(make(tmp_path, platform, cluster, monkeypatch)) as made:
        yield made


def test_what_is_shipped_is_live_and_recorded(world: World, wanted: dict[str, Desired]) -> None:
    world.ship(wanted["first"])
    world.is_settled(wanted["first"])


def test_shipping_twice_changes_nothing(world: World, wanted: dict[str, Desired]) -> None:
    world.ship(wanted["first"])
    before = len(world.cluster.mutations)
    assert world.ship(wanted["first"]) == []
    assert len(world.cluster.mutations) == before


@pytest.mark.parametrize("change", ["code", "memory"])
def test_a_change_makes_one_version_and_one_flip(world: World, wanted: dict[str, Desired], change: str) -> None:
    world.ship(wanted["first"])
    done = [said.split()[:2] for said in world.ship(wanted[change])]
    version = "Deployment" if world.shipper.cloud == "kubernetes" else "Revision"
    assert done == [["create", version], ["update", "Traffic"], ["delete", version]]
    world.is_settled(wanted[change])


def test_what_was_before_is_shipped_again(world: World, wanted: dict[str, Desired]) -> None:
    for each in ("first", "code", "first", "memory", "code"):
        world.ship(wanted[each])
        world.is_settled(wanted[each])


def test_nothing_is_left_of_a_stage_that_is_destroyed(world: World, wanted: dict[str, Desired]) -> None:
    world.ship(wanted["first"])
    world.ship(wanted["code"])
    world.ship(NOTHING)
    assert world.cluster.left() == set()
    assert world.ship(NOTHING) == []


def test_a_lost_record_is_rebuilt(world: World, wanted: dict[str, Desired]) -> None:
    world.ship(wanted["first"])
    before = len(world.cluster.mutations)
    (world.folder / "test.json").unlink()
    assert world.ship(wanted["first"]) == []
    world.is_settled(wanted["first"])
    assert len(world.cluster.mutations) == before


def test_somebody_else_s_service_is_not_touched(world: World, wanted: dict[str, Desired]) -> None:
    service = next(each for each in wanted["first"].resources if each.phase is Phase.CODE)
    version = "v1" if world.shipper.cloud == "kubernetes" else "serving.knative.dev/v1"
    container = {"name": "other", "image": "ghcr.io/else/where"}
    spec: dict[str, Any] = {"ports": [{"port": 80}]}
    if version != "v1":
        spec = {"template": {"spec": {"containers": [container]}}}
    world.cluster.create(version, "services", {"metadata": {"name": service.key.name}, "spec": spec})
    before = world.cluster.find(version, "services", service.key.name)["metadata"]["resourceVersion"]
    planned, _ = world.plan(wanted["first"])
    assert planned.foreign == [service.key]
    with pytest.raises(HyfnError, match="is there already, and is not of this app and stage"):
        world.ship(wanted["first"])
    found = world.cluster.find(version, "services", service.key.name)
    assert found["metadata"]["resourceVersion"] == before or version != "v1"
    assert "hyfn-app" not in found["metadata"].get("labels", {})


def _edited(world: World) -> tuple[str, str, str]:
    """Something that somebody else changes: a stranger in front of the traffic."""
    for each in world.cluster.objects:
        name = "deployments" if world.shipper.cloud == "kubernetes" else "services"
        if each.plural == name and "price" in each.name:
            return each.version, each.plural, each.name
    raise AssertionError("nothing is there")


def _edit(body: dict[str, Any]) -> None:
    if body["kind"] == "Deployment":
        body["spec"]["template"]["spec"]["containers"][0]["image"] = "ghcr.io/else/where"
    else:
        names = [each["revisionName"] for each in body["spec"]["traffic"]]
        body["spec"]["traffic"] = [
            {"revisionName": names[0], "percent": 60},
            {"latestRevision": True, "percent": 40},
        ]


def test_a_change_behind_hyfn_s_back_is_reported_and_undone(world: World, wanted: dict[str, Desired]) -> None:
    world.ship(wanted["first"])
    world.cluster.change(*_edited(world), _edit)
    planned, _ = world.plan(wanted["first"])
    [drift] = planned.drift
    assert drift.is_in_the_way
    assert "ghcr.io/else/where" in drift.said[0] or "the newest 40 %" in drift.said[0]
    world.ship(wanted["first"])
    world.is_settled(wanted["first"])


def test_what_was_changed_since_the_plan_is_not_overwritten(world: World, wanted: dict[str, Desired]) -> None:
    world.ship(wanted["first"])
    kind = "Deployment" if world.shipper.cloud == "kubernetes" else "Traffic"
    resource = next(each for each in wanted["first"].resources if each.key.kind == kind and "price" in each.key.name)
    live = world.observed(wanted["first"])[resource.key]
    world.cluster.change(*_edited(world), _edit)
    wiring = {"self": resource.party} if resource.is_wired else None
    with pytest.raises(Changed):
        world.shipper.put(Order(STAGE, resource, live.body, live, wiring, "token"))


def test_keys_are_in_secrets_alone(world: World, wanted: dict[str, Desired]) -> None:
    world.ship(wanted["first"])
    shown = secrets_in(world.cluster) + world.record
    assert not [key for key in keys_of(wanted["first"]) if key in shown]
    assert SECRET.hex() not in shown
    secrets = [stored.body for each, stored in world.cluster.objects.items() if each.plural == "secrets"]
    assert len(secrets) == 4  # one for each of three functions, and one for what takes events


def test_a_secret_that_was_changed_is_put_right(world: World, wanted: dict[str, Desired]) -> None:
    world.ship(wanted["first"])
    name = next(each.name for each in world.cluster.objects if each.plural == "secrets" and "settle" in each.name)
    world.cluster.change("v1", "secrets", name, lambda body: body["data"].update({"wiring.json": "e30="}))
    planned, _ = world.plan(wanted["first"])
    assert ["its Secret was changed"] in [list(each.reasons) for each in planned.changes]
    world.ship(wanted["first"])
    world.is_settled(wanted["first"])


def test_what_does_not_start_is_said_in_the_cluster_s_words(world: World, wanted: dict[str, Desired]) -> None:
    world.ship(wanted["first"])
    traffic = {key: live.body for key, live in world.observed(wanted["first"]).items() if key.kind == "Traffic"}
    for resource in wanted["code"].resources:
        if resource.is_wired:
            pod = resource.body["spec"].get("template", resource.body)["spec"]
            world.cluster.broken.add(pod["containers"]["function"]["image"])
    with pytest.raises(HyfnError, match=r"is not ready: (ContainerMissing|ProgressDeadlineExceeded) Unable to fetch"):
        world.ship(wanted["code"])
    still = {key: live.body for key, live in world.observed(wanted["first"]).items() if key.kind == "Traffic"}
    assert still == traffic
    world.cluster.broken.clear()
    world.ship(wanted["code"])
    world.is_settled(wanted["code"])


def test_who_may_not_is_told_what_is_needed(world: World, wanted: dict[str, Desired]) -> None:
    world.cluster.forbidden.add(("patch", "secrets"))
    with pytest.raises(HyfnError, match=r"refused PATCH of Secret .* \(403\)") as raised:
        world.ship(wanted["first"])
    assert "may get, list, patch and delete secrets" in str(raised.value)
    world.cluster.forbidden.clear()
    world.ship(wanted["first"])
    world.is_settled(wanted["first"])


def test_a_kind_that_the_cluster_lacks_and_nobody_wants_is_no_error(world: World, wanted: dict[str, Desired]) -> None:
    world.cluster.without |= {"kafkasources", "rabbitmqsources", "triggers", "horizontalpodautoscalers"}
    world.ship(wanted["first"])
    world.is_settled(wanted["first"])
