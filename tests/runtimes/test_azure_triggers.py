"""Azure's triggers: recorded invocations, through Microsoft's own runtime, into functions that keep what they got."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hyfn.call import transport
from hyfn.clouds.azure.emit import emitter
from hyfn.dev.occurring import Said, occurred
from hyfn.event import occurrence
from hyfn.toolchain import pythons
from hyfn.wire.carrier import Request
from tests.azure_events import Live, live_in, post
from tests.azure_recorded import RECORDED

pytestmark = pytest.mark.runtime

GOLDEN = Path(__file__).parents[1] / "golden" / "events" / "azure"
SOURCE = """
from hyfn import Blob, Event, PartialFailure, azure, on

{KEEP}


@azure(group="all")
@on.schedule("every 5 minutes")
def tick(event: Event[None]) -> None:
    keep(event)


@azure(group="all")
@on.queue("orders", batch=8)
async def order(event: Event[str]) -> None:
    keep(event)


@azure(group="all")
@on.queue("orders", batch=8)
def also(event: Event[str]) -> None:
    keep(event)


@azure(group="all")
@on.topic("news")
def news(event: Event[Any]) -> None:
    keep(event)


@azure(group="all")
@on.stream("clicks", batch=3)
def clicks(events: list[Event[Any]]) -> None:
    poison = [event for event in events if event.data == "poison"]
    for event in events:
        if event not in poison:
            keep(event)
    if poison:
        raise PartialFailure(poison)


@azure(group="all")
@on.stream("message", via="kafka", connection="127.0.0.1:9092")
def lines(event: Event[Any]) -> None:
    keep(event)


@azure(group="all")
@on.blob("test-container")
def written(event: Event[Blob]) -> None:
    keep(event)


@azure(group="all")
@on.blob("testcontainer", change="deleted")
def gone(event: Event[Blob]) -> None:
    keep(event)


@azure(group="all")
@on.event("Microsoft.Storage.BlobCreated")
def stored(event: Event[dict[str, Any]]) -> None:
    keep(event)


@azure(group="all")
@on.event("captureFileCreated", source="/TestTopic/namespaces/test")
def captured(event: Event[dict[str, Any]]) -> None:
    keep(event)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_in(tmp_path_factory.mktemp("azure-events"), SOURCE) as live:
        yield live


@pytest.fixture
def live(running: Live) -> Live:
    running.taken()
    return running


def _golden(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    return document


@pytest.mark.parametrize(("recorded", "function", "events"), RECORDED, ids=[name for name, _, _ in RECORDED])
def test_a_recorded_invocation_is_the_event_that_it_is_everywhere(
    live: Live, recorded: str, function: str, events: list[dict[str, Any]]
) -> None:
    said = live.tell(function, _golden(recorded))
    assert (said.status, json.loads(said.body)) == (200, {"status": "Success"})
    taken = live.taken()
    assert len(taken) == len(events)
    for got, event in zip(taken, events, strict=True):
        del got["pid"]
        if "id" not in event:
            assert got.pop("id").endswith("@2022-03-28T15:45:00-05:00")
        if "data" not in event:
            assert got.pop("data") == _data(recorded)
            got.pop("dataschema", None)
        assert got == event


def _data(recorded: str) -> Any:
    return json.loads(_golden(recorded)["inputData"][0]["data"]["json"])["data"]


@pytest.mark.parametrize(("recorded", "function"), [(name, function) for name, function, _ in RECORDED])
def test_what_is_no_such_invocation_fails_and_the_next_one_works(live: Live, recorded: str, function: str) -> None:
    whole = _golden(recorded)
    wrong = {**whole, "inputData": [{"name": "event", "data": {"double": 1.5}}]}
    said = live.tell(function, wrong)
    assert said.status == 500
    assert json.loads(said.body)["status"] == "Failure"
    assert live.taken() == []
    assert live.tell(function, whole).status == 200
    assert live.taken()


@pytest.mark.parametrize(
    ("recorded", "function", "metadata"),
    [
        ("stream", "clicks", {"SystemPropertiesArray": {"json": "[{}, {}]"}}),
    ],
)
def test_metadata_that_says_nothing_fails_the_invocation(
    live: Live, recorded: str, function: str, metadata: dict[str, Any]
) -> None:
    whole = _golden(recorded)
    said = live.tell(function, {**whole, "triggerMetadata": {**whole["triggerMetadata"], **metadata}})
    assert (said.status, live.taken()) == (500, [])


@pytest.mark.parametrize("subject", ["/containers/another/blobs/a", "/containers/test-container/blobs/", ""])
def test_an_event_of_another_store_fails_the_invocation(live: Live, subject: str) -> None:
    whole = _golden("blob")
    said = json.loads(whole["inputData"][0]["data"]["json"])
    wrong = json.dumps({**said, "subject": f"/blobServices/default{subject}"})
    told = live.tell("written", {**whole, "inputData": [{"name": "event", "data": {"json": wrong}}]})
    assert (told.status, live.taken()) == (500, [])


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"functionId": "x"}', b'{"inputData": 1}', b'{"inputData": [{"x": 1}]}']
)
def test_what_is_no_invocation_at_all_is_refused(live: Live, body: bytes) -> None:
    assert post(live.url("order"), body).status == 400


