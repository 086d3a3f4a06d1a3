"""What triggers of OpenWhisk and timers of Code Engine bring, recorded, in the stand-in for their runtime."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hyfn import project
from hyfn.clouds.openwhisk.emit import WAIT
from hyfn.clouds.openwhisk.emulate import OpenWhiskRunning
from hyfn.clouds.openwhisk.triggers import named
from hyfn.dev.application import Application
from tests import waking

pytestmark = pytest.mark.spec

GOLDEN = Path(__file__).parents[1] / "golden" / "events" / "openwhisk"
OPTIONS: dict[str, dict[str, Any]] = {
    "schedule": {"when": "every 5 minutes", "timezone": "UTC"},
    "event": {"type": "com.acme.order", "source": ""},
    "stream": {"name": "clicks", "batch": 100, "start": "latest", "via": "platform", "connection": "hyfn:9092"},
}
WAITING = {WAIT: "true"}
ORDER = {"id": "a", "n": 1}

Said = tuple[int, Mapping[str, str], Any]


@dataclass(frozen=True)
class Up:
    folder: Path
    application: Application
    platform: str

    def running(self, kind: str) -> OpenWhiskRunning:
        found = self.application.running[f"app:on_{kind}@{self.platform}"]
        assert isinstance(found, OpenWhiskRunning)
        return found

    def got(self) -> list[dict[str, Any]]:
        return waking.recorded(self.folder)

    def fire(self, kind: str, document: Any, headers: Mapping[str, str] = WAITING, name: str = "") -> Said:
        events = self.running(kind).events
        assert events is not None
        name = name or named(f"app:on_{kind}", kind, OPTIONS[kind])
        return post(events.url + name, json.dumps(document), headers)

    def invoke(self, kind: str, document: Any) -> Said:
        """As a rule does, and with the result."""
        return post(self.running(kind).endpoint.url, json.dumps(document))


def post(url: str, body: str, headers: Mapping[str, str] | None = None) -> Said:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)) as connection:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("POST", path, body.encode(), {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        text = response.read().decode()
        told = json.loads(text) if text.startswith("{") else text
        return response.status, {name.lower(): value for name, value in response.getheaders()}, told


def recorded(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def error(told: Any) -> Any:
    """That of the one activation which a trigger fired."""
    [activation] = told["activations"]
    assert activation["response"]["status"] == "application error"
    return activation["response"]["result"]["error"]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("openwhisk")
    with Application(project.read(waking.write(folder, "openwhisk")), lambda text: None) as application:
        yield Up(folder, application, "openwhisk")


@pytest.fixture(scope="module")
def ibm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("ibm")
    with Application(project.read(waking.write(folder, "ibm")), lambda text: None) as application:
        yield Up(folder, application, "ibm")


@pytest.fixture(autouse=True)
def nothing_before(request: pytest.FixtureRequest) -> None:
    for name in {"up", "ibm"} & set(request.fixturenames):
        request.getfixturevalue(name).got()


def test_an_alarm(up: Up) -> None:
    status, headers, told = up.fire("schedule", recorded("schedule"))
    assert (status, told["activations"][0]["response"]["success"]) == (200, True)
    [got] = up.got()
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.schedule.tick", "/schedule", None)
    assert got["id"] == headers["x-openwhisk-activation-id"]


def test_an_alarm_of_another_schedule_is_for_nobody_here(up: Up) -> None:
    status, _, told = up.fire("schedule", {"schedule": "every 7 minutes"})
    assert (status, error(told)["code"]) == (200, "NO_SUCH_FUNCTION")
    assert up.got() == []


def test_a_batch_of_kafkas(up: Up) -> None:
    _, _, told = up.fire("stream", recorded("stream"))
    assert told["activations"][0]["response"]["result"] == {}
    got = up.got()
    assert [each["data"]["n"] for each in got] == [1, 2, 3]
    assert {(each["type"], each["source"]) for each in got} == {("dev.hyfn.stream.record", "/stream/clicks")}
    assert got[0]["extensions"] == {"partition": "0", "sequence": "100"}
    assert got[1]["extensions"] == {"partition": "0", "sequence": "101", "partitionkey": "user-7"}
    assert [each["id"] for each in got] == ["0:100", "0:101", "0:102"]


@pytest.mark.parametrize("name", ["stream-text", "stream-base64"])
def test_a_record_of_kafkas(up: Up, name: str) -> None:
    assert up.invoke("stream", recorded(name))[::2] == (200, {})
    [got] = up.got()
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.stream.record", "/stream/clicks", ORDER)


def test_a_trigger_that_is_fired_with_an_event(up: Up) -> None:
    status, _, told = up.fire("event", recorded("event"))
    assert (status, told["activations"][0]["response"]["success"]) == (200, True)
    [got] = up.got()
    assert (got["type"], got["source"], got["subject"], got["data"]) == ("com.acme.order", "/shop", "order/1", ORDER)
    assert (got["id"], got["time"]) == ("A234-1234-1234", "2018-04-05T17:31:00+00:00")
    assert got["extensions"] == {"comexampleextension1": "value", "comexampleothervalue": 5}


def test_exactly_what_failed_is_in_the_error(up: Up) -> None:
    """And nothing that comes after it is lost: the feed does not bring it again."""
    batch = recorded("stream")
    batch["messages"][1]["value"]["n"] = 13
    _, _, told = up.fire("stream", batch)
    assert error(told) == {"code": "USER_ERROR", "failed": ["0:101"]}
    assert [each["id"] for each in up.got()] == ["0:100", "0:102"]


EVENT = {"specversion": "1.0", "type": "com.acme.order", "source": "/shop", "id": "1"}


@pytest.mark.parametrize(
    ("kind", "document", "code"),
    [
        ("schedule", {}, "MALFORMED"),
        ("schedule", {"schedule": 5}, "MALFORMED"),
        ("stream", {"messages": []}, "MALFORMED"),
        ("stream", {"messages": {"topic": "clicks"}}, "MALFORMED"),
        ("stream", {"messages": [{"topic": "clicks", "partition": "x", "offset": 1, "value": ""}]}, "MALFORMED"),
        ("stream", {"messages": [{"topic": "clicks", "partition": 0, "offset": 1, "value": "%"}]}, "MALFORMED"),
        ("stream", {"messages": [{"topic": "clicks", "partition": 0, "offset": 1}]}, "MALFORMED"),
        ("event", {**EVENT, "specversion": "0.3", "data": ORDER}, "MALFORMED"),
        ("event", {**EVENT, "id": "", "data": ORDER}, "MALFORMED"),
        ("event", {**EVENT, "data": {"id": "a"}}, "MALFORMED"),
        ("event", {**EVENT, "type": "com.acme.other", "data": ORDER}, "NO_SUCH_FUNCTION"),
        ("event", {**EVENT, "data": {"id": "poison", "n": 13}}, "USER_ERROR"),
    ],
    ids=str,
)
def test_what_is_refused_leaves_the_action_up(up: Up, kind: str, document: Any, code: str) -> None:
    pids = [container._process.pid for container in up.running(kind).fleet.idle]
    status, _, told = up.fire(kind, document)
    assert (status, error(told)["code"]) == (200, code)
    assert up.got() == []
    assert up.fire(kind, recorded(kind))[2]["activations"][0]["response"]["success"]
    assert up.got()
    assert [container._process.pid for container in up.running(kind).fleet.idle] == pids


def test_whoever_fires_a_trigger_is_told_its_activation_and_no_more(up: Up) -> None:
    status, headers, told = up.fire("event", recorded("event"), {})
    assert (status, told) == (202, {"activationId": headers["x-openwhisk-activation-id"]})
    record, deadline = up.folder / "record", time.monotonic() + 30
    while not (record.exists() and record.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [each["id"] for each in up.got()] == ["A234-1234-1234"]


def test_a_trigger_without_a_rule_is_not_there(up: Up) -> None:
    assert up.fire("event", recorded("event"), name="com.acme.other")[0] == 404


def test_a_call_is_still_refused_what_is_no_frame(up: Up) -> None:
    assert up.invoke("event", {"hyfn": "", **recorded("event")})[2] == {"hyfn_refused": "MALFORMED"}
    assert up.got() == []


def test_no_event_comes_in_by_a_public_door(tmp_path: Path) -> None:
    folder = waking.write(tmp_path, "openwhisk", ["event"], more="web=True")
    with Application(project.read(folder), lambda text: None) as application:
        up = Up(folder, application, "openwhisk")
        assert up.running("event").endpoint.door == "web"
        assert post(up.running("event").endpoint.url, json.dumps(recorded("event")))[0] == 415
        assert up.got() == []
        up.fire("event", recorded("event"))
        assert len(up.got()) == 1


def test_a_timer_of_code_engines(ibm: Up) -> None:
    running, sent = ibm.running("schedule"), recorded("code-engine-schedule")
    assert running.events is not None
    assert post(running.events.url, sent["body"], sent["headers"])[0] == 200
    [got] = ibm.got()
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.schedule.tick", "/schedule", None)
    assert (got["id"], got["time"]) == ("c329ed76-5004-4383-a3cc-c7a9b82e3ac6", "2021-02-26T19:19:00.497637+00:00")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Ce-Id": ""}, "every 5 minutes", 400),
        ({"Ce-Type": "com.acme.order"}, "every 5 minutes", 400),
        ({}, "every 7 minutes", 500),
    ],
)
def test_what_is_no_tick_is_refused(ibm: Up, headers: dict[str, str], body: str, status: int) -> None:
    running, sent = ibm.running("schedule"), recorded("code-engine-schedule")
    assert running.events is not None
    assert post(running.events.url, body, {**sent["headers"], **headers})[0] == status
    assert ibm.got() == []
    test_a_timer_of_code_engines(ibm)


def test_no_tick_comes_in_by_the_function_that_takes_calls(ibm: Up) -> None:
    sent = recorded("code-engine-schedule")
    status, _, told = post(ibm.running("schedule").endpoint.url, sent["body"], sent["headers"])
    assert (status, told) == (200, {"hyfn_refused": "MALFORMED"})
    assert ibm.got() == []


def test_no_call_comes_in_by_the_function_that_takes_events(ibm: Up) -> None:
    running = ibm.running("schedule")
    assert running.events is not None
    assert post(running.events.url, '{"hyfn": ""}')[0] == 400
