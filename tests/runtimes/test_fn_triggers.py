"""Events as Oracle Cloud gives them to a function, recorded, in Fn's own fdk."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hyfn import project
from hyfn.dev.application import Application
from tests import waking

GOLDEN = Path(__file__).parents[1] / "golden" / "events" / "oracle"
ORDER = {"id": "a", "n": 1}


@dataclass(frozen=True)
class Up:
    folder: Path
    application: Application

    def post(self, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> int:
        endpoint = self.application.running[f"app:on_{kind}@oracle"].events
        assert endpoint is not None
        url = urlsplit(endpoint.url)
        connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)
        try:
            connection.request("POST", url.path, body, {"Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    def send(self, name: str, status: int = 200) -> list[dict[str, Any]]:
        waking.recorded(self.folder)
        assert self.post(name, (GOLDEN / f"{name}.json").read_bytes()) == status
        return waking.recorded(self.folder)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = waking.write(tmp_path_factory.mktemp("oracle"), "oracle")
    with Application(project.read(folder), lambda text: None) as application:
        yield Up(folder, application)


def test_a_stored_object(up: Up) -> None:
    [got] = up.send("blob")
    assert (got["type"], got["source"], got["subject"]) == (
        "dev.hyfn.blob.created",
        "/blob/invoices",
        "in/my object ü.json",
    )
    assert (got["id"], got["time"]) == ("unique_ID", "2019-01-10T21:19:24+00:00")
    assert got["data"]["etag"] == "f8ffb6e9-f602-460f-a6c0-00b5abfa24c7"


def test_an_event(up: Up) -> None:
    [got] = up.send("event")
    assert (got["type"], got["source"], got["data"]) == ("com.acme.order", "/shop", ORDER)


def test_a_stream_stops_where_it_fails_and_the_call_has_failed(up: Up) -> None:
    [got] = up.send("stream", 502)
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
    assert up.post("event", body) == 502
    assert len(up.send("event")) == 1


def test_no_event_comes_through_a_gateway(up: Up) -> None:
    waking.recorded(up.folder)
    gateway = {"Fn-Intent": "httprequest", "Fn-Http-Method": "POST", "Fn-Http-Request-Url": "/"}
    up.post("event", (GOLDEN / "event.json").read_bytes(), gateway)
    assert waking.recorded(up.folder) == []
