"""Azure's queues and blobs from a real store (azurite), through Microsoft's runtime, to functions."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.azure_events import Live, live_in
from tests.fakes.azure_sources import Azurite, Listener, Queue, azurite, invoke

pytestmark = pytest.mark.runtime

SOURCE = """
from hyfn import Blob, Event, azure, on

{KEEP}


@azure(group="all")
@on.queue("orders")
def order(event: Event[str]) -> None:
    keep(event)


@azure(group="all")
@on.blob("invoices", prefix="in/")
def stored(event: Event[Blob]) -> None:
    keep(event)
"""
COPIES = 5
"""Deliveries of a message that always fails."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with azurite(tmp_path_factory.mktemp("azurite")) as running:
        yield running


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_in(tmp_path_factory.mktemp("azure-stores"), SOURCE) as live:
        yield live


def test_messages_that_were_taken_are_gone_and_poison_is_in_its_queue(store: Azurite, live: Live) -> None:
    queue = Queue(store.queues, "orders")
    listener = Listener(store.queues, queue, live.url("order"))
    for text in ("first", "poison", "größe"):
        queue.send(text.encode())
    queue.put("no base64!")
    assert listener.run() == 2 + COPIES
    got = live.taken()
    assert [one["data"] for one in got if one["data"] != "poison"] == ["first", "größe"]
    poison = [one for one in got if one["data"] == "poison"]
    assert [one["attempt"] for one in poison] == [1, 2, 3, 4, 5]
    assert len({one["id"] for one in poison}) == 1
    assert sorted(listener.poison.peek()) == sorted([base64.b64encode(b"poison").decode(), "no base64!"])
    assert queue.count() == 0


def test_a_file_in_a_container_is_told_of_as_the_store_has_it(store: Azurite, live: Live) -> None:
    store.blobs.ask("PUT", "invoices", {"restype": "container"})
    put = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/pdf"}
    store.blobs.ask("PUT", "invoices/in/a.pdf", body=b"12345", own=put)
    [stored] = _listed(store)
    assert invoke(live.url("stored"), _notified(stored))
    [got] = live.taken()
    assert got["data"] == {
        "container": "invoices",
        "name": "in/a.pdf",
        "size": 5,
        "etag": stored["Etag"].strip('"'),
        "content_type": "application/pdf",
        "version": None,
    }


def _listed(store: Azurite) -> list[dict[str, str]]:
    listed = store.blobs.ask("GET", "invoices", {"comp": "list", "restype": "container"})
    return [
        {each.tag: each.text or "" for each in blob.iter()} for blob in ElementTree.fromstring(listed.body).iter("Blob")
    ]


def _notified(stored: dict[str, str]) -> dict[str, Any]:
    """What Event Grid, which azurite has not, would tell of it: https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage"""
    event = {
        "topic": "/subscriptions/local/resourceGroups/local/providers/Microsoft.Storage/storageAccounts/local",
        "subject": f"/blobServices/default/containers/invoices/blobs/{stored['Name']}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": parsedate_to_datetime(stored["Last-Modified"]).isoformat(),
        "id": "831e1650-001e-001b-66ab-eeb76e069631",
        "data": {
            "api": "PutBlob",
            "eTag": stored["Etag"],
            "contentType": stored["Content-Type"],
            "contentLength": int(stored["Content-Length"]),
            "blobType": stored["BlobType"],
            "url": f"https://local.blob.core.windows.net/invoices/{stored['Name']}",
        },
        "dataVersion": "",
        "metadataVersion": "1",
    }
    return {"inputData": [{"name": "event", "data": {"json": json.dumps(event)}}], "triggerMetadata": {}}
