"""Shipping to Knative and OpenShift Serverless: a Service, a revision of it for each version, and its traffic.

A revision is named by hyfn, for what is in it, and has no traffic but a tag of its own: by the tag's URL it is probed.
The Service is there before its first revision, since its address is needed first: until then it has one whose image no
registry has, so that nothing runs. What takes events is a second, private Service, which Knative rolls out itself.

A Service's status.url is set whether its revision is ready or not (pkg/reconciler/route/route.go and
pkg/reconciler/service/service.go in knative/serving); a revision of a Service begins with the Service's name, and its
name is never used again (pkg/apis/serving/v1/revision_validation.go, CheckNameAvailability in service.go). The revision
of a Service's current template is made again when it is deleted, so that one is only laid aside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from hyfn.clouds.knative.pack import is_openshift, packer
from hyfn.errors import Changed, ConfigError, ShipError
from hyfn.pack import pods
from hyfn.resource import Json, Key, Live, Order, Phase, Resource, Stage, Wanted, digest, ref
from hyfn.ship.cluster import form
from hyfn.ship.cluster.client import Client, Kind, until
from hyfn.ship.cluster.shipper import (
    DIGITS,
    SECRET,
    ClusterShipper,
    Judged,
    condition,
    is_seen,
    listed,
    on_condition,
    owner,
    racing,
)

SERVICE = Kind("serving.knative.dev/v1", "Service", "services")
REVISION = Kind("serving.knative.dev/v1", "Revision", "revisions")
KINDS = {
    "Service": SERVICE,
    "PingSource": Kind("sources.knative.dev/v1", "PingSource", "pingsources"),
    "Trigger": Kind("eventing.knative.dev/v1", "Trigger", "triggers"),
    "KafkaSource": Kind("sources.knative.dev/v1beta1", "KafkaSource", "kafkasources"),
    "RabbitmqSource": Kind("sources.knative.dev/v1alpha1", "RabbitmqSource", "rabbitmqsources"),
}
TRAFFIC = "Traffic"
"""The kind of the key of a Service's traffic block."""
MADE_OF = "serving.knative.dev/service"
GENERATION = "serving.knative.dev/configurationGeneration"
"""Labels that Knative gives to revisions: whose one is, and which one."""
PARKED = "hyfn-parked"
"""The label of a revision that is wanted no more, and stays with its Service."""
TEMPLATE_MANAGER, TRAFFIC_MANAGER = "hyfn-version", "hyfn-traffic"
"""Who says what a Service's template and its traffic are; each applies its own alone."""
NOTHING = "hyfn.invalid/nothing"
"""No host can have this name (RFC 2606, section 2)."""
MAX_LABEL = 63
MAX_NAME = MAX_LABEL - DIGITS - 1
"""Of a Service whose revisions are named by hyfn."""
SHORTEST_TAG = 6


