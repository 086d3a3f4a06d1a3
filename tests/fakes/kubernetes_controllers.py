"""What a cluster's controllers make of objects, for the fake of one: defaults, revisions, routes, rollouts.

Knative: pkg/reconciler/{service,configuration,route} in knative/serving. Deployments:
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.kubernetes import Cluster, Id, Stored

SERVING = "serving.knative.dev/v1"
DOMAIN = "example.com"


def defaulted(body: dict[str, Any]) -> None:
    """What an API server and Knative's webhook add, and how they write amounts."""
    kind, spec = body["kind"], body.get("spec", {})
    is_knative = body["apiVersion"] == SERVING
    if kind == "Deployment":
        spec.setdefault("replicas", 1)
        spec.setdefault("progressDeadlineSeconds", 600)
        _pod(spec["template"]["spec"])
    elif kind == "CronJob":
        spec.setdefault("suspend", False)
        _pod(spec["jobTemplate"]["spec"]["template"]["spec"])
    elif kind == "Service" and is_knative:
        inner = spec.setdefault("template", {}).setdefault("spec", {})
        if inner.get("containers"):
            inner.setdefault("containerConcurrency", 0)
            inner.setdefault("timeoutSeconds", 300)
            inner["containers"][0].setdefault("readinessProbe", {"successThreshold": 1})
        spec.setdefault("traffic", [{"latestRevision": True, "percent": 100}])
    elif kind == "Service":
        spec.setdefault("type", "ClusterIP")
        spec.setdefault("clusterIP", "10.0.0.7")
        for port in spec.get("ports", []):
            port.setdefault("protocol", "TCP")


def _pod(spec: dict[str, Any]) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    for container in spec.get("containers", []):
        container.setdefault("imagePullPolicy", "IfNotPresent")
        for amounts in (container.get("resources") or {}).values():
            for name, amount in amounts.items():
                amounts[name] = _canonical(str(amount))
        for each in container.get("env", []):
            if each.get("value") == "":
                del each["value"]


def _canonical(amount: str) -> str:
    """1000m is 1, and 1024Mi is 1Gi."""
    found = re.fullmatch(r"(\d+)(m|Mi)", amount)
    if not found:
        return amount
    scale, larger = {"m": (1000, ""), "Mi": (1024, "Gi")}[found[2]]
    number = int(found[1])
    return f"{number // scale}{larger}" if number and number % scale == 0 else amount


def reconcile(cluster: Cluster, id_: Id, stored: Stored) -> None:
    """What the controller of a kind does when its time has come."""
    kind = stored.body["kind"]
    if kind == "Deployment":
        _deployment(cluster, stored)
    elif kind == "Revision":
        _revision(cluster, stored)
    elif kind == "Service" and id_.version == SERVING:
        _service(cluster, id_, stored)
    elif kind in ("PingSource", "Trigger", "KafkaSource", "RabbitmqSource"):
        _source(cluster, id_, stored)


def _condition(type_: str, status: str, reason: str = "", message: str = "") -> dict[str, str]:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def _startable(cluster: Cluster, id_namespace: str, spec: dict[str, Any]) -> str:
    """Why its pods do not start, "" where they do."""
    image = spec["containers"][0]["image"]
    if image in cluster.broken or image.startswith("hyfn.invalid/"):
        return f"Unable to fetch image {image!r}"
    secrets = {each.name for each in cluster.objects if (each.plural, each.namespace) == ("secrets", id_namespace)}
    for volume in spec.get("volumes", []):
        if volume.get("secret", {}).get("secretName", "") not in {*secrets, ""}:
            return f"secret {volume['secret']['secretName']!r} not found"
    return ""


def _deployment(cluster: Cluster, stored: Stored) -> None:
    spec, metadata = stored.body["spec"], stored.body["metadata"]
    why = _startable(cluster, metadata["namespace"], spec["template"]["spec"])
    number = spec["replicas"]
    status: dict[str, Any] = {
        "observedGeneration": metadata["generation"],
        "replicas": number,
        "updatedReplicas": number,
    }
    if why:
        status["conditions"] = [_condition("Progressing", "False", "ProgressDeadlineExceeded", why)]
    else:
        status |= {"availableReplicas": number, "conditions": [_condition("Progressing", "True")]}
    cluster.report(stored, status)


def _revision(cluster: Cluster, stored: Stored) -> None:
    metadata = stored.body["metadata"]
    why = _startable(cluster, metadata["namespace"], stored.body["spec"])
    ready = _condition("Ready", "False", "ContainerMissing", why) if why else _condition("Ready", "True")
    cluster.report(stored, {"observedGeneration": metadata["generation"], "conditions": [ready]})


