"""Events as Knative and programs in a cluster send them, recorded, in the hosts that run there."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hyfn import clouds, project
from hyfn.cloud import Running
from hyfn.dev.application import Application
from hyfn.model import Target
from hyfn.toolchain import hosting
from tests import waking

GOLDEN = Path(__file__).parents[1] / "golden" / "events"
HOSTS = {"hyfn": ("knative", ""), "func": ("knative", 'runtime="func"'), "openshift": ("openshift", "")}
ORDER = {"id": "a", "n": 1}


@dataclass(frozen=True)
class Up:
    folder: Path
    running: Mapping[str, Running]

    def post(self, kind: str, headers: Mapping[str, str], body: str, door: str = "events") -> tuple[int, bytes]:
        [party] = [party for party in self.running if party.startswith(f"app:on_{kind}@")]
        endpoint = self.running[party].events if door == "events" else self.running[party].endpoint
        assert endpoint is not None
        url = urlsplit(endpoint.url)
        connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)
        try:
            connection.request("POST", url.path, body.encode(), dict(headers))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def send(self, name: str) -> list[dict[str, Any]]:
        """What a function got of a recorded event."""
        waking.recorded(self.folder)
        recorded = json.loads((GOLDEN / f"{name}.json").read_text())
        kind = name.rpartition("/")[2].partition("-")[0]
        assert self.post(kind, recorded["headers"], recorded["body"])[0] == 200
        return waking.recorded(self.folder)


@contextmanager
def up(folder: Path, platform: str, more: str = "") -> Iterator[Up]:
    with Application(project.read(waking.write(folder, platform, more=more)), lambda text: None) as application:
        yield Up(folder, application.running)


@pytest.fixture(scope="module", params=sorted(HOSTS))
def knative(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("knative"), *HOSTS[request.param]) as started:
        yield started


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("kubernetes"), "kubernetes") as started:
        yield started


def test_a_ping(knative: Up) -> None:
    [got] = knative.send("knative/schedule")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.schedule.tick", "/schedule", None)
    assert (got["id"], got["time"]) == ("d8e761eb-30c7-49a3-a421-cd5895239f2d", "2019-12-04T14:24:00.000702+00:00")


def test_a_record_of_kafka(knative: Up) -> None:
    [got] = knative.send("knative/stream")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.stream.record", "/stream/clicks", ORDER)
    assert got["extensions"] == {"partition": "0", "sequence": "1", "partitionkey": "user-7"}


@pytest.mark.parametrize("name, source", [("queue", "/queue/orders"), ("queue-unnamed", "/queue/rabbitmq-source")])
def test_a_message_of_rabbitmq(knative: Up, name: str, source: str) -> None:
    [got] = knative.send(f"knative/{name}")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.queue.message", source, ORDER)


@pytest.mark.parametrize("name", ["event", "event-structured"])
def test_an_event_of_a_broker(knative: Up, name: str) -> None:
    [got] = knative.send(f"knative/{name}")
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
    assert knative.post("event", headers, body)[0] == status
    assert knative.send("knative/event")


def test_no_event_comes_in_by_the_door_of_calls(knative: Up) -> None:
    waking.recorded(knative.folder)
    assert knative.post("event", {**GOOD, "content-type": "application/json"}, json.dumps(ORDER), "calls")[0] == 415
    assert waking.recorded(knative.folder) == []


def test_no_call_comes_in_by_the_door_of_events(knative: Up) -> None:
    assert knative.post("event", {"content-type": "application/vnd.hyfn.v1"}, "HYF1")[0] == 400


def test_an_event_for_a_plain_deployment(kubernetes: Up) -> None:
    [got] = kubernetes.send("kubernetes/event")
    assert (got["type"], got["source"], got["subject"], got["data"]) == ("com.acme.order", "/shop", "order/1", ORDER)


def test_a_cron_job_ticks(kubernetes: Up) -> None:
    """By the very program that its manifest names, in the artifact's own files."""
    running = kubernetes.running["app:on_schedule@kubernetes"]
    assert running.events is not None
    waking.recorded(kubernetes.folder)
    root = Path(f"/proc/{running.process.pid}/cwd").resolve()  # type: ignore[attr-defined]
    target = Target("kubernetes", "kubernetes", {}, project.read(kubernetes.folder).functions[0].place)
    python = hosting.environment(clouds.get("kubernetes", "emulate").emulator.python(target), lambda _: None).python
    program = "hyfn.clouds.kubernetes.on"
    argv = [str(python), "-m", program, running.events.url, "every 5 minutes"]
    environment = {**os.environ, "JOB": "tick-29384720"}
    done = subprocess.run(argv, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    [got] = waking.recorded(kubernetes.folder)
    assert (got["type"], got["source"], got["id"]) == ("dev.hyfn.schedule.tick", "/schedule", "tick-29384720")