class KnativeShipper(ClusterShipper):
    """See hyfn.cloud.Shipper."""

    kinds: Mapping[str, Kind] = KINDS

    def resources(self, wanted: Wanted) -> Sequence[Resource]:
        """Raises ConfigError where no namespace is known, or a name leaves no room for that of a revision."""
        name, target = wanted.name, wanted.target
        if len(name) > MAX_NAME:
            said = f"{name} has {len(name)} letters, and with its revisions' names {MAX_NAME} are the most on Knative"
            raise ConfigError(said, where=str(target.place), hint='name="…" gives it a shorter one')
        scope = self.scope(target)
        service, *rest = packer.manifest(wanted.function, target, name, wanted.image)["items"]
        revision = _unnamed(form.body(service["spec"]["template"]))
        revision["room"] = _room(name, scope, is_openshift(target))
        address = form.body({"metadata": service["metadata"]})
        version = self._key(scope, REVISION.name, f"{name}:{digest(revision)[:DIGITS]}")
        traffic = {"revision": ref(version, "revision")}
        found = [
            Resource(self._key(scope, "Service", name), Phase.CODE, wanted.party, address, is_endpoint=True),
            Resource(version, Phase.WIRING, wanted.party, revision, is_wired=True),
            Resource(self._key(scope, TRAFFIC, name), Phase.FLIP, wanted.party, traffic),
        ]
        return [*found, *(self._more(scope, wanted.party, each) for each in rest)]

    def _key(self, scope: str, kind: str, name: str) -> Key:
        return Key(self.cloud, scope, kind, name)

    def _more(self, scope: str, party: str, manifest: Json) -> Resource:
        """What takes events, and what sends them there."""
        kind, body = manifest["kind"], form.body(manifest)
        key = self._key(scope, kind, manifest["metadata"]["name"])
        if kind != "Service":
            return Resource(key, Phase.TRIGGER, party, body)
        _unnamed(body["spec"]["template"])
        return Resource(key, Phase.FLIP, party, body, is_wired=True)

    def judged(self, key: Key, found: Json) -> Judged:
        """Of a Service that has revisions of ours only whether it has its address."""
        if key.kind == "Service" and "spec" not in (form.applied(found) or {}):
            return Judged(bool((found.get("status") or {}).get("url")))
        status, words = condition(found, "Ready")
        is_current = is_seen(found)
        return Judged(is_current and status == "True", words if is_current and status == "False" else "")

    def outputs(self, key: Key, found: Json) -> dict[str, str]:
        if key.kind != "Service":
            return {}
        return {"url": str((found.get("status") or {}).get("url") or ""), "door": ""}

    def wired(self, order: Order, stated: dict[str, Any], secret: str) -> dict[str, Any]:  # noqa: ARG002
        _mount(stated["spec"]["template"]["spec"], secret)
        return stated

    def first(self, order: Order, stated: dict[str, Any], found: Json | None) -> dict[str, Any]:
        """No Service is without a template: until there is a version, it is one of which nothing runs."""
        if order.resource.phase is not Phase.CODE:
            return stated
        name = f"{order.resource.key.name}-first"
        if found is not None and _template(found) != name:
            return stated
        spec = {"containers": [{"name": "function", "image": NOTHING}], "enableServiceLinks": False}
        return {**stated, "spec": {"template": {"metadata": {"name": name}, "spec": spec}}}

    def put(self, order: Order) -> Live:
        key = order.resource.key
        if key.kind == REVISION.name:
            return self._put_revision(order, self.client(key.scope))
        if key.kind == TRAFFIC:
            return self._flip(order, self.client(key.scope))
        return super().put(order)

    def remove(self, live: Live) -> None:
        """Traffic goes with its Service."""
        if live.key.kind == REVISION.name:
            self._remove_revision(live, self.client(live.key.scope))
        elif live.key.kind != TRAFFIC:
            super().remove(live)

    def views(self, client: Client, scope: str, stage: Stage, keys: Collection[Key]) -> Iterator[Live]:
        services = {each["metadata"]["name"]: each for each in listed(client, SERVICE, stage, bool(keys))}
        for name, service in services.items():
            if live := _traffic(self._key(scope, TRAFFIC, name), service):
                yield live
        yield from self._revisions(client, scope, stage, services)

    def _revisions(self, client: Client, scope: str, stage: Stage, services: Mapping[str, Json]) -> Iterator[Live]:
        """The newest of each version, older ones by their own names, and versions of which only the Secret is there."""
        found = listed(client, REVISION, stage, bool(services))
        secrets = [each for each in listed(client, SECRET, stage, True) if owner(each).startswith(f"{REVISION.name} ")]
        seen: set[str] = set()
        for each in sorted(found, key=_generation, reverse=True):
            version, name = owner(each).partition(" ")[2], each["metadata"]["name"]
            service = services.get(version.partition(":")[0], {})
            key = self._key(scope, REVISION.name, f"{version}:{name}" if version in seen else version)
            own = [secret for secret in secrets if secret["metadata"]["name"] == name]
            yield self.with_secret(self._revision(key, each, service, stage), [_as_of(key, one) for one in own])
            seen.add(version)
        for version in sorted({owner(each).partition(" ")[2] for each in secrets} - seen):
            yield Live(self._key(scope, REVISION.name, version), {}, {}, "", True, "only its Secret is there")

    def _revision(self, key: Key, found: Json, service: Json, stage: Stage) -> Live:
        name = found["metadata"]["name"]
        body = form.observed({"metadata": found["metadata"], "spec": found["spec"]})
        body.update({"room": (form.applied(found) or {}).get("room", 0)})
        urls = [
            each.get("url") for each in (service.get("status") or {}).get("traffic") or [] if _is_tag_of(each, name)
        ]
        outputs = {"revision": name, **({"probe": str(urls[0])} if urls else {})}
        trouble = self.judged(key, found).trouble
        return Live(key, body, outputs, form.etag(found, body), form.is_ours(found, stage), trouble)

    def _put_revision(self, order: Order, client: Client) -> Live:
        key = order.resource.key
        service = key.name.partition(":")[0]
        name = f"{service}-{digest([key.name, order.body])[:DIGITS]}"
        there = client.read(REVISION, name)
        if there is not None and (there["metadata"]["labels"].get(MADE_OF), form.applied(there)) != (
            service,
            order.body,
        ):
            raise ShipError(f"Revision {name} is there already, and is not hyfn's", hint="remove it")
        self.keep(client, order, name)
        if there is None:
            racing(lambda: self._template(order, client, service, name))
        elif PARKED in there["metadata"]["labels"]:
            self._label(client, name, {**form.tags(order.stage), PARKED: None})
        self._made(client, key, service, name)
        self.ready(client, REVISION, key, order.stage, name)
        if order.body["room"]:
            racing(lambda: self._tag(client, service, name, order.body["room"]))
            self._settled(client, service, lambda each: _is_tag_of(each, name))
        made = client.read(REVISION, name)
        if made is None:
            raise Changed(f"Revision {name} is gone again", hint="run it again")
        return self._revision(key, made, self._own(client, service, order.stage), order.stage)

    def _own(self, client: Client, name: str, stage: Stage) -> dict[str, Any]:
        found = client.read(SERVICE, name)
        if found is None or not form.is_ours(found, stage):
            raise ShipError(f"Service {name} of this app and stage is not there", hint="run it again")
        return found

    def _template(self, order: Order, client: Client, service: str, name: str) -> None:
        """Have Knative make the revision."""
        found = self._own(client, service, order.stage)
        body = {each: value for each, value in order.body.items() if each != "room"}
        template = form.stated(body, order.stage, {form.OWNER: f"{REVISION.name} {order.resource.key.name}"})
        template["metadata"]["annotations"][form.APPLIED] = form.dumped(order.body)
        template["metadata"]["name"] = name
        _mount(template["spec"], name)
        wanted = on_condition({"spec": {"template": template}}, found)
        client.apply(SERVICE, service, wanted, TEMPLATE_MANAGER, force=True)

    def _made(self, client: Client, key: Key, service: str, name: str) -> None:
        """Wait until Knative has made it."""
        why = f"Knative made no revision {name}"

        def look() -> bool:
            found = client.read(SERVICE, service) or {"metadata": {}}
            status, words = condition(found, "ConfigurationsReady")
            if status == "False" and "NameTaken" in words:
                raise ShipError(f"{why}: {words}", hint="remove the revision of this name")
            return client.read(REVISION, name) is not None

        del key
        until(look, self.ready_seconds, lambda: why, self.pause)

    def _tag(self, client: Client, service: str, name: str, room: int) -> None:
        """Give the revision a URL, and no traffic."""
        found = client.read(SERVICE, service)
        if found is None:
            raise Changed(f"Service {service} is gone", hint="run it again")
        entries = _entries(found)
        if not any(_is_tag_of(each, name) for each in entries):
            entries.append({"revisionName": name, "percent": 0, "tag": _tag_of(name, room)})
            wanted = on_condition({"spec": {"traffic": entries}}, found)
            client.apply(SERVICE, service, wanted, TRAFFIC_MANAGER, force=True)

    def _settled(self, client: Client, service: str, is_meant: Any) -> None:
        """Wait until the traffic is as it was said to be."""

        def look() -> bool:
            found = client.read(SERVICE, service) or {"metadata": {}}
            traffic = (found.get("status") or {}).get("traffic") or []
            routed = condition(found, "RoutesReady")[0]
            return is_seen(found) and routed == "True" and any(is_meant(each) for each in traffic)

        def said() -> str:
            words = condition(client.read(SERVICE, service) or {"metadata": {}}, "RoutesReady")[1]
            return f"Knative does not route to Service {service} as it was told: {words or 'it does not say why'}"

        until(look, self.ready_seconds, said, self.pause)

    def _flip(self, order: Order, client: Client) -> Live:
        key, name = order.resource.key, order.body["revision"]

        def once() -> None:
            service = self._own(client, key.name, order.stage)
            now = _traffic(key, service)
            was, is_ = (each.etag if each else "" for each in (order.live, now))
            if was != is_ and (now is None or now.body != order.body):
                raise Changed(f"the traffic of Service {key.name} was changed meanwhile", hint="run it again")
            tags = [each["tag"] for each in _entries(service) if each.get("revisionName") == name and each.get("tag")]
            entry = {"revisionName": name, "percent": 100, **({"tag": tags[0]} if tags else {})}
            wanted = on_condition({"spec": {"traffic": [entry]}}, service)
            client.apply(SERVICE, key.name, wanted, TRAFFIC_MANAGER, force=True)

        racing(once)
        self._settled(client, key.name, lambda each: (each.get("revisionName"), each.get("percent")) == (name, 100))
        self._drop_older(client, key.name, name, order.stage)
        live = _traffic(key, self._own(client, key.name, order.stage))
        if live is None:
            raise Changed(f"the traffic of Service {key.name} was changed meanwhile", hint="run it again")
        return live

    def _drop_older(self, client: Client, service: str, name: str, stage: Stage) -> None:
        """Of the same version, with edges as they were before."""
        own = [each for each in client.listed(REVISION, form.tags(stage)) if owner(each).startswith("Revision ")]
        current = {owner(each) for each in own if each["metadata"]["name"] == name}
        for each in own:
            if owner(each) in current and each["metadata"]["name"] != name:
                self._drop(client, service, each["metadata"]["name"])
        for version in current:
            self.drop_secrets(client, self._key("", *version.split(" ", 1)), but=name)

    def _remove_revision(self, live: Live, client: Client) -> None:
        service = live.key.name.partition(":")[0]
        if name := live.outputs.get("revision"):
            self._drop(client, service, name)
        else:
            self.drop_secrets(client, live.key)

    def _drop(self, client: Client, service: str, name: str) -> None:
        """Take away a revision, its tag and its Secret; the one of the current template is laid aside."""
        racing(lambda: self._untag(client, service, name))
        found, template = client.read(REVISION, name), _template(client.read(SERVICE, service))
        if found is not None and template == name:
            gone = dict.fromkeys(("hyfn-app", "hyfn-stage"))
            self._label(client, name, {**gone, PARKED: "true"})
        elif found is not None:
            self.delete(client, REVISION, name, found)
        if secret := client.read(SECRET, name):
            self.delete(client, SECRET, name, secret)

    def _label(self, client: Client, name: str, labels: Mapping[str, str | None]) -> None:
        racing(lambda: client.merge(REVISION, name, {"metadata": {"labels": labels}}))

    def _untag(self, client: Client, service: str, name: str) -> None:
        found = client.read(SERVICE, service)
        entries = _entries(found) if found else []
        kept = [each for each in entries if each.get("revisionName") != name or each.get("percent")]
        if found and len(kept) < len(entries):
            wanted = on_condition({"spec": {"traffic": kept}}, found)
            client.apply(SERVICE, service, wanted, TRAFFIC_MANAGER, force=True)


