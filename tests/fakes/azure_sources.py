"""What brings events to a functions host on Azure: a real queue and blob store (azurite), and a listener of its queues.

The listener does what Azure's does (QueueListener and QueueProcessor of Azure/azure-sdk-for-net's
Microsoft.Azure.WebJobs.Extensions.Storage.Queues): it takes a message for a while, invokes the function, deletes the
message when that succeeded, gives it back when it failed, and after as many deliveries as `maxDequeueCount` moves it to
the queue of poison. What is not base64 is poison at once, since `messageEncoding` is base64 unless host.json says so.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import pytest

from hyfn.call import transport
from hyfn.toolchain import cache
from hyfn.toolchain.processes import Process, clean_env, free_port, wait_until
from hyfn.wire.carrier import Request

AZURITE = "3.34.0"
"""The last that runs on Node 20."""
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's own account, which everybody knows (https://learn.microsoft.com/azure/storage/common/storage-use-azurite)."""
VERSION = "2021-10-04"
MAX_DEQUEUE = 5
BATCH = 16
VISIBILITY = 30


XML = {"Content-Type": "application/xml"}


@dataclass(frozen=True)
class Answered:
    """Names of headers are lower case."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Store:
    """One service of the account, over REST (https://learn.microsoft.com/rest/api/storageservices)."""

    origin: str

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = {},
        body: bytes = b"",
        own: Mapping[str, str] = {},
    ) -> Answered:
        """What a 2xx said; anything else is a failure of the test. `own` are headers."""
        resource = f"/{ACCOUNT}/{path}"
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION}
        headers |= own
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{_signature(method, resource, query, headers, len(body))}"
        target = resource + ("?" + "&".join(f"{name}={quote(value)}" for name, value in query.items()) if query else "")
        with closing(http.client.HTTPConnection(urlsplit(self.origin).netloc, timeout=30)) as connection:
            connection.request(method, target, body, {**headers, "Content-Length": str(len(body))})
            response = connection.getresponse()
            answer = response.read()
        assert response.status // 100 == 2, (response.status, answer)
        return Answered(answer, {name.lower(): value for name, value in response.getheaders()})


def _signature(method: str, resource: str, query: Mapping[str, str], headers: Mapping[str, str], length: int) -> str:
    """https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key"""
    own = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-ms-"))
    asked = "".join(f"\n{name.lower()}:{query[name]}" for name in sorted(query))
    lines = [method, "", "", str(length or ""), "", headers.get("Content-Type", ""), *[""] * 6]
    signed = "\n".join(lines) + f"\n{own}/{ACCOUNT}{resource}{asked}"
    return base64.b64encode(hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()).decode()


@dataclass(frozen=True)
class Azurite:
    queues: Store
    blobs: Store


@contextmanager
def azurite(folder: Path) -> Iterator[Azurite]:
    """Microsoft's own emulator of its storage, installed by npm into the user's cache when it is first used."""
    ports = {service: free_port() for service in ("blob", "queue")}
    options = [f"--{service}Port={port}" for service, port in ports.items()]
    script = _installed() / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
    argv = [
        "node",
        str(script),
        "--inMemoryPersistence",
        "--silent",
        "--disableTelemetry",
        f"--tablePort={free_port()}",
    ]
    process = Process.start([*argv, *options], env=clean_env({}), cwd=folder, log=folder / "azurite.log")
    try:
        wait_until(lambda: all(map(_answers, ports.values())), process, 60)
        yield Azurite(*(Store(f"http://127.0.0.1:{ports[service]}") for service in ("queue", "blob")))
    finally:
        process.stop()


