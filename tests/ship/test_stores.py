"""Records in object stores, by obstore: Azure's own emulator (azurite), moto's S3, and stores that are not honest."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree

import pytest

from hyfn.errors import ConfigError, Locked, ShipError
from hyfn.resource import Key, Phase
from hyfn.ship import ledger as ledgers
from hyfn.ship import stores
from hyfn.ship.ledger import Ledger
from hyfn.ship.state import Record
from hyfn.ship.stores import Conflict, FileStore, ObjectStore, Store
from tests.fakes.aws_sources import aws
from tests.fakes.azure_sources import ACCOUNT, KEY, azurite

RECORD = Record(Phase.CODE, "app:f@small", [], {"n": 1})


class Bucket(BaseHTTPRequestHandler):
    """S3's objects over HTTP, as far as a record needs them. A bucket named "careless" does what S3's
    older imitations do: it takes no notice of conditions."""

    objects: ClassVar[dict[str, bytes]] = {}
    lock: ClassVar[threading.Lock] = threading.Lock()

    def do_GET(self) -> None:
        with self.lock:
            content = self.objects.get(self.path.partition("?")[0])
        self._say(404 if content is None else 200, content or b"")

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        path = self.path.partition("?")[0]
        with self.lock:
            there = self.objects.get(path)
            if "careless" not in path and self._is_refused(there):
                self._say(412, b"")
                return
            self.objects[path] = content
        self._say(200, b"", _tag(content))

    def do_POST(self) -> None:
        """DeleteObjects."""
        bucket = self.path.partition("?")[0]
        asked = ElementTree.fromstring(self.rfile.read(int(self.headers["Content-Length"])))
        keys = [each.text or "" for each in asked.iter() if each.tag.endswith("Key")]
        with self.lock:
            for key in keys:
                self.objects.pop(f"{bucket}/{key}", None)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self._say(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    def _is_refused(self, there: bytes | None) -> bool:
        if self.headers.get("If-None-Match") == "*":
            return there is not None
        wanted = self.headers.get("If-Match")
        return wanted is not None and (there is None or wanted != _tag(there))

    def _say(self, status: int, body: bytes, tag: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Mon, 23 Nov 2026 00:00:00 GMT")
        self.send_header("ETag", tag or _tag(body))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


@pytest.fixture(scope="module")
def bucket() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def s3(port: int, name: str) -> ObjectStore:
    return ObjectStore(
        f"s3://{name}/shop",
        endpoint=f"http://127.0.0.1:{port}",
        region="eu-west-1",
        access_key_id="hyfn",
        secret_access_key="hyfn",
        client_options={"allow_http": True},
    )


@pytest.fixture(scope="module", params=["moto", "azurite", "file"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "file":
        yield FileStore(folder)
    elif request.param == "moto":
        with aws(folder) as running:
            where = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
            running.ask("s3", "create_bucket", Bucket="records", **where)
            yield s3(int(running.url.rpartition(":")[2]), "records")
    else:
        with azurite(folder) as azure:
            azure.blobs.ask("PUT", "records", {"restype": "container"})
            options = {"account_name": ACCOUNT, "account_key": KEY, "endpoint": f"{azure.blobs.origin}/{ACCOUNT}"}
            yield ObjectStore("az://records/shop", **options, client_options={"allow_http": True})


@pytest.mark.runtime
def test_a_store_writes_only_over_what_was_read(store: Store) -> None:
    assert store.read("a.json") is None
    first = store.write("a.json", b"1", None)
    second = store.write("a.json", b"2", first)
    for mark in (None, first):
        with pytest.raises(Conflict):
            store.write("a.json", b"3", mark)
    assert store.read("a.json") == (b"2", second)
    store.remove("a.json")
    store.remove("a.json")
    assert store.read("a.json") is None


@pytest.mark.runtime
def test_it_passes_the_probe_that_leaves_nothing(store: Store) -> None:
    stores.probe(store)


@pytest.mark.runtime
def test_a_ledger_is_kept_in_it(store: Store) -> None:
    key = Key("small", "here", "function", "f")
    with Ledger(store, "shop", "prod", lambda _: None, 0.5) as held:
        held.intend({key: RECORD})
        held.done(key, RECORD)
        with pytest.raises(Locked), Ledger(store, "shop", "prod", lambda _: None, 0.5, patience=0.5):
            raise AssertionError
    state = ledgers.read(store, "shop", "prod")
    assert (state.records, state.lease) == ({key: RECORD}, None)


def test_a_store_that_ignores_conditions_is_not_trusted(bucket: int) -> None:
    stores.probe(s3(bucket, "honest"))
    with pytest.raises(ShipError, match="writes whatever the condition"):
        stores.probe(s3(bucket, "careless"))
    assert not Bucket.objects, "nothing is left of either"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://host/x", "state = 'ftp://host/x' is no place that hyfn knows"),
        ("s3://", "state = 's3://' is no place that hyfn knows"),
    ],
)
def test_another_place_is_refused(url: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        stores.store(url, tmp_path)


def test_a_folder_is_relative_to_the_project(tmp_path: Path) -> None:
    stores.store("records", tmp_path).write("a", b"1", None)
    assert (tmp_path / "records" / "a").read_bytes() == b"1"


def test_what_cannot_be_reached_is_told_in_one_line(unused: int) -> None:
    store = ObjectStore(
        "s3://records/shop",
        endpoint=f"http://127.0.0.1:{unused}",
        region="eu-west-1",
        access_key_id="hyfn",
        secret_access_key="hyfn-secret",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    with pytest.raises(ShipError, match=r"s3://records/shop/a cannot be read: ") as raised:
        store.read("a")
    assert "\n" not in str(raised.value)
    assert "hyfn-secret" not in str(raised.value)


@pytest.fixture
def unused() -> int:
    """A port where nobody listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        return server.server_port
