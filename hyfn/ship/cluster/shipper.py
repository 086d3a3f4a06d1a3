"""What every shipper to a cluster does: objects of several kinds are observed, put and removed as resources.

Each change is made only if the object still is what the plan was made from: it is read, compared, and applied on the
condition of its resourceVersion. A Secret holds the wiring of what is wired; it is named for its content, so that what
runs keeps its own until something else runs.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hyfn.errors import Changed, ShipError
from hyfn.model import Target
from hyfn.resource import Json, Key, Live, Order, Resource, Stage, Wanted, digest
from hyfn.ship.cluster import access, form
from hyfn.ship.cluster.client import Client, Kind, Refused, until

SECRET = Kind("v1", "Secret", "secrets")
FILE = "wiring.json"
VERSION = "hyfn-version"
"""The label of a version's pods."""
DIGITS = 12
RACES = 8
"""Attempts at a change while others report on the same object."""
READY_SECONDS = 600.0
"""A Deployment's own progressDeadlineSeconds, and what Knative gives a revision to start."""
TROUBLE_SECONDS = 30.0
"""For which something may stand as failed before it counts as failed: controllers try again by themselves."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether the cluster has done what an object asks for, and its word for why it cannot."""

    is_done: bool
    trouble: str = ""


class ClusterShipper(ABC):
    """See hyfn.cloud.Shipper. `kinds` are those of plain objects, by the kind of their keys."""

    kinds: Mapping[str, Kind]

    def __init__(
        self,
        cloud: str,
        ready_seconds: float = READY_SECONDS,
        trouble_seconds: float = TROUBLE_SECONDS,
        pause: float = 0.2,
    ) -> None:
        """`pause` is the first between two looks, in seconds."""
        self.cloud = cloud
        self.ready_seconds = ready_seconds
        self.trouble_seconds = trouble_seconds
        self.pause = pause
        self._clients: dict[str, Client] = {}
        self._lock = threading.Lock()

    @abstractmethod
    def resources(self, wanted: Wanted) -> Sequence[Resource]:
        """See hyfn.cloud.Shipper."""

    def close(self) -> None:
        """End its connections. Safe to repeat, and to use it afterwards."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def scope(self, target: Target) -> str:
        """The namespace, with its context where one is named. Raises ConfigError where nobody says which."""
        context = str(target.options.get("context") or "")
        namespace = str(target.options.get("namespace") or "") or access.namespace(context)
        return f"{context}/{namespace}" if context else namespace

    def client(self, scope: str) -> Client:
        with self._lock:
            if scope not in self._clients:
                context, _, namespace = scope.rpartition("/")
                self._clients[scope] = Client(access.access(context), namespace, self.pause)
            return self._clients[scope]

    def judged(self, key: Key, found: Json) -> Judged:  # noqa: ARG002
        """How it does."""
        return Judged(True)

    def outputs(self, key: Key, found: Json) -> dict[str, str]:  # noqa: ARG002
        return {}

    def wired(self, order: Order, stated: dict[str, Any], secret: str) -> dict[str, Any]:  # noqa: ARG002
        """The object of a wired resource, with the Secret of that name in its pods."""
        return stated

    def first(self, order: Order, stated: dict[str, Any], found: Json | None) -> dict[str, Any]:  # noqa: ARG002
        """What the object needs beside its body: `found` is what is there."""
        return stated

    def views(self, client: Client, scope: str, stage: Stage, keys: Collection[Key]) -> Iterable[Live]:  # noqa: ARG002
        """What is no object by itself."""
        return ()

    def observe(self, stage: Stage, keys: Collection[Key]) -> list[Live]:
        found = []
        for scope in sorted({key.scope for key in keys if key.cloud == self.cloud}):
            client, own = self.client(scope), [key for key in keys if (key.cloud, key.scope) == (self.cloud, scope)]
            found += list(self._plain(client, scope, stage, own))
            found += list(self.views(client, scope, stage, own))
        return found

    def _plain(self, client: Client, scope: str, stage: Stage, keys: Collection[Key]) -> Iterator[Live]:
        secrets = listed(client, SECRET, stage, True)
        for word, kind in self.kinds.items():
            named = {key.name for key in keys if key.kind == word}
            there = {each["metadata"]["name"]: each for each in listed(client, kind, stage, bool(named))}
            for name in sorted(named - there.keys()):
                if (found := client.read(kind, name)) is not None:
                    there[name] = found
            for name, each in there.items():
                yield self.with_secret(self._live(Key(self.cloud, scope, word, name), each, stage), secrets)
            owning = (owner(each).partition(" ") for each in secrets)
            for name in sorted({name for owned, _, name in owning if owned == word and name not in there}):
                yield Live(Key(self.cloud, scope, word, name), {}, {}, "", True, "only its Secret is there")

    def with_secret(self, live: Live, secrets: Sequence[Json]) -> Live:
        """What is wired, with what is wrong with its Secret."""
        if "edges" not in live.body:
            return live
        own = [each for each in secrets if owner(each) == f"{live.key.kind} {live.key.name}"]
        is_whole = own and all(_content(each) == each["metadata"]["annotations"].get(form.APPLIED) for each in own)
        said = "" if is_whole else "its Secret was changed" if own else "its Secret is gone"
        return replace(live, trouble=live.trouble or said)

    def _live(self, key: Key, found: Json, stage: Stage) -> Live:
        body = form.observed(found)
        trouble = "it is being deleted" if is_going(found) else self.judged(key, found).trouble
        is_ours = form.is_ours(found, stage) and form.applied(found) is not None
        return Live(key, body, self.outputs(key, found), form.etag(found, body), is_ours, trouble)

    def put(self, order: Order) -> Live:
        key = order.resource.key
        return self.put_plain(order, self.client(key.scope), self.kinds[key.kind])

    def put_plain(self, order: Order, client: Client, kind: Kind) -> Live:
        """Create or change one object, with its Secret where it is wired."""
        key, name = order.resource.key, order.resource.key.name
        stated = form.stated(order.body, order.stage)
        secret = ""
        if order.wiring is not None:
            secret = f"{name}-{digest([key.kind, name, order.body])[:DIGITS]}"
            self.allowed(order, client.read(kind, name))
            self.keep(client, order, secret)
            stated = self.wired(order, stated, secret)

        def once() -> dict[str, Any]:
            there = self.gone_or_kept(client, kind, name)
            self.allowed(order, there)
            wanted = on_condition(self.first(order, stated, there), there)
            return client.apply(kind, name, wanted, form.MANAGER, force=there is not None)

        racing(once)
        live = self.ready(client, kind, key, order.stage)
        if secret:
            self.drop_secrets(client, key, but=secret)
        return live

    def allowed(self, order: Order, there: Json | None) -> None:
        """Raise unless what is there may be changed: ShipError for somebody else's, Changed where it was changed."""
        what = f"{order.resource.key.kind} {order.resource.key.name}"
        if there is None:
            if order.live is not None and not order.live.trouble:
                raise Changed(f"{what} is gone meanwhile", hint="run it again")
            return
        if not form.is_ours(there, order.stage):
            said = f"{what} is there already, and is not of this app and stage"
            raise ShipError(said, hint="remove it, or give the function another name=")
        if order.live is not None and form.etag(there, form.observed(there)) != order.live.etag:
            raise Changed(f"{what} was changed meanwhile", hint="run it again to see by whom and what")

    def ready(self, client: Client, kind: Kind, key: Key, stage: Stage, name: str = "") -> Live:
        """Wait until it is: `name` is the object's where the key has another. Raises ShipError with the cluster's own
        words if it does not get there."""
        said = f"{key.kind} {name or key.name}"
        trouble, since = "", time.monotonic()

        def look() -> Live | None:
            nonlocal trouble, since
            found = client.read(kind, name or key.name)
            if found is None:
                raise Changed(f"{said} is gone again", hint="run it again")
            judged = self.judged(key, found)
            if judged.trouble != trouble:
                trouble, since = judged.trouble, time.monotonic()
            if trouble and time.monotonic() - since >= self.trouble_seconds:
                raise ShipError(f"{said} is not ready: {trouble}", hint="what was live before still is")
            return self._live(key, found, stage) if judged.is_done else None

        why = f"{said} is not ready after {self.ready_seconds:.0f} s"
        ready: Live = until(look, self.ready_seconds, lambda: f"{why}: {trouble}" if trouble else why, self.pause)
        return ready

    def gone_or_kept(self, client: Client, kind: Kind, name: str) -> dict[str, Any] | None:
        """What is there, once a deletion that is under way has come to its end."""
        found = client.read(kind, name)
        if found is None or not is_going(found):
            return found
        self.wait_gone(client, kind, name, found)
        return client.read(kind, name)

    def wait_gone(self, client: Client, kind: Kind, name: str, found: Json) -> None:
        uid = found["metadata"].get("uid")

        def look() -> bool:
            now = client.read(kind, name)
            return now is None or now["metadata"].get("uid") != uid

        until(look, self.ready_seconds, lambda: f"{kind.name} {name} does not go: its finalizers stay", self.pause)

    def remove(self, live: Live) -> None:
        key = live.key
        client, kind = self.client(key.scope), self.kinds[key.kind]
        found = client.read(kind, key.name)
        if found is not None:
            if form.etag(found, "").split()[:1] != live.etag.split()[:1]:
                raise Changed(f"{key.kind} {key.name} is another one by now", hint="run it again")
            self.delete(client, kind, key.name, found)
        self.drop_secrets(client, key)

    def delete(self, client: Client, kind: Kind, name: str, found: Json) -> None:
        """And wait until it is gone."""
        uid = found["metadata"]["uid"]

        def once() -> None:
            now = client.read(kind, name)
            if now is not None and now["metadata"]["uid"] == uid and not is_going(now):
                client.delete(kind, name, uid)

        racing(once)
        self.wait_gone(client, kind, name, found)

    def keep(self, client: Client, order: Order, name: str) -> None:
        """The Secret with the order's wiring."""
        key = order.resource.key
        content = {FILE: json.dumps(order.wiring)}
        labels = {**form.tags(order.stage), form.OWNER: _owner_label(key)}
        notes = {form.OWNER: f"{key.kind} {key.name}", form.APPLIED: digest(content)}
        data = {file: base64.b64encode(text.encode()).decode() for file, text in content.items()}
        wanted = {"metadata": {"labels": labels, "annotations": notes}, "type": "Opaque", "data": data}

        def once() -> None:
            there = self.gone_or_kept(client, SECRET, name)
            if there is not None and not form.is_ours(there, order.stage):
                said = f"Secret {name} is there already, and is not of this app and stage"
                raise ShipError(said, hint="remove it")
            client.apply(SECRET, name, on_condition(wanted, there), form.MANAGER, force=there is not None)

        racing(once)

    def drop_secrets(self, client: Client, key: Key, but: str = "") -> None:
        """Those of the thing that nothing uses any more."""
        for each in client.listed(SECRET, {form.OWNER: _owner_label(key)}):
            if each["metadata"]["name"] != but:
                self.delete(client, SECRET, each["metadata"]["name"], each)


