"""An application whose functions wait for all that a platform can wake them by, and write down what they got."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hyfn import clouds, on, project
from hyfn.cloud import Packer
from hyfn.dev.application import Application
from hyfn.model import Offer, Place, Target

HEAD = """
from __future__ import annotations

import json
import os
from dataclasses import dataclass

from hyfn import Blob, Event, {platform}, on


@dataclass
class Order:
    id: str
    n: int


def write(event: Event) -> None:
    data = event.data
    if hasattr(data, "n") and data.n == 13:
        raise ValueError("poison")
    plain = data if data is None else {{name: getattr(data, name) for name in getattr(data, "__slots__", ("id", "n"))}}
    said = {{name: getattr(event, name) for name in ("type", "source", "id", "subject", "extensions")}}
    said |= {{"time": event.time and event.time.isoformat(), "data": plain}}
    with open(os.environ["RECORD"], "a") as file:
        file.write(json.dumps(said) + "\\n")
"""
FUNCTION = """

@{platform}(env={{"RECORD": {record!r}}}{more})
@on.{kind}({options})
def {name}(event: Event[{data}]) -> None:
    write(event)
"""
FIRST = {
    "schedule": ["every 5 minutes"],
    "blob": ["invoices", 'prefix="in/"', 'suffix=".json"'],
    "queue": ["orders", "batch=5"],
    "topic": ["news"],
    "stream": ["clicks"],
    "event": ["com.acme.order"],
}
CONNECTION = {"queue": 'connection="hyfn"', "stream": 'connection="hyfn:9092"'}
DATA = {"schedule": "None", "blob": "Blob"}
WHOLE = {("alibaba", "queue")}
"""Which platforms have batches of a kind but no way to say which of their items failed: all of it comes again."""


def offers(platform: str) -> dict[str, Offer]:
    """What wakes functions there, plain HTTP apart."""
    target = Target(clouds.platforms()[platform].cloud, platform, {}, Place("app.py", 1))
    packer: Packer = clouds.get(target.cloud, "pack").packer
    given = packer.offers(target) if hasattr(packer, "offers") else {}
    return {kind: offer for kind, offer in given.items() if kind != "http"}


def write(folder: Path, platform: str, kinds: Sequence[str] = (), more: str = "") -> Path:
    """The application in `folder`, a function `on_KIND` for each kind that the platform has. What comes, goes line by
    line to the file `record` there. `more` are further options of the platform."""
    given = offers(platform)
    parts = [HEAD.format(platform=platform)]
    for kind in kinds or [kind for kind in on.KINDS if kind in given]:
        first, *others = FIRST[kind]
        options = [repr(first), *(each for each in others if each.partition("=")[0] in given[kind].options)]
        options += [CONNECTION[kind]] if kind in CONNECTION and "connection" in given[kind].options else []
        parts.append(
            FUNCTION.format(
                platform=platform,
                record=str(folder / "record"),
                more=f", {more}" if more else "",
                kind=kind,
                options=", ".join(options),
                name=f"on_{kind}",
                data=DATA.get(kind, "Order"),
            )
        )
    (folder / "app.py").write_text("".join(parts).lstrip())
    (folder / "pyproject.toml").write_text('[project]\nname = "waking"\nversion = "1"\ndependencies = ["hyfn"]\n')
    return folder


def recorded(folder: Path) -> list[dict[str, Any]]:
    """What functions got since this was asked before, in the order of its coming."""
    record = folder / "record"
    if not record.exists():
        return []
    lines = record.read_text().splitlines()
    record.unlink()
    return [json.loads(line) for line in lines]


@dataclass(frozen=True)
class Reply:
    """An answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Up:
    """Such an application, each function in its platform's runtime."""

    platform: str
    folder: Path
    application: Application

    def post(self, kind: str, headers: Mapping[str, str], body: bytes | str, door: str = "events") -> Reply:
        """A request to the function `on_KIND`, where its platform's events come in, or its calls."""
        running = self.application.running[f"app:on_{kind}@{self.platform}"]
        endpoint = running.events if door == "events" else running.endpoint
        assert endpoint is not None
        url = urlsplit(endpoint.url)
        connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)
        try:
            connection.request("POST", url.path, body.encode() if isinstance(body, str) else body, dict(headers))
            response = connection.getresponse()
            return Reply(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        finally:
            connection.close()

    def recorded(self) -> list[dict[str, Any]]:
        return recorded(self.folder)


@contextmanager
def up(folder: Path, platform: str, more: str = "") -> Iterator[Up]:
    with Application(project.read(write(folder, platform, more=more)), lambda text: None) as application:
        yield Up(platform, folder, application)
