"""A small platform in this process, and its shipper: strict, and able to fail at any call as real ones do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from hyfn.errors import Changed, ShipError
from hyfn.resource import Json, Key, Live, Order, Resource, Stage, Wanted

STAGE = Stage("shop", "test")


class Platform:
    """What is there. `interrupt` is called at each boundary: before a call has an effect, and after it."""

    def __init__(self, interrupt: Callable[[str], None] = lambda _: None) -> None:
        self.things: dict[Key, dict[str, Any]] = {}
        self.tags: dict[Key, dict[str, str]] = {}
        self.calls: list[str] = []
        self.interrupt = interrupt
        self._serial = 0
        self._lock = threading.Lock()

    def call(self, verb: str, key: Key, effect: Callable[[], None]) -> None:
        said = f"{verb} {key}"
        self.interrupt(f"before {said}")
        with self._lock:
            self.calls.append(said)
            effect()
        self.interrupt(f"after {said}")

    def create(self, key: Key, body: Json, tags: Mapping[str, str]) -> None:
        if key in self.things:
            raise ShipError(f"{key} exists")
        self._store(key, body)
        self.tags[key] = dict(tags)

    def update(self, key: Key, body: Json, etag: str) -> None:
        if key not in self.things:
            raise ShipError(f"{key} does not exist")
        if self.things[key]["etag"] != etag:
            raise Changed(f"{key} was changed meanwhile")
        self._store(key, body)

    def delete(self, key: Key) -> None:
        if key not in self.things:
            raise ShipError(f"{key} does not exist")
        del self.things[key], self.tags[key]

    def _store(self, key: Key, body: Json) -> None:
        self._serial += 1
        self.things[key] = {"body": dict(body), "etag": str(self._serial)}


class Shipper:
    """See hyfn.cloud.Shipper."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def resources(self, wanted: Wanted) -> Sequence[Resource]:
        raise NotImplementedError(wanted)

    def observe(self, stage: Stage, keys: Collection[Key]) -> Iterable[Live]:
        there = list(self.platform.things)
        return [self._live(key, stage) for key in there if key in keys or self.platform.tags[key] == stage.tags]

    def put(self, order: Order) -> Live:
        key, platform = order.resource.key, self.platform
        if order.live is None:
            try:
                platform.call("create", key, lambda: platform.create(key, order.body, order.stage.tags))
            except ShipError:
                there = key in platform.things and self._live(key, order.stage)
                if not there or not there.is_ours or there.body != order.body:
                    raise
        else:
            etag = order.live.etag
            platform.call("update", key, lambda: platform.update(key, order.body, etag))
        return self._live(key, order.stage)

    def remove(self, live: Live) -> None:
        if live.key in self.platform.things:
            self.platform.call("delete", live.key, lambda: self.platform.delete(live.key))

    def _live(self, key: Key, stage: Stage) -> Live:
        thing = self.platform.things[key]
        outputs = {"url": f"https://{key.name}.test", "door": "", "number": thing["etag"]}
        return Live(key, thing["body"], outputs, thing["etag"], self.platform.tags[key] == stage.tags)