def test_a_name_that_is_no_function_is_not_found(live: Live) -> None:
    assert post(live.url("order") + "x", b"{}").status == 404


def test_calls_and_events_are_in_one_process(live: Live) -> None:
    live.tell("order", _golden("queue"))
    live.tell("news", _golden("topic"))
    assert len({got["pid"] for got in live.taken()}) == 1


def _emitted(live: Live, said: Said) -> tuple[list[dict[str, Any]], list[str], list[dict[str, Any]]]:
    """What was emitted, which ids failed, and what functions got."""
    what = occurred(said)
    [done] = live.application.emit(what)
    assert list(done["delivered"]) == [event["id"] for event in what.events]
    return [dict(event) for event in what.events], list(done["failed"]), live.taken()


WITH_ID = [
    (Said("queue", "orders", ["a", "b"]), 2),
    (Said("topic", "news", ['{"a": 1}'], subject="title", extensions={"tenant": "acme"}), 1),
    (Said("blob", "test-container/a/b.txt", ["content"]), 1),
    (Said("blob", "testcontainer/a/b.txt", is_deleted=True), 1),
    (Said("event", "Microsoft.Storage.BlobCreated", ['{"api": "PutBlob"}'], subject="x", extensions={"a": "b"}), 1),
]
WITHOUT_ID = [
    (Said("schedule", "every 5 minutes"), 1),
    (Said("stream", "clicks", ["1", "2"], key="k"), 1),
    (Said("stream", "message", ["1", "2"], key="k"), 1),
]


@pytest.mark.parametrize(("said", "times"), WITH_ID, ids=lambda value: getattr(value, "kind", ""))
def test_what_is_emitted_arrives_as_it_was(live: Live, said: Said, times: int) -> None:
    sent, failed, got = _emitted(live, said)
    assert failed == []
    assert [one["id"] for one in got] == [event["id"] for event in sent for _ in range(times)]
    _same(sent[0], got[0])


@pytest.mark.parametrize(("said", "times"), WITHOUT_ID, ids=lambda value: getattr(value, "kind", ""))
def test_what_has_no_id_on_azure_arrives_as_it_was_otherwise(live: Live, said: Said, times: int) -> None:
    sent, failed, got = _emitted(live, said)
    assert (failed, len(got)) == ([], len(sent) * times)
    _same(sent[0], got[0])
    assert len({one["id"] for one in got}) == len(got)


def _same(sent: Mapping[str, Any], got: Mapping[str, Any]) -> None:
    told = {
        name: value for name, value in sent.items() if name not in ("data", "data_base64", "id", "specversion", "time")
    }
    assert {name: got[name] for name in told} == told
    if "data" in sent:
        assert {name: value for name, value in got["data"].items() if value is not None} == sent["data"]
    assert got["time"] is not None