def _owner_label(key: Key) -> str:
    return digest([key.kind, key.name])[:32]


def _content(secret: Json) -> str:
    """A digest of what is in it, which tells no key."""
    data = {
        file: base64.b64decode(text).decode("utf-8", "replace") for file, text in (secret.get("data") or {}).items()
    }
    return digest(data)


def owner(found: Json) -> str:
    """The thing that an object belongs to: its kind and name."""
    return str((found["metadata"].get("annotations") or {}).get(form.OWNER, ""))


def is_going(found: Json) -> bool:
    return bool(found["metadata"].get("deletionTimestamp"))


def listed(client: Client, kind: Kind, stage: Stage, is_needed: bool) -> list[dict[str, Any]]:
    """The stage's objects of a kind. A kind that the cluster does not have, or does not show, and of which nothing is
    asked for has none."""
    try:
        return client.listed(kind, form.tags(stage))
    except Refused as refused:
        if refused.status == 404 and is_needed:
            return []
        if is_needed or refused.status not in (403, 404):
            raise
        return []


def on_condition(wanted: Json, there: Json | None) -> dict[str, Any]:
    """Only if nothing happened to it since it was read."""
    if there is None:
        return dict(wanted)
    condition = {"resourceVersion": there["metadata"]["resourceVersion"], "uid": there["metadata"]["uid"]}
    return {**wanted, "metadata": {**wanted.get("metadata", {}), **condition}}


def racing(change: Callable[[], Any]) -> Any:
    """`change` reads, compares and writes: again, while others write to the object in between. Raises Changed."""
    for left in reversed(range(RACES)):
        try:
            return change()
        except Refused as refused:
            if refused.status != 409:
                raise
            if not left:
                raise Changed(refused.message, hint="somebody changes it all the time") from refused
    raise AssertionError("unreachable")


def condition(found: Json, type_: str) -> tuple[str, str]:
    """A condition's status and the words to it."""
    for each in (found.get("status") or {}).get("conditions") or []:
        if each.get("type") == type_:
            words = " ".join(str(each.get("message") or "").split())
            return str(each.get("status")), f"{each.get('reason') or ''} {words}".strip()
    return "", ""


def is_seen(found: Json) -> bool:
    """Whether what is reported is of the object as it is now."""
    generation = found["metadata"].get("generation", 0)
    return bool((found.get("status") or {}).get("observedGeneration", -1) >= generation)