def _source(cluster: Cluster, id_: Id, stored: Stored) -> None:
    spec = stored.body["spec"]
    name = (spec.get("sink") or spec.get("subscriber"))["ref"]["name"]
    is_there = any((each.version, each.plural, each.name) == (SERVING, "services", name) for each in cluster.objects)
    ready = _condition("Ready", "True") if is_there else _condition("Ready", "False", "NotFound", f"{name} not found")
    cluster.report(stored, {"observedGeneration": stored.body["metadata"]["generation"], "conditions": [ready]})


def _service(cluster: Cluster, id_: Id, stored: Stored) -> None:
    """Configuration and route of a Service."""
    configured = _configured(cluster, id_, stored)
    routes, why = _routed(cluster, id_, stored)
    name, namespace = id_.name, id_.namespace
    ready = configured["status"] == "True" and not why
    routed = _condition("RoutesReady", "False", "RevisionMissing", why) if why else _condition("RoutesReady", "True")
    is_private = "networking.knative.dev/visibility" in (stored.body["metadata"].get("labels") or {})
    host = f"{name}.{namespace}.svc.cluster.local" if is_private else f"{name}.{namespace}.{DOMAIN}"
    worst = configured if configured["status"] != "True" else routed
    status = {
        "observedGeneration": stored.body["metadata"]["generation"],
        "url": f"http://{host}",
        "conditions": [configured, routed, {**worst, "type": "Ready", "status": "True" if ready else "False"}],
        "traffic": routes,
    }
    if not why or "traffic" not in (stored.body.get("status") or {}):
        cluster.report(stored, status)
    else:
        cluster.report(stored, {**status, "traffic": stored.body["status"]["traffic"]})


def _configured(cluster: Cluster, id_: Id, stored: Stored) -> dict[str, str]:
    """Make the template's revision, if it is new."""
    template, metadata = stored.body["spec"]["template"], stored.body["metadata"]
    made = stored.made
    made.setdefault("generation", 0)
    if made.get("template") != template:
        number = made["generation"] + 1
        name = (template.get("metadata") or {}).get("name") or f"{id_.name}-{number:05d}"
        revision = type(id_)(SERVING, "revisions", id_.namespace, name)
        if revision in cluster.objects:
            said = f'The Revision name "{name}" is taken by a conflicting Revision'
            return _condition("ConfigurationsReady", "False", "RevisionNameTaken", said)
        made.update(template=copy.deepcopy(template), generation=number, name=name)
        labels = {"serving.knative.dev/service": id_.name, "serving.knative.dev/configurationGeneration": str(number)}
        own = template.get("metadata") or {}
        body = {
            "apiVersion": SERVING,
            "kind": "Revision",
            "metadata": {
                "name": name,
                "labels": {**own.get("labels", {}), **labels},
                "annotations": dict(own.get("annotations", {})),
                "ownerReferences": [{"kind": "Configuration", "name": id_.name, "uid": metadata["uid"]}],
            },
            "spec": copy.deepcopy(template["spec"]),
        }
        cluster.make(revision, body)
    return _made(cluster, id_, made["name"], made)


def _made(cluster: Cluster, id_: Id, name: str, made: dict[str, Any]) -> dict[str, str]:
    revision = type(id_)(SERVING, "revisions", id_.namespace, name)
    if revision not in cluster.objects:
        made["template"] = None  # deleted: it is made again
        return _condition("ConfigurationsReady", "Unknown")
    cluster._look(revision)
    found = (cluster.objects[revision].body.get("status") or {}).get("conditions") or [{"status": "Unknown"}]
    return {**_condition("ConfigurationsReady", "Unknown"), **found[0], "type": "ConfigurationsReady"}


def _routed(cluster: Cluster, id_: Id, stored: Stored) -> tuple[list[dict[str, Any]], str]:
    """The targets of the route, or why one of them cannot be routed to."""
    routes = []
    for entry in stored.body["spec"]["traffic"]:
        name = entry.get("revisionName") or stored.made.get("name", "")
        revision = type(id_)(SERVING, "revisions", id_.namespace, name)
        if revision not in cluster.objects:
            return [], f'Revision "{name}" referenced in traffic not found.'
        status = cluster.objects[revision].body.get("status") or {}
        if [each["status"] for each in status.get("conditions", [])] != ["True"]:
            return [], f'Revision "{name}" is not ready.'
        host = f"{entry.get('tag')}-{id_.name}.{id_.namespace}.{DOMAIN}"
        url = {"url": f"http://{host}"} if entry.get("tag") else {}
        routes.append({**entry, "revisionName": name, **url})
    return routes, ""
