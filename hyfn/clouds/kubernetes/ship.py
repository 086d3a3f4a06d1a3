"""Shipping to a plain cluster: a Deployment for each version, beside the one that serves until the Service selects it.

The address is the Service's inside the cluster. No version can be called there before it is selected, so that none is
probed: it is ready when its pods are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from hyfn.clouds.kubernetes.pack import packer
from hyfn.errors import Changed, ShipError
from hyfn.pack import pods
from hyfn.resource import Json, Key, Live, Order, Phase, Resource, Stage, Wanted, digest
from hyfn.ship.cluster import form
from hyfn.ship.cluster.client import Client, Kind
from hyfn.ship.cluster.shipper import (
    DIGITS,
    VERSION,
    ClusterShipper,
    Judged,
    condition,
    is_seen,
    listed,
    on_condition,
    racing,
)

SERVICE = Kind("v1", "Service", "services")
KINDS = {
    "Service": SERVICE,
    "Deployment": Kind("apps/v1", "Deployment", "deployments"),
    "HorizontalPodAutoscaler": Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    "CronJob": Kind("batch/v1", "CronJob", "cronjobs"),
}
TRAFFIC = "Traffic"
"""The kind of the key of a Service's selector."""
TRAFFIC_MANAGER = "hyfn-traffic"
"""Who says what a Service selects, as its other fields have another manager: each applies its own alone."""


class KubernetesShipper(ClusterShipper):
    """See hyfn.cloud.Shipper."""

    kinds: Mapping[str, Kind] = KINDS

    def resources(self, wanted: Wanted) -> Sequence[Resource]:
        """Raises ConfigError where no namespace is known."""
        document = packer.manifest(wanted.function, wanted.target, wanted.name, wanted.image)
        deployment, service, *rest = document["items"]
        keyed = _Keyed(self.cloud, self.scope(wanted.target), wanted.party)
        body = _with_pods(form.body(deployment))
        version = f"{wanted.name}-{digest(body)[:DIGITS]}"
        found = [
            keyed.resource("Service", wanted.name, Phase.CODE, _unselecting(form.body(service)), is_endpoint=True),
            keyed.resource("Deployment", version, Phase.WIRING, body, is_wired=True),
            keyed.resource(TRAFFIC, wanted.name, Phase.FLIP, {"deployment": version}),
        ]
        return [*found, *(self._more(keyed, each, version) for each in rest)]

    def _more(self, keyed: _Keyed, manifest: Json, version: str) -> Resource:
        """The autoscaler of a version, and what takes events."""
        kind, name, body = manifest["kind"], manifest["metadata"]["name"], form.body(manifest)
        if kind == "HorizontalPodAutoscaler":
            body["spec"]["scaleTargetRef"]["name"] = version
            needs = [keyed.key("Deployment", version)]
            return keyed.resource(kind, version, Phase.WIRING, body, needs)
        if kind == "Deployment":
            return keyed.resource(kind, name, Phase.FLIP, _with_pods(body), is_wired=True)
        return keyed.resource(kind, name, Phase.CODE if kind == "Service" else Phase.TRIGGER, body)

    def judged(self, key: Key, found: Json) -> Judged:
        return _rollout(found) if key.kind == "Deployment" else Judged(True)

    def outputs(self, key: Key, found: Json) -> dict[str, str]:  # noqa: ARG002
        """A Service's name is found from all over the cluster, whatever its domain is.

        https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
        """
        if key.kind != "Service":
            return {}
        return {"url": f"http://{key.name}.{key.scope.rpartition('/')[2]}.svc", "door": ""}

    def wired(self, order: Order, stated: dict[str, Any], secret: str) -> dict[str, Any]:
        """The pods of a version are told from those of others by their label."""
        template = stated["spec"]["template"]
        [wiring] = [each for each in template["spec"]["volumes"] if each["name"] == pods.WIRING]
        wiring["secret"]["secretName"] = secret
        own = {**form.tags(order.stage)}
        if order.resource.phase is Phase.WIRING:
            version = {VERSION: order.resource.key.name.rpartition("-")[2]}
            stated["spec"]["selector"]["matchLabels"].update(version)
            own.update(version)
        template["metadata"]["labels"].update(own)
        return stated

    def put(self, order: Order) -> Live:
        if order.resource.key.kind == TRAFFIC:
            return self._flip(order, self.client(order.resource.key.scope))
        return super().put(order)

    def remove(self, live: Live) -> None:
        """What a Service selects goes with it."""
        if live.key.kind != TRAFFIC:
            super().remove(live)

    def views(self, client: Client, scope: str, stage: Stage, keys: Collection[Key]) -> Iterator[Live]:
        for service in listed(client, SERVICE, stage, bool(keys)):
            key = Key(self.cloud, scope, TRAFFIC, service["metadata"]["name"])
            if live := _traffic(key, service):
                yield live

    def _flip(self, order: Order, client: Client) -> Live:
        key = order.resource.key
        labels = {pods.LABEL: key.name, VERSION: order.body["deployment"].rpartition("-")[2]}

        def once() -> Live | None:
            service = client.read(SERVICE, key.name)
            if service is None or not form.is_ours(service, order.stage):
                raise ShipError(f"Service {key.name} of this app and stage is not there", hint="run it again")
            now = _traffic(key, service)
            if (now.etag if now else "") != (order.live.etag if order.live else "") and _body(now) != order.body:
                raise Changed(f"what Service {key.name} selects was changed meanwhile", hint="run it again")
            wanted = on_condition({"spec": {"selector": labels}}, service)
            return _traffic(key, client.apply(SERVICE, key.name, wanted, TRAFFIC_MANAGER, force=True))

        live: Live = racing(once)
        return live