def _installed() -> Path:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("azurite needs npm and Node")

    def make(into: Path) -> None:
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        done = subprocess.run(
            [npm, "install", "--prefix", str(into), *options, f"azurite@{AZURITE}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"npm cannot install azurite: {done.stderr[-500:]}")

    return cache.made_once(cache.home() / "environments" / f"azurite-{AZURITE}", make)


def _answers(port: int) -> bool:
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/")
            return connection.getresponse().status > 0
    except OSError:
        return False


@dataclass(frozen=True)
class Message:
    id: str
    receipt: str
    text: str
    dequeue_count: int
    inserted: str
    expires: str
    next_visible: str


class Queue:
    """A queue of the store."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self.name = name
        store.ask("PUT", name)

    def put(self, text: str) -> None:
        """`text` as it is to stand in the queue."""
        self._store.ask("POST", f"{self.name}/messages", body=_message(text), own=XML)

    def send(self, body: bytes) -> None:
        """As Azure's clients do for a function app."""
        self.put(base64.b64encode(body).decode())

    def get(self, count: int = BATCH, seconds: int = VISIBILITY) -> list[Message]:
        query = {"numofmessages": str(count), "visibilitytimeout": str(seconds)}
        found = ElementTree.fromstring(self._store.ask("GET", f"{self.name}/messages", query).body)
        return [_read(message) for message in found.iter("QueueMessage")]

    def peek(self) -> list[str]:
        """The texts of those that could be taken now."""
        query = {"numofmessages": "32", "peekonly": "true"}
        found = ElementTree.fromstring(self._store.ask("GET", f"{self.name}/messages", query).body)
        return [message.findtext("MessageText") or "" for message in found.iter("QueueMessage")]

    def count(self) -> int:
        """With those that are hidden at the moment."""
        said = self._store.ask("GET", self.name, {"comp": "metadata"})
        return int(said.headers["x-ms-approximate-messages-count"])

    def delete(self, message: Message) -> None:
        self._store.ask("DELETE", f"{self.name}/messages/{message.id}", {"popreceipt": message.receipt})

    def give_back(self, message: Message) -> None:
        """It can be taken again at once, as `visibilityTimeout` 0 has it."""
        query = {"popreceipt": message.receipt, "visibilitytimeout": "0"}
        path = f"{self.name}/messages/{message.id}"
        self._store.ask("PUT", path, query, _message(message.text), XML)


def _message(text: str) -> bytes:
    root = ElementTree.Element("QueueMessage")
    ElementTree.SubElement(root, "MessageText").text = text
    return ElementTree.tostring(root)


def _read(message: ElementTree.Element) -> Message:
    names = (
        "MessageId",
        "PopReceipt",
        "MessageText",
        "DequeueCount",
        "InsertionTime",
        "ExpirationTime",
        "TimeNextVisible",
    )
    id, receipt, text, count, *times = (message.findtext(name) or "" for name in names)
    inserted, expires, visible = (parsedate_to_datetime(time).isoformat() for time in times)
    return Message(id, receipt, text, int(count), inserted, expires, visible)


class Listener:
    """Of one queue, for the function at `url`, where a functions host takes invocations."""

    def __init__(self, store: Store, queue: Queue, url: str) -> None:
        self._queue = queue
        self._url = url
        self.poison = Queue(store, f"{queue.name}-poison")

    def run(self, seconds: float = 60) -> int:
        """Until the queue is empty; how many invocations that took. AssertionError after so many `seconds`."""
        invocations, deadline = 0, time.monotonic() + seconds
        while self._queue.count():
            assert time.monotonic() < deadline, "the queue does not become empty"
            for message in self._queue.get():
                invocations += self._process(message)
        return invocations

    def _process(self, message: Message) -> int:
        try:
            body = base64.b64decode(message.text, validate=True)
        except binascii.Error:
            self._move(message)
            return 0
        if self._invoke(message, body):
            self._queue.delete(message)
        elif message.dequeue_count >= MAX_DEQUEUE:
            self._move(message)
        else:
            self._queue.give_back(message)
        return 1

    def _move(self, message: Message) -> None:
        self.poison.put(message.text)
        self._queue.delete(message)

    def _invoke(self, message: Message, body: bytes) -> bool:
        metadata = {
            "QueueTrigger": {"string": body.decode("utf-8", "replace")},
            "Id": {"string": message.id},
            "PopReceipt": {"string": message.receipt},
            "DequeueCount": {"json": str(message.dequeue_count)},
            "InsertionTime": {"json": json.dumps(message.inserted)},
            "ExpirationTime": {"json": json.dumps(message.expires)},
            "NextVisibleTime": {"json": json.dumps(message.next_visible)},
        }
        data = {"bytes": base64.b64encode(body).decode()}
        return invoke(self._url, {"inputData": [{"name": "event", "data": data}], "triggerMetadata": metadata})


def invoke(url: str, told: object) -> bool:
    """Whether the invocation succeeded."""
    request = Request("POST", url, {"Content-Type": "application/json"}, json.dumps(told).encode())
    status = transport.default().send(request, 60).status
    assert status in (200, 500), status
    return status == 200
