"""An application on Azure whose functions keep what they got, and what it takes to tell them of events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hyfn import project
from hyfn.call import transport
from hyfn.cloud import Running
from hyfn.clouds.azure import bindings
from hyfn.dev.application import Application
from hyfn.model import FunctionSpec, Trigger
from hyfn.wire.carrier import Request, Response
from tests.commands import written

KEEP = """
import json
import os
from typing import Any

NAMES = ("type", "source", "id", "subject", "datacontenttype")


def keep(event: Event[Any]) -> None:
    data = {name: getattr(event.data, name) for name in Blob.__slots__} if isinstance(event.data, Blob) else event.data
    said = {name: getattr(event, name) for name in NAMES if getattr(event, name)}
    time = event.time.isoformat() if event.time else None
    with open(os.environ["GOT"], "a") as file:
        file.write(json.dumps({**said, **event.extensions, "time": time, "data": data, "pid": os.getpid()}) + "\\n")
    if event.data == "poison":
        raise LookupError("it is poison")
"""
"""`keep(event)` of a function's module."""
PYPROJECT = '[project]\nname = "shop"\n'


@dataclass(frozen=True)
class Live:
    """The application in Microsoft's runtime; `got` is the file in which its functions keep what they got."""

    application: Application
    running: Running
    got: Path

    def function(self, name: str) -> FunctionSpec:
        return next(function for function in self.application.project.functions if function.qualname == name)

    def trigger(self, name: str) -> Trigger:
        return self.function(name).triggers[0]

    def url(self, name: str) -> str:
        """Where our functions host takes invocations of what Azure runs for this function's trigger."""
        assert self.running.events is not None
        trigger = self.trigger(name)
        return self.running.events.url + bindings.name(self.running.events.function, trigger.kind, trigger.options)

    def tell(self, name: str, told: Mapping[str, Any]) -> Response:
        return post(self.url(name), json.dumps(told).encode())

    def taken(self) -> list[dict[str, Any]]:
        """What functions got since this was last asked."""
        lines = self.got.read_text().splitlines() if self.got.exists() else []
        self.got.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]


def post(url: str, body: bytes) -> Response:
    return transport.default().send(Request("POST", url, {"Content-Type": "application/json"}, body), 30)


@contextmanager
def live_in(folder: Path, source: str, more: str = "") -> Iterator[Live]:
    """`more` is added to its pyproject.toml."""
    written(folder, {"shop_of_events.py": source.replace("{KEEP}", KEEP), "pyproject.toml": PYPROJECT + more})
    got = folder / "got.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOT", str(got))
        with Application(project.read(folder), lambda text: None) as application:
            [running] = application.running.values()
            yield Live(application, running, got)
