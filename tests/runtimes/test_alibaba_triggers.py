"""What Function Compute's triggers bring, recorded, in the stand-in for its runtime."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hyfn import project
from hyfn.clouds.alibaba.emulate import AlibabaRunning
from hyfn.dev.application import Application
from tests import waking

pytestmark = pytest.mark.spec

GOLDEN = Path(__file__).parents[1] / "golden" / "events" / "alibaba"
ORDER = {"id": "a", "n": 1}

Said = tuple[int, Mapping[str, str], bytes]


@dataclass(frozen=True)
class Up:
    folder: Path
    application: Application

    def running(self, kind: str) -> AlibabaRunning:
        found = self.application.running[f"app:on_{kind}@alibaba"]
        assert isinstance(found, AlibabaRunning)
        return found

    def got(self) -> list[dict[str, Any]]:
        return waking.recorded(self.folder)

    def bring(self, kind: str, body: bytes) -> Said:
        events = self.running(kind).events
        assert events is not None
        return post(events.url, body)

    def pids(self, kind: str) -> list[int]:
        return [instance._process.pid for instance in self.running(kind).instances.idle]


def post(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Said:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)) as connection:
        connection.request("POST", parts.path, body, dict(headers or {}))
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def recorded(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("alibaba")
    with Application(project.read(waking.write(folder, "alibaba")), lambda text: None) as application:
        yield Up(folder, application)


@pytest.fixture
def up(started: Up) -> Up:
    started.got()
    return started


def taken(up: Up, kind: str, name: str) -> list[dict[str, Any]]:
    status, headers, body = up.bring(kind, recorded(name))
    assert (status, body, headers.get("x-fc-error-type")) == (200, b"", None)
    return up.got()


def test_a_timer(up: Up) -> None:
    [got] = taken(up, "schedule", "schedule")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.schedule.tick", "/schedule", None)
    assert (got["id"], got["time"]) == ("timer-trigger@2023-12-26T07:49:00Z", "2023-12-26T07:49:00+00:00")


def test_a_file_in_oss(up: Up) -> None:
    [got] = taken(up, "blob", "blob")
    assert (got["type"], got["source"], got["subject"]) == ("dev.hyfn.blob.created", "/blob/invoices", "in/a.json")
    assert (got["id"], got["time"]) == ("58F9FF2D3DF792092E12044C", "2022-08-13T06:45:43+00:00")
    assert got["data"] == {
        "container": "invoices",
        "name": "in/a.json",
        "size": 122539,
        "etag": "688A7BF4F233DC9C88A80BF985AB****",
        "content_type": "application/json",
        "version": None,
    }


def test_a_deleted_file_is_for_whoever_waits_for_that(tmp_path: Path) -> None:
    folder = waking.write(tmp_path, "alibaba", ["blob"])
    text = (folder / "app.py").read_text()
    (folder / "app.py").write_text(text.replace("@on.blob('invoices'", "@on.blob('invoices', change='deleted'"))
    with Application(project.read(folder), lambda text: None) as application:
        [got] = taken(Up(folder, application), "blob", "blob-deleted")
        assert (got["type"], got["subject"]) == ("dev.hyfn.blob.deleted", "in/a.json")


def test_messages_of_a_queue(up: Up) -> None:
    got = taken(up, "queue", "queue")
    assert [each["data"] for each in got] == [ORDER, {"id": "b", "n": 2}]
    assert {(each["type"], each["source"]) for each in got} == {("dev.hyfn.queue.message", "/queue/orders")}
    ids = ["C6DB60D1574661357FA227277445****", "C6DB60D1574661357FA227277446****"]
    assert [each["id"] for each in got] == ids
    assert got[0]["time"] == "2021-04-08T06:28:17.093000+00:00"


@pytest.mark.parametrize(("name", "attributes"), [("topic", {}), ("topic-attributes", {"key": "value"})])
def test_a_message_of_a_topic(up: Up, name: str, attributes: dict[str, str]) -> None:
    [got] = taken(up, "topic", name)
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.topic.message", "/topic/news", ORDER)
    assert (got["id"], got["extensions"]) == (json.loads(recorded(name))["MessageId"], attributes)
    assert got["time"].startswith("2019-02-15T07:")


def test_records_of_kafkas(up: Up) -> None:
    got = taken(up, "stream", "stream")
    assert [each["data"] for each in got] == [ORDER, {"id": "b", "n": 2}]
    assert {(each["type"], each["source"]) for each in got} == {("dev.hyfn.stream.record", "/stream/clicks")}
    assert got[0]["extensions"] == {"partition": "7", "sequence": "25", "partitionkey": "keytest"}
    assert (got[0]["id"], got[0]["time"]) == ("7:25", "2022-06-23T02:49:51.589000+00:00")


def test_records_that_come_as_texts(up: Up) -> None:
    [got] = taken(up, "stream", "stream-texts")
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.stream.record", "/stream/clicks", ORDER)
    assert got["extensions"] == {"partition": "9", "sequence": "3"}


def test_an_event_of_a_bus(up: Up) -> None:
    [got] = taken(up, "event", "event")
    assert (got["type"], got["source"], got["subject"], got["data"]) == ("com.acme.order", "/shop", "my:subject", ORDER)
    assert (got["id"], got["time"]) == ("1ad8djaf-j6be-i648-f6i1-3ijh6bbb****", None)
    assert got["extensions"]["aliyuneventbusname"] == "mybus"


@pytest.mark.parametrize(
    ("kind", "key", "ran"), [("queue", "C6DB60D1574661357FA227277445****", 1), ("stream", "7:25", 0)]
)
def test_a_batch_with_a_poisoned_item_fails_and_names_it(up: Up, kind: str, key: str, ran: int) -> None:
    """All of it comes again: the others of a queue have run, what follows a record has not."""
    poisoned = recorded(kind).replace(rb"\"n\": 1", rb"\"n\": 13")
    status, headers, body = up.bring(kind, poisoned)
    assert (status, headers["x-fc-error-type"]) == (200, "UnhandledInvocationError")
    assert json.loads(body) == {"errorMessage": "USER_ERROR", "failed": [key]}
    assert len(up.got()) == ran


GOOD = {"specversion": "1.0", "type": "com.acme.order", "source": "/shop", "id": "1"}
BAD: list[tuple[str, Any, str]] = [
    ("schedule", {"triggerTime": 5, "triggerName": "t", "payload": []}, "MALFORMED"),
    ("schedule", {"triggerTime": "2023-12-26T07:49:00Z"}, "MALFORMED"),
    (
        "schedule",
        {"triggerTime": "2023-12-26T07:49:00Z", "triggerName": "t", "payload": "every day"},
        "NO_SUCH_FUNCTION",
    ),
    ("blob", {"events": []}, "MALFORMED"),
    ("blob", {"events": [{"eventName": "LogFileCreated", "eventSource": "cdn"}]}, "MALFORMED"),
    ("blob", json.loads(recorded("blob-deleted")), "NO_SUCH_FUNCTION"),
    ("topic", {"TopicName": "news", "MessageId": "1"}, "MALFORMED"),
    ("queue", [], "MALFORMED"),
    ("queue", [5], "MALFORMED"),
    ("queue", ["{"], "MALFORMED"),
    ("queue", [{**GOOD, "type": "mns:Queue:SendMessage"}], "MALFORMED"),
    ("queue", [*json.loads(recorded("queue")), *json.loads(recorded("stream"))], "MALFORMED"),
    ("stream", [{**GOOD, "type": "alikafka:Topic:Message", "data": {"topic": "clicks"}}], "MALFORMED"),
    ("event", None, "MALFORMED"),
    ("event", "text", "MALFORMED"),
    ("event", {**GOOD, "specversion": "0.3"}, "MALFORMED"),
    ("event", {**GOOD, "data": {"id": "a"}}, "MALFORMED"),
    ("event", {**GOOD, "type": "com.acme.other", "data": ORDER}, "NO_SUCH_FUNCTION"),
    ("event", {**GOOD, "data": {"id": "poison", "n": 13}}, "USER_ERROR"),
]


@pytest.mark.parametrize(("kind", "document", "code"), BAD, ids=str)
def test_what_is_refused_leaves_the_instance_up(up: Up, kind: str, document: Any, code: str) -> None:
    before = up.pids(kind)
    status, headers, body = up.bring(kind, json.dumps(document).encode())
    assert (status, headers["x-fc-error-type"]) == (200, "UnhandledInvocationError")
    assert json.loads(body)["errorMessage"] == code
    assert up.got() == []
    assert taken(up, kind, kind)
    assert up.pids(kind) == before


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b"[" * 100_000, b'{"events": 1e999}'])
def test_what_is_not_even_json_is_refused(up: Up, body: bytes) -> None:
    assert json.loads(up.bring("event", body)[2]) == {"errorMessage": "MALFORMED", "failed": []}
    assert taken(up, "event", "event")


@pytest.mark.parametrize("headers", [{}, {"x-fc-control-path": "/invoke"}])
def test_no_event_comes_in_by_an_http_trigger(up: Up, headers: dict[str, str]) -> None:
    url = up.running("event").trigger.url
    status, told, body = post(f"{url}invoke", recorded("event"), headers)
    assert (status, body, told.get("x-fc-error-type")) == (200, b"MALFORMED", None)
    assert post(url, recorded("event"), headers)[0] == 415
    assert up.got() == []
