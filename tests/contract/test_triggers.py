"""Every kind of trigger that a platform has: its native notification, in its runtime here, is the same hyfn.Event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hyfn import clouds, on, project
from hyfn.dev.application import Application
from hyfn.dev.occurring import Occurred, Said, occurred
from hyfn.errors import ProjectError
from tests import waking

WOKEN = sorted(name for name in clouds.platforms() if waking.offers(name))
KINDS = [kind for kind in on.KINDS if kind != "http"]
RESOURCES = {"schedule": "", "blob": "invoices/in/a b+ü.json", "event": "com.acme.order"}
TYPES = {
    "schedule": "dev.hyfn.schedule.tick",
    "blob": "dev.hyfn.blob.created",
    "queue": "dev.hyfn.queue.message",
    "topic": "dev.hyfn.topic.message",
    "stream": "dev.hyfn.stream.record",
    "event": "com.acme.order",
}
SOURCES = {"schedule": "/schedule", "blob": "/blob/invoices", "event": "/shop"}
ORDER = '{"id": "a", "n": 1}'


@dataclass(frozen=True)
class Woken:
    """An application in a platform's runtime, and the folder where it writes down what it gets."""

    platform: str
    folder: Path
    application: Application

    def emit(self, what: Occurred) -> list[dict[str, Any]]:
        waking.recorded(self.folder)
        return self.application.emit(what)

    @property
    def got(self) -> list[dict[str, Any]]:
        return waking.recorded(self.folder)


@contextmanager
def woken(platform: str, folder: Path) -> Iterator[Woken]:
    with Application(project.read(waking.write(folder, platform)), lambda text: None) as application:
        yield Woken(platform, folder, application)


@pytest.fixture(scope="module", params=WOKEN)
def up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Woken]:
    platform: str = request.param
    with woken(platform, tmp_path_factory.mktemp(f"waking-{platform}")) as application:
        yield application


def happened(kind: str, *data: str, resource: str = "") -> Occurred:
    name = resource or RESOURCES.get(kind, waking.FIRST[kind][0])
    return occurred(Said(kind, name, data, source="/shop" if kind == "event" else ""))


@pytest.mark.parametrize("kind", KINDS)
def test_what_happened_is_the_same_event_everywhere(up: Woken, kind: str) -> None:
    if kind not in waking.offers(up.platform):
        pytest.skip(f"{up.platform} has no {kind}")
    what = happened(kind, *([ORDER] if kind not in ("schedule", "blob") else []))
    [emitted] = up.emit(what)
    assert (len(emitted["delivered"]), emitted["failed"]) == (1, [])
    [got] = up.got
    assert (got["type"], got["source"]) == (TYPES[kind], SOURCES.get(kind, f"/{kind}/{waking.FIRST[kind][0]}"))
    assert got["data"] == _data(kind, got)
    assert kind != "blob" or got["subject"] == "in/a b+ü.json"
    assert got["id"]


def _data(kind: str, got: Mapping[str, Any]) -> object:
    if kind == "blob":
        return {**got["data"], "container": "invoices", "name": "in/a b+ü.json"}
    return None if kind == "schedule" else {"id": "a", "n": 1}


@pytest.mark.parametrize("kind", ["queue", "topic", "stream", "event"])
def test_one_poisoned_item_is_told_and_no_other_is_lost(up: Woken, kind: str) -> None:
    if kind not in waking.offers(up.platform):
        pytest.skip(f"{up.platform} has no {kind}")
    what = happened(kind, '{"id": "a", "n": 1}', '{"id": "b", "n": 13}')
    [emitted] = up.emit(what)
    poisoned = what.events[1]["id"]
    assert poisoned in emitted["failed"]
    assert what.events[0]["id"] not in emitted["failed"] or kind == "stream" or (up.platform, kind) in waking.WHOLE
    assert {"id": "a", "n": 1} in [got["data"] for got in up.got]


@pytest.mark.parametrize("kind", ["queue", "topic", "stream", "event"])
def test_data_that_does_not_fit_is_refused_and_the_next_is_taken(up: Woken, kind: str) -> None:
    if kind not in waking.offers(up.platform):
        pytest.skip(f"{up.platform} has no {kind}")
    what = happened(kind, '{"id": "a"}')
    [emitted] = up.emit(what)
    assert emitted["failed"] == [what.events[0]["id"]]
    [emitted] = up.emit(happened(kind, ORDER))
    assert emitted["failed"] == []
    assert len(up.got) == 1


@pytest.mark.parametrize("platform", sorted(clouds.platforms()))
@pytest.mark.parametrize("kind", KINDS)
def test_a_trigger_that_the_platform_has_not_is_refused(platform: str, kind: str, tmp_path: Path) -> None:
    if kind in waking.offers(platform):
        pytest.skip(f"{platform} has {kind}")
    first = waking.FIRST[kind][0]
    text = f"from hyfn import {platform}, on\n\n\n@{platform}\n@on.{kind}({first!r})\ndef f() -> None: ...\n"
    (tmp_path / "app.py").write_text(text)
    problems = [str(problem) for problem in project.check(project.read(tmp_path))]
    [said] = [problem for problem in problems if "which @" in problem]
    assert said.startswith(f"app.py:5: f has @on.{kind}, which @{platform} has not (")
    with pytest.raises(ProjectError, match="has not"):
        project.build(project.read(tmp_path), tmp_path / "out", lambda text: None)
