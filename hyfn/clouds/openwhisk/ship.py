"""Shipping to Apache OpenWhisk by its REST interface, with httpx alone: what is wanted is in stack.py.

Wiring is an action's parameter with `init`, which its container gets as an environment variable when it is initialised,
and no activation shows (apache/openwhisk pull requests 4559 and 4722, containerInitializer in WhiskAction.scala).
Whoever holds the namespace's key can read it. Parameters are encrypted in OpenWhisk's database where its operator set a
key for that (pull request 4756, whisk.parameter-storage), and plain where not, which is how it is delivered.

An update has no condition that a caller could state: what is there is read again right before it. Somebody else's in
between is seen afterwards by the version, and said. Forms: core/controller/src/main/resources/apiv1swagger.json, and
Actions.scala, Triggers.scala, Rules.scala, Packages.scala and ApiUtils.scala beside it; feeds: docs/feeds.md. Not tried
on an OpenWhisk.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from hyfn.clouds.openwhisk import access, stack
from hyfn.clouds.openwhisk import live as lives
from hyfn.clouds.openwhisk.access import Access
from hyfn.clouds.openwhisk.live import BODY, DOOR, FED, FEED, NOBODY, VERSION, WIRED
from hyfn.clouds.openwhisk.stack import ACTION, COLLECTIONS, PACKAGE, RELEASE, RULE, TRIGGER
from hyfn.errors import Changed, ShipError
from hyfn.resource import Key, Live, Order, Resource, Stage, Wanted
from hyfn.ship.rest import WIRING, Refused, Rest
from hyfn.wiring import compact

PAGE = 200
"""Entities that a list gives at most (the swagger's `limit`)."""
AT_ONCE = 8
RACES = 4
FIRST_CODE = 'def main(args):\n    return {"error": "not shipped yet"}\n'
FIRST_KIND = "python:default"
"""Of an action without a release: what `wsk` itself takes for a .py."""
CONFLICT = "Concurrent modification to resource detected"
"""ErrorResponse.scala's conflictMessage: two updates at the same time, of which this one was not made."""


Json = dict[str, Any]


class OpenWhiskShipper:
    """See hyfn.cloud.Shipper. `pause` is the first between two attempts, in seconds."""

    def __init__(self, pause: float = 0.5) -> None:
        self._pause = pause
        self._clients: dict[tuple[str, str], Rest] = {}
        self._lock = threading.Lock()

    def resources(self, wanted: Wanted) -> Sequence[Resource]:
        return stack.resources(wanted)

    def observe(self, stage: Stage, keys: Collection[Key]) -> list[Live]:
        own = {key for key in keys if key.cloud == stack.CLOUD}
        lists = [(scope, kind) for scope in sorted({key.scope for key in own}) for kind in LISTED]
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hyfn-openwhisk") as pool:
            for found in pool.map(lambda place: list(self._marked(place[0], place[1], stage)), lists):
                own.update(found)
            return [live for live in pool.map(lambda key: self._live(key, stage), sorted(own)) if live is not None]

    def put(self, order: Order) -> Live:
        key = order.resource.key
        put = {ACTION: self._put_action, RELEASE: self._put_release, TRIGGER: self._put_trigger, RULE: self._put_rule}
        self._racing(order, put.get(key.kind, self._put_package))
        made = self._live(key, order.stage)
        if made is None:
            raise Changed(f"{_what(key)} is gone again", hint="run it again")
        return made

    def remove(self, live: Live) -> None:
        """A release goes with its action, and what a feed does for a trigger before the trigger."""
        key = live.key
        found = None if key.kind == RELEASE else self._read(key)
        if found is None:
            return
        now = lives.live(key, found, NOBODY, "")
        if now is None or now.etag != live.etag or not lives.is_marked(found):
            raise Changed(f"{_what(key)} is another one by now", hint="run it again")
        if key.kind == TRIGGER:
            self._unfed(key, found)
        self._again(lambda: self._client()[0].delete(_path(key)))

    def close(self) -> None:
        """End its connections. Safe to repeat, and to use it afterwards."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _client(self) -> tuple[Rest, Access]:
        own = access.access()
        with self._lock:
            if (own.host, own.key) not in self._clients:
                hidden = (own.key, own.key.partition(":")[2])
                made = Rest("OpenWhisk", own.host, own.headers, _words, hidden, self._pause)
                self._clients[own.host, own.key] = made
            return self._clients[own.host, own.key], own

    def _read(self, key: Key) -> Json | None:
        """The entity without its code."""
        client, _ = self._client()
        found: Json | None = client.read(_path(key), {"code": "false"} if COLLECTIONS[key.kind] == "actions" else None)
        return found

    def _live(self, key: Key, stage: Stage) -> Live | None:
        return lives.live(key, self._read(key), stage, self._client()[1].host)

    def _marked(self, scope: str, kind: str, stage: Stage) -> Iterator[Key]:
        """The stage's entities in a list, which has their annotations."""
        client, _ = self._client()
        path, skip = f"/api/v1/namespaces/{quote(scope, safe='')}/{COLLECTIONS[kind]}", 0
        while True:
            page = client.read(path, {"limit": str(PAGE), "skip": str(skip)}) or []
            for each in page:
                if lives.is_ours(each, stage):
                    _, _, package = str(each["namespace"]).partition("/")
                    name = f"{package}/{each['name']}" if package else each["name"]
                    yield from (Key(stack.CLOUD, scope, one, name) for one in _kinds(kind))
            if len(page) < PAGE:
                return
            skip += PAGE

    def _racing(self, order: Order, change: Callable[[Order, Json | None], None]) -> None:
        """Make the change unless it is made, or what is there is not what the plan was made from."""

        def once() -> None:
            key, found = order.resource.key, self._read(order.resource.key)
            if found is not None and not lives.is_ours(found, order.stage):
                said = f"{_what(key)} is there already, and is not of this app and stage"
                raise ShipError(said, hint="remove it, or give the function another name=")
            now = lives.live(key, found, order.stage, "")
            if now is None or now.body != order.body or now.trouble:
                _check(order, now)
                change(order, found)

        self._again(once)

    def _again(self, change: Callable[[], None]) -> None:
        for left in reversed(range(RACES)):
            try:
                return change()
            except Refused as refused:
                if refused.status != 409 or CONFLICT not in refused.words:
                    raise
                if not left:
                    raise Changed(refused.message, hint="somebody changes it all the time") from refused
        return None

    def _written(self, order: Order, found: Json | None, entity: Json, marks: Mapping[str, Any]) -> Json:
        """Create or update it, with its annotations. Raises Changed where somebody else did so at the same moment."""
        key, version = order.resource.key, lives.version_after(found)
        kept = {} if found is None else lives.marks(found)
        stated = {**kept, **order.stage.tags, **marks, VERSION: version}
        stated.pop("exec", None)  # OpenWhisk's own: which kind it is
        annotations = [{"key": name, "value": value} for name, value in stated.items()]
        params = {} if found is None else {"overwrite": "true"}
        made: Json = self._client()[0].sent("PUT", _path(key), params, {**entity, "annotations": annotations})
        if made["version"] != version:
            raise Changed(f"{_what(key)} was changed at the same moment", hint="run it again to see what is there")
        return made

    def _put_package(self, order: Order, found: Json | None) -> None:
        self._written(order, found, {"publish": order.body["publish"]}, {})

    def _put_action(self, order: Order, found: Json | None) -> None:
        """A new one answers nobody but its owner, and that it is not shipped yet."""
        first = {"exec": {"kind": FIRST_KIND, "code": FIRST_CODE}, "publish": False}
        self._written(order, found, {} if found else first, {DOOR: order.body["door"]})

    def _put_release(self, order: Order, found: Json | None) -> None:
        if found is None:
            raise Changed(f"{_what(order.resource.key)} is gone", hint="run it again")
        body = order.body
        wiring = compact(json.dumps(order.wiring))
        given = {**body["env"], WIRING: wiring}
        parameters = [{"key": name, "value": value, "init": True} for name, value in sorted(given.items())]
        marks = {**body["switches"], BODY: dict(body), WIRED: lives.fingerprint(wiring)}
        entity = {**_code(order, found), "limits": body["limits"], "parameters": parameters, "publish": False}
        made = self._written(order, found, entity, marks)
        if not all(each.get("init") for each in made.get("parameters") or []):
            said = "this OpenWhisk has no parameters that are environment variables"
            raise ShipError(said, hint="they came with apache/openwhisk pull request 4722, in December 2019")

    def _put_trigger(self, order: Order, found: Json | None) -> None:
        """The trigger, then its feed, then the mark that its feed has taken it."""
        key, body = order.resource.key, order.body
        if found is not None:
            self._unfed(key, found)
        parameters = [{"key": name, "value": value} for name, value in sorted(body["parameters"].items())]
        feed = {FEED: body["feed"]} if body["feed"] else {}
        made = self._written(order, found, {"parameters": parameters}, {BODY: dict(body), FED: "", **feed})
        if body["feed"]:
            self._feed(key, body["feed"], {**body["said"], "lifecycleEvent": "CREATE"})
            self._written(order, made, {}, {FED: lives.fed(body)})

    def _unfed(self, key: Key, found: Json) -> None:
        """Tell a trigger's feed to stop. What it does not know, or cannot do now, is no error: it leaves a trigger
        alone that is not there any more (docs of openwhisk-package-alarms and -kafka)."""
        feed = lives.marks(found).get(FEED)
        if not feed:
            return
        try:
            self._feed(key, feed, {"lifecycleEvent": "DELETE"})
        except Refused as refused:
            if refused.status not in (404, 502):
                raise

    def _feed(self, key: Key, feed: str, said: Json) -> None:
        """Invoke a feed's action, and wait for it."""
        client, own = self._client()
        space, _, name = feed.strip("/").partition("/")
        path = f"/api/v1/namespaces/{quote(space, safe='')}/actions/{quote(name)}"
        parameters = {**said, "triggerName": f"/{key.scope}/{key.name}", "authKey": own.key}
        answer = client.asked("POST", path, {"blocking": "true", "result": "true"}, parameters)
        if answer.status_code == 202:
            said_ = f"{feed} takes longer than a minute over trigger {key.name}"
            raise ShipError(said_, hint="run it again")
        if not answer.is_success:
            raise client.refusal("POST", path, answer)

    def _put_rule(self, order: Order, found: Json | None) -> None:
        """A rule is inactive where its trigger was made anew meanwhile."""
        key, body = order.resource.key, order.body
        paths = {name: f"/{key.scope}/{body[name]}" for name in ("trigger", "action")}
        made = self._written(order, found, paths, {})
        if made.get("status") != body["status"]:
            self._client()[0].sent("POST", _path(key), None, {"status": body["status"]})


shipper = OpenWhiskShipper()
LISTED = (PACKAGE, ACTION, TRIGGER, RULE)


def _kinds(kind: str) -> Sequence[str]:
    return (ACTION, RELEASE) if kind == ACTION else (kind,)


def _path(key: Key) -> str:
    return f"/api/v1/namespaces/{quote(key.scope, safe='')}/{COLLECTIONS[key.kind]}/{quote(key.name)}"


def _what(key: Key) -> str:
    return f"{key.kind} {key.name}"


def _words(document: Any) -> str:
    """Of an error, or of an action's own."""
    said = document["error"]
    return said if isinstance(said, str) else json.dumps(said)


def _check(order: Order, now: Live | None) -> None:
    """Raises Changed where it is not what the plan was made from."""
    was = order.live.etag if order.live else ""
    if was and was != (now.etag if now else ""):
        raise Changed(f"{_what(order.resource.key)} was changed meanwhile", hint="run it again to see what and by whom")


def _code(order: Order, found: Json) -> Json:
    """What it executes, unless that is there."""
    body = order.body
    now = lives.live(order.resource.key, found, order.stage, "")
    names = ("kind", "main", "code")
    if now is not None and all(now.body[name] == body[name] for name in names):
        return {}
    if order.resource.file is None:
        raise ShipError(f"{_what(order.resource.key)} has no file", hint="build it again")
    code = base64.b64encode(order.resource.file.read_bytes()).decode()
    return {"exec": {"kind": body["kind"], "binary": True, "main": body["main"], "code": code}}


def _is_marked(live: Live) -> bool:
    return live.is_ours


def _is_marked_alike(found: Json) -> bool:
    return "hyfn:app" in lives.marks(found)
