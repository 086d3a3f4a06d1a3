"""The pod that a function's image runs in, as Kubernetes and what stands on it write it down. Pure.

Fields: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hyfn.model import Target

Json = dict[str, Any]

LABEL = "app.kubernetes.io/name"
MANAGER = "app.kubernetes.io/managed-by"
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""
EVENTS = "-events"
MAX_LABEL = 63
WIRING = "wiring"
FOLDER, FILE = "/etc/hyfn", "wiring.json"
"""Where the container finds the file of the function's Secret, which holds its edges and their keys."""
SAFE: Json = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What the strictest of the Pod Security Standards asks of a container. The user is the image's, or the cluster's.
https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""


def listed(*items: Json) -> Json:
    """One document of several objects."""
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


def metadata(name: str, target: Target, annotations: Mapping[str, str] | None = None) -> Json:
    """Who an object is. Without `namespace=` it goes where the one who applies it is at home."""
    found: Json = {"name": name, "labels": {LABEL: name, MANAGER: "hyfn"}}
    if namespace := target.options.get("namespace"):
        found["namespace"] = namespace
    if annotations:
        found["annotations"] = dict(annotations)
    return found


def container(target: Target, image: str, port: int, requests: Json, limits: Json) -> Json:
    """The one container. It listens on `port`, runs by no root, and is told where its wiring is."""
    return {
        "name": "function",
        "image": image,
        "ports": [{"name": "http1", "containerPort": port}],
        "env": environment(target.options.get("env") or {}),
        "resources": {name: each for name, each in (("requests", requests), ("limits", limits)) if each},
        "securityContext": SAFE,
        "volumeMounts": [{"name": WIRING, "mountPath": FOLDER, "readOnly": True}],
    }


def volume(name: str) -> Json:
    """That of the wiring: a Secret named after the function. A pod waits for it, should it not be there yet."""
    # `optional` is false where it is not said, but podman 4.3 ends where it is not.
    return {"name": WIRING, "secret": {"secretName": name, "optional": False}}


def environment(variables: Mapping[str, str]) -> list[Json]:
    """The user's own and hyfn's, by name. What looks like a reference to another variable stays as it is written.

    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    every = {**{name: _literal(value) for name, value in variables.items()}, "HYFN_WIRING": f"{FOLDER}/{FILE}"}
    return [{"name": name, "value": every[name]} for name in sorted(every)]


def _literal(value: str) -> str:
    return value.replace("$", "$$") if "$(" in value or "$$" in value else value


def resources(memory: float, cpu: float) -> Json:
    """`memory` in MiB and `cpu` in cores; 0 leaves it out. Kubernetes counts thousandths of a core."""
    said = {"memory": f"{math.ceil(memory)}Mi" if memory else "", "cpu": f"{math.ceil(cpu * 1000)}m" if cpu else ""}
    return {name: amount for name, amount in said.items() if amount}


def probe(path: str, port: int, **times: int) -> Json:
    """GET `path`, as often and as patiently as `times` say: periodSeconds, timeoutSeconds, failureThreshold."""
    return {"httpGet": {"path": path, "port": port}, **times}


def nodes(labels: Sequence[Mapping[str, str]]) -> Json:
    """A pod's fields that keep it to nodes with one of these sets of labels."""
    if len(labels) == 1:
        return {"nodeSelector": dict(labels[0])}
    terms = [
        {"matchExpressions": [{"key": key, "operator": "In", "values": [value]} for key, value in sorted(each.items())]}
        for each in labels
    ]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return {"affinity": {"nodeAffinity": required}}


def for_events(name: str) -> str:
    """What the second deployment of a function is called, which takes events alone: a DNS label (RFC 1123) too."""
    if len(name) + len(EVENTS) <= MAX_LABEL:
        return name + EVENTS
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: MAX_LABEL - len(EVENTS) - 7].rstrip('-')}-{digest}{EVENTS}"


def taking_events(spec: Json) -> Json:
    """A pod's fields, but that its one container takes events alone."""
    [container] = spec["containers"]
    env = sorted([*container["env"], {"name": "HYFN_DOOR", "value": "events"}], key=lambda each: str(each["name"]))
    return {**spec, "containers": [{**container, "env": env}]}