def test_a_poison_message_alone_fails(live: Live) -> None:
    sent, failed, got = _emitted(live, Said("queue", "orders", ["good", "poison", "fine"]))
    assert failed == [sent[1]["id"]]
    assert [one["data"] for one in got] == ["good", "good", "poison", "poison", "fine", "fine"]


def test_a_batch_with_poison_fails_as_a_whole_and_no_other(live: Live) -> None:
    """Event Hubs knows no part of a batch: its retry policy has all of it delivered again."""
    sent, failed, got = _emitted(live, Said("stream", "clicks", ["1", "poison", "3", "4"]))
    assert failed == [event["id"] for event in sent[:3]]
    assert [one["data"] for one in got] == [1, 3, 4]


def test_a_batch_is_of_one_partition(live: Live) -> None:
    assert live.running.events is not None
    records = [
        occurrence("dev.hyfn.stream.record", "/stream/clicks", str(number), body=b"1", partition=partition)
        for number, partition in enumerate("0101")
    ]
    told = emitter.notify(live.running.events, live.trigger("clicks"), records)
    assert [list(one.ids) for one in told] == [["0", "2"], ["1", "3"]]


def test_the_vendors_library_says_what_the_app_listens_to(live: Live) -> None:
    """Azure sets up its listeners by these."""
    indexed = _indexed(live)
    queue = indexed[live.url("order").rpartition("/")[2]]
    assert queue == {
        "type": "queueTrigger",
        "queueName": "orders",
        "connection": "AzureWebJobsStorage",
        "dataType": "BINARY",
    }
    assert indexed[live.url("tick").rpartition("/")[2]] == {"type": "timerTrigger", "schedule": "0 */5 * * * *"}
    assert indexed[live.url("written").rpartition("/")[2]] == {"type": "eventGridTrigger"}
    stream = indexed[live.url("clicks").rpartition("/")[2]]
    assert (stream["cardinality"], stream["eventHubName"]) == ("MANY", "clicks")


def _indexed(live: Live) -> dict[str, dict[str, Any]]:
    said = transport.default().send(Request("GET", _admin(live, ""), {}, b""), 30)
    listed = json.loads(said.body)
    common = ("direction", "name")
    return {
        one["name"]: {name: value for name, value in one["config"]["bindings"][0].items() if name not in common}
        for one in listed
    }


def _admin(live: Live, name: str) -> str:
    assert live.running.events is not None
    origin = live.running.events.url.partition("/hyfn/")[0]
    return f"{origin}/admin/functions/{name}"


@pytest.mark.parametrize(
    ("function", "given", "data"),
    [("tick", {}, None), ("order", {"input": "by hand"}, "by hand"), ("news", {"input": "[1]"}, [1])],
)
def test_azures_own_door_for_trying_a_function_answers_before_it_ran(
    live: Live, function: str, given: dict[str, Any], data: Any
) -> None:
    name = live.url(function).rpartition("/")[2]
    assert post(_admin(live, name), json.dumps(given).encode()).status == 202
    assert post(live.url("news"), json.dumps(_golden("topic")).encode()).status == 200
    _until(live, data)


def _until(live: Live, data: Any) -> None:
    deadline = time.monotonic() + 10
    while data not in [got["data"] for got in live.taken()]:
        assert time.monotonic() < deadline


def test_an_app_that_waits_for_nothing_has_no_door_for_events(tmp_path: Path) -> None:
    source = "from hyfn import azure\n\n\n@azure\ndef plain() -> int:\n    return 1\n"
    with live_in(tmp_path, source) as live:
        assert live.running.events is None


@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_older_pythons_have_another_library_and_the_same_events(tmp_path: Path, python: str) -> None:
    if pythons.find(python) is None:
        pytest.skip(f"no CPython {python} on this machine")
    with live_in(tmp_path, SOURCE, f'\n[tool.hyfn.azure]\npython = "{python}"\n') as live:
        assert f"on CPython {python}." in live.running.runtime
        for recorded, function, events in RECORDED:
            assert live.tell(function, _golden(recorded)).status == 200
            assert [got["type"] for got in live.taken()] == [event["type"] for event in events]
