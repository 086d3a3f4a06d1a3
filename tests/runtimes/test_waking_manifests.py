"""What wakes functions in a cluster, as manifests: what Kubernetes' own schemas say, and what goes where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hyfn import project
from tests import waking
from tests.kubernetes_objects import RELEASES, knative_problems, problems

pytestmark = pytest.mark.runtime

SOURCES = {
    "on_schedule": "PingSource",
    "on_event": "Trigger",
    "on_stream": "KafkaSource",
    "on_queue": "RabbitmqSource",
}


def manifests(folder: Path, platform: str) -> dict[str, list[dict[str, Any]]]:
    """By function, the objects of its manifest."""
    built = project.build(project.read(waking.write(folder, platform)), folder / "out", lambda text: None)
    paths = {each.short: each.path.with_suffix(".manifest.json") for each in built.artifacts}
    return {short: json.loads(path.read_text())["items"] for short, path in paths.items()}


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    return manifests(tmp_path_factory.mktemp("kubernetes"), "kubernetes")


@pytest.fixture(scope="module", params=["knative", "openshift"])
def knative(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    return manifests(tmp_path_factory.mktemp("knative"), request.param)


@pytest.mark.parametrize("release", RELEASES)
def test_kubernetes_knows_every_field_of_what_wakes(kubernetes: dict[str, list[dict[str, Any]]], release: str) -> None:
    objects = [each for listed in kubernetes.values() for each in listed]
    assert {each["kind"] for each in objects} == {"Deployment", "Service", "CronJob"}
    assert problems(objects, release) == []


def test_a_cron_job_ticks_at_the_service_that_takes_events(kubernetes: dict[str, list[dict[str, Any]]]) -> None:
    [calls, called, events, service, job] = kubernetes["on_schedule"]
    name = service["metadata"]["name"]
    assert name == f"{called['metadata']['name']}-events"
    assert service["spec"]["selector"] == events["spec"]["selector"]["matchLabels"] != called["spec"]["selector"]
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"][-2:] == [f"http://{name}/", "every 5 minutes"]
    assert container["image"] == calls["spec"]["template"]["spec"]["containers"][0]["image"]
    assert job["spec"]["schedule"] == "*/5 * * * *"
    assert len(job["metadata"]["name"]) <= 52


def test_knative_takes_both_services(knative: dict[str, list[dict[str, Any]]]) -> None:
    for calls, events, *_ in knative.values():
        assert knative_problems(calls) == knative_problems(events) == []


def test_every_source_sends_to_the_private_service(knative: dict[str, list[dict[str, Any]]]) -> None:
    assert knative.keys() == SOURCES.keys()
    for short, (calls, events, source) in knative.items():
        assert events["metadata"]["labels"]["networking.knative.dev/visibility"] == "cluster-local"
        assert "networking.knative.dev/visibility" not in calls["metadata"]["labels"]
        assert source["kind"] == SOURCES[short]
        sink = source["spec"].get("sink") or source["spec"]["subscriber"]
        assert sink["ref"]["name"] == events["metadata"]["name"]


def test_only_the_private_one_takes_events(knative: dict[str, list[dict[str, Any]]]) -> None:
    for calls, events, _ in knative.values():
        [takes, gets] = [each["spec"]["template"]["spec"]["containers"][0]["env"] for each in (calls, events)]
        assert {"name": "HYFN_DOOR", "value": "events"} in gets
        assert "HYFN_DOOR" not in [each["name"] for each in takes]
