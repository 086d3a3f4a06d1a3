"""Events as Knative and programs in a cluster send them, recorded, in the hosts that run there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hyfn import clouds, project
from hyfn.model import Target
from hyfn.toolchain import hosting
from tests import waking
from tests.waking import Up

GOLDEN = Path(__file__).parents[1] / "golden" / "events"
HOSTS = {"hyfn": ("knative", ""), "func": ("knative", 'runtime="func"'), "openshift": ("openshift", "")}
ORDER = {"id": "a", "n": 1}


def send(up: Up, name: str) -> list[dict[str, Any]]:
    """What a function got of a recorded event."""
    up.recorded()
    event = json.loads((GOLDEN / f"{name}.json").read_text())
    kind = name.rpartition("/")[2].partition("-")[0]
    assert up.post(kind, event["headers"], event["body"]).status == 200
    return up.recorded()


@pytest.fixture(scope="module", params=sorted(HOSTS))
def knative(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with waking.up(tmp_path_factory.mktemp("knative"), *HOSTS[request.param]) as started:
        yield started


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with waking.up(tmp_path_factory.mktemp("kubernetes"), "kubernetes") as started:
        yield started


def test_a_ping(knative: Up) -> None:
    [got] = send(knative, "knative/schedule")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.schedule.tick", "/schedule", None)
    assert (got["id"], got["time"]) == ("d8e761eb-30c7-49a3-a421-cd5895239f2d", "2019-12-04T14:24:00.000702+00:00")


def test_a_record_of_kafka(knative: Up) -> None:
    [got] = send(knative, "knative/stream")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.stream.record", "/stream/clicks", ORDER)
    assert got["extensions"] == {"partition": "0", "sequence": "1", "partitionkey": "user-7"}


@pytest.mark.parametrize("name, source", [("queue", "/queue/orders"), ("queue-unnamed", "/queue/rabbitmq-source")])
def test_a_message_of_rabbitmq(knative: Up, name: str, source: str) -> None:
    [got] = send(knative, f"knative/{name}")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.queue.message", source, ORDER)


@pytest.mark.parametrize("name", ["event", "event-structured"])
def test_an_event_of_a_broker(knative: Up, name: str) -> None:
    [got] = send(knative, f"knative/{name}")
    assert (got["type"], got["source"], got["subject"], got["data"]) == ("com.acme.order", "/shop", "order/1", ORDER)
    assert (got["id"], got["time"]) == ("A234-1234-1234", "2018-04-05T17:31:00+00:00")
    assert got["extensions"]["comexampleextension1"] == "value"


GOOD = {"ce-specversion": "1.0", "ce-type": "com.acme.order", "ce-source": "/shop", "ce-id": "1"}


@pytest.mark.parametrize(
    "headers, body, status",
    [
        ({}, "", 400),
        ({**GOOD, "ce-specversion": "0.3"}, "", 400),
        ({"content-type": "application/cloudevents+json"}, "{", 400),
        ({"content-type": "application/cloudevents+avro"}, "", 415),
        ({**GOOD, "content-type": "application/json"}, '{"id": "a"}', 400),
        ({**GOOD, "ce-type": "com.acme.other"}, "{}", 500),
        ({**GOOD, "content-type": "application/json"}, '{"id": "poison", "n": 13}', 500),
    ],
)
def test_what_is_refused_leaves_the_host_up(knative: Up, headers: dict[str, str], body: str, status: int) -> None:
    assert knative.post("event", headers, body).status == status
    assert send(knative, "knative/event")


def test_no_event_comes_in_by_the_door_of_calls(knative: Up) -> None:
    knative.recorded()
    typed = {**GOOD, "content-type": "application/json"}
    assert knative.post("event", typed, json.dumps(ORDER), "calls").status == 415
    assert knative.recorded() == []


def test_no_call_comes_in_by_the_door_of_events(knative: Up) -> None:
    assert knative.post("event", {"content-type": "application/vnd.hyfn.v1"}, "HYF1").status == 400


def test_an_event_for_a_plain_deployment(kubernetes: Up) -> None:
    [got] = send(kubernetes, "kubernetes/event")
    assert (got["type"], got["source"], got["subject"], got["data"]) == ("com.acme.order", "/shop", "order/1", ORDER)


def test_a_cron_job_ticks(kubernetes: Up) -> None:
    """By the very program that its manifest names, in the artifact's own files."""
    running = kubernetes.application.running["app:on_schedule@kubernetes"]
    assert running.events is not None
    kubernetes.recorded()
    root = Path(f"/proc/{running.process.pid}/cwd").resolve()  # type: ignore[attr-defined]
    target = Target("kubernetes", "kubernetes", {}, project.read(kubernetes.folder).functions[0].place)
    python = hosting.environment(clouds.get("kubernetes", "emulate").emulator.python(target), lambda _: None).python
    program = "hyfn.clouds.kubernetes.on"
    argv = [str(python), "-m", program, running.events.url, "every 5 minutes"]
    environment = {**os.environ, "JOB": "tick-29384720"}
    done = subprocess.run(argv, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    [got] = kubernetes.recorded()
    assert (got["type"], got["source"], got["id"]) == ("dev.hyfn.schedule.tick", "/schedule", "tick-29384720")
