"""CloudEvents over HTTP, as the project's own SDK writes and reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from hyfn import Event
from hyfn.errors import HyfnError, Malformed, UnsupportedEncoding
from hyfn.host import cloudevents

ATTRIBUTES: dict[str, Any] = {
    "id": "42 €",
    "source": "/shop",
    "type": "com.acme.order",
    "specversion": "1.0",
    "subject": '100% "sure"',
    "time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "datacontenttype": "application/json",
    "tenant": "t7",
}


def lowered(message: HTTPMessage) -> dict[str, str]:
    return {name.lower(): value for name, value in message.headers.items()}


@pytest.mark.parametrize("write", [to_binary_event, to_structured_event])
def test_what_the_sdk_writes_is_read(write: Any) -> None:
    message = write(CloudEvent(ATTRIBUTES, {"n": 1}), JSONFormat())
    [event] = cloudevents.read(lowered(message), message.body)
    data = json.loads(event["data_base64"]) if "data_base64" in event else event["data"]
    assert data == {"n": 1}
    assert {name: event[name] for name in ("id", "source", "type", "subject", "tenant")} == {
        name: ATTRIBUTES[name] for name in ("id", "source", "type", "subject", "tenant")
    }
    assert datetime.fromisoformat(event["time"]) == ATTRIBUTES["time"]


def test_what_is_written_the_sdk_reads() -> None:
    event = {**ATTRIBUTES, "time": "2026-01-02T03:04:05Z", "data": {"n": 1}}
    headers, body = cloudevents.binary(event)
    found = from_http_event(HTTPMessage(headers, body), JSONFormat())
    assert found.get_data() == {"n": 1}
    assert found.get_attributes() == ATTRIBUTES


def test_a_reply_the_sdk_reads() -> None:
    reply = cloudevents.reply(Event("t", "/s", {"n": 1}, id="1", extensions={"tenant": "t7"}))
    assert reply is not None
    found = from_http_event(HTTPMessage({"content-type": cloudevents.STRUCTURED}, reply), JSONFormat())
    assert (found.get_type(), found.get_data(), found.get_extension("tenant")) == ("t", {"n": 1}, "t7")
    assert cloudevents.reply({"n": 1}) is None


def test_a_batch_is_several() -> None:
    events = [{"specversion": "1.0", "id": str(n), "source": "/s", "type": "t", "data": n} for n in range(3)]
    found = cloudevents.read({"content-type": cloudevents.BATCH}, json.dumps(events).encode())
    assert [event["data"] for event in found] == [0, 1, 2]


GOOD = {"ce-id": "1", "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0"}


@pytest.mark.parametrize(
    "headers, body, error",
    [
        ({}, b"", Malformed),
        ({**GOOD, "ce-id": ""}, b"", Malformed),
        ({**GOOD, "ce-specversion": "0.3"}, b"", Malformed),
        ({**GOOD, "ce-subject": "%FF"}, b"", Malformed),
        ({"content-type": cloudevents.STRUCTURED}, b"{", Malformed),
        ({"content-type": cloudevents.STRUCTURED}, b"[]", Malformed),
        ({"content-type": cloudevents.STRUCTURED}, b"[" * 100_000, Malformed),
        ({"content-type": cloudevents.BATCH}, b"{}", Malformed),
        ({"content-type": cloudevents.BATCH}, b"[7]", Malformed),
        ({"content-type": "application/cloudevents+avro"}, b"", UnsupportedEncoding),
    ],
)
def test_what_is_no_event_is_refused(headers: dict[str, str], body: bytes, error: type[HyfnError]) -> None:
    with pytest.raises(error):
        cloudevents.read(headers, body)
