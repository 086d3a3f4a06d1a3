"""Events as Oracle Cloud gives them to a function, recorded, in Fn's own fdk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import waking
from tests.waking import Up

GOLDEN = Path(__file__).parents[1] / "golden" / "events" / "oracle"
ORDER = {"id": "a", "n": 1}


JSON = {"Content-Type": "application/json"}


def send(up: Up, name: str, status: int = 200) -> list[dict[str, Any]]:
    """What a function got of a recorded event."""
    up.recorded()
    assert up.post(name, JSON, (GOLDEN / f"{name}.json").read_bytes()).status == status
    return up.recorded()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with waking.up(tmp_path_factory.mktemp("oracle"), "oracle") as started:
        yield started


def test_a_stored_object(up: Up) -> None:
    [got] = send(up, "blob")
    assert (got["type"], got["source"], got["subject"]) == (
        "dev.hyfn.blob.created",
        "/blob/invoices",
        "in/my object ü.json",
    )
    assert (got["id"], got["time"]) == ("unique_ID", "2019-01-10T21:19:24+00:00")
    assert got["data"]["etag"] == "f8ffb6e9-f602-460f-a6c0-00b5abfa24c7"


def test_an_event(up: Up) -> None:
    [got] = send(up, "event")
    assert (got["type"], got["source"], got["data"]) == ("com.acme.order", "/shop", ORDER)


def test_a_stream_stops_where_it_fails_and_the_call_has_failed(up: Up) -> None:
    [got] = send(up, "stream", 502)
    assert (got["type"], got["source"], got["data"]) == ("dev.hyfn.stream.record", "/stream/clicks", ORDER)
    assert got["extensions"] == {"partition": "0", "sequence": "5", "partitionkey": "user-7"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"[7]",
        b'{"cloudEventsVersion": "1.0", "eventType": "x", "eventID": "1", "source": "/"}',
    ],
)
def test_what_oracle_does_not_send_fails_its_call_and_no_other(up: Up, body: bytes) -> None:
    assert up.post("event", JSON, body).status == 502
    assert len(send(up, "event")) == 1


def test_no_event_comes_through_a_gateway(up: Up) -> None:
    up.recorded()
    gateway = {**JSON, "Fn-Intent": "httprequest", "Fn-Http-Method": "POST", "Fn-Http-Request-Url": "/"}
    up.post("event", gateway, (GOLDEN / "event.json").read_bytes())
    assert up.recorded() == []