shipper = KubernetesShipper("kubernetes")


class _Keyed:
    """Resources of one artifact."""

    def __init__(self, cloud: str, scope: str, party: str) -> None:
        self._cloud, self._scope, self._party = cloud, scope, party

    def key(self, kind: str, name: str) -> Key:
        return Key(self._cloud, self._scope, kind, name)

    def resource(
        self,
        kind: str,
        name: str,
        phase: Phase,
        body: Json,
        needs: Sequence[Key] = (),
        is_wired: bool = False,
        is_endpoint: bool = False,
    ) -> Resource:
        key = self.key(kind, name)
        return Resource(key, phase, self._party, body, needs, None, is_wired, is_endpoint)


def _unselecting(body: dict[str, Any]) -> dict[str, Any]:
    """A Service that sends to no pods: what it selects is said when traffic goes there."""
    return {**body, "spec": {name: each for name, each in body["spec"].items() if name != "selector"}}


def _with_pods(body: dict[str, Any]) -> dict[str, Any]:
    """Which Secret its pods have is known once there is one."""
    del body["spec"]["template"]["spec"]["volumes"][pods.WIRING]["secret"]["secretName"]
    return body


def _traffic(key: Key, service: Json) -> Live | None:
    selector = (service.get("spec") or {}).get("selector") or {}
    if VERSION not in selector:
        return None
    body = {"deployment": f"{key.name}-{selector[VERSION]}"}
    others = {name: each for name, each in selector.items() if (name, each) != (pods.LABEL, key.name)}
    if len(others) > 1 or len(others) == len(selector):
        body["selector"] = form.dumped(selector)
    return Live(key, body, {}, form.etag(service, body))


def _body(live: Live | None) -> Json | None:
    return live.body if live else None


def _rollout(found: Json) -> Judged:
    """As `kubectl rollout status` has it: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/"""
    status = found.get("status") or {}
    wanted = found["spec"].get("replicas", 1)
    updated, all_, available = (status.get(f"{each}eplicas", 0) for each in ("updatedR", "r", "availableR"))
    progressing, words = condition(found, "Progressing")
    if is_seen(found) and progressing == "False":
        return Judged(False, words)
    return Judged(is_seen(found) and updated >= wanted and all_ <= updated and available >= updated)