shipper = KnativeShipper("knative")


def _unnamed(body: dict[str, Any]) -> dict[str, Any]:
    """Which Secret its pods have is known once there is one."""
    del body["spec"]["volumes"][pods.WIRING]["secret"]["secretName"]
    return body


def _mount(spec: dict[str, Any], secret: str) -> None:
    [wiring] = [each for each in spec["volumes"] if each["name"] == pods.WIRING]
    wiring["secret"]["secretName"] = secret


def _room(name: str, scope: str, is_openshift: bool) -> int:
    """Letters for a tag, which makes one label of a host's name with the Service's name, on OpenShift with the
    namespace too; 0 where there is no room for one."""
    namespace = scope.rpartition("/")[2]
    left = MAX_LABEL - len(name) - 1 - (len(namespace) + 1 if is_openshift else 0)
    return min(left, DIGITS + 1) if left >= SHORTEST_TAG else 0


def _tag_of(revision: str, room: int) -> str:
    return f"v{revision.rpartition('-')[2]}"[:room]


def _is_tag_of(entry: Json, revision: str) -> bool:
    return entry.get("revisionName") == revision and bool(entry.get("tag"))


def _entries(service: Json) -> list[dict[str, Any]]:
    """The traffic as it is asked for; to the newest, where nobody asks: https://knative.dev/docs/serving/traffic-management/"""
    given = (service.get("spec") or {}).get("traffic") or [{"latestRevision": True, "percent": 100}]
    return [{name: each for name, each in entry.items() if name != "url"} for entry in given]


def _traffic(key: Key, service: Json) -> Live | None:
    """None where it goes to whatever is the newest."""
    shares = {each.get("revisionName"): each["percent"] for each in _entries(service) if each.get("percent")}
    if "spec" in (form.applied(service) or {}) or (None in shares and len(shares) == 1):
        return None
    names = [f"{name or 'the newest'} {percent} %" for name, percent in shares.items()]
    body = {"revision": next(iter(shares)) if len(shares) == 1 else ", ".join(names)}
    return Live(key, body, {}, form.etag(service, body))


def _template(service: Json | None) -> str:
    """The name of the revision that a Service's template is of."""
    if service is None:
        return ""
    return str((service["spec"]["template"].get("metadata") or {}).get("name") or "")


def _generation(revision: Json) -> int:
    return int((revision["metadata"].get("labels") or {}).get(GENERATION, 0))


def _as_of(key: Key, secret: Json) -> dict[str, Any]:
    """The Secret of a revision, as of the thing that it is observed as."""
    metadata = secret["metadata"]
    return {
        **secret,
        "metadata": {**metadata, "annotations": {**metadata["annotations"], form.OWNER: f"{key.kind} {key.name}"}},
    }
