"""Artifacts for Kubernetes: an image with everything that the function needs under /app, and what runs it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hyfn.clouds.kubernetes import waking
from hyfn.clouds.kubernetes.virtual import PROFILES
from hyfn.host.connection import HEALTH
from hyfn.host.container import GRACE
from hyfn.model import Container, FunctionSpec, Limits, Offer, Problem, Runtime, Staged, Target, Tree
from hyfn.pack import contained, naming, pods

HOST = "hyfn.clouds.kubernetes.host"
"""The container runs `python3 -m` this, in /app."""
PYTHONS = contained.PYTHONS
LIVENESS, READINESS = HEALTH
MEMORY = 256
CPU = 0.1
"""Cores that are asked for where the options say nothing: scheduler and autoscaler count by what was asked for."""
USED = 80
"""The percentage of that from which on the autoscaler adds instances."""
LIMITS: contained.Ranges = {
    "memory": (0, 1024 * 1024, "MiB of memory"),
    "cpu": (0, 1024, "cores"),
    "timeout": (1, 86_400, "seconds for a call"),
    "min_instances": (1, 1000, "instances kept ready"),
    "max_instances": (0, 1000, "instances"),
}
"""Kubernetes itself has no such figures, but for one: an autoscaler keeps one instance at least, unless a feature gate
of the cluster says otherwise (minReplicas in kubernetes.io's page of HorizontalPodAutoscalerSpec v2)."""
OFFERED = {**contained.OFFERED, "virtual_provider": tuple(PROFILES)}
RESERVED = ("PORT", "KUBERNETES_.*")
"""Where the container is to listen, and what each pod is told of its cluster:
https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables"""
PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}
"""As the label kubernetes.io/arch has them: https://kubernetes.io/docs/reference/labels-annotations-taints/"""
SPARE = 5
"""Seconds that a pod has beyond its host's own grace."""
SERVICE_PORT = 80
STARTING: Mapping[str, int] = {"periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 120}
"""Two minutes for the import of the user's module; ready within a second of its end."""
READY: Mapping[str, int] = {"periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3}
ALIVE: Mapping[str, int] = {"periodSeconds": 10, "timeoutSeconds": 10, "failureThreshold": 6}
"""A function that computes answers late, and is not dead: a minute of silence is."""


class KubernetesPacker:
    def runtimes(self, target: Target) -> Sequence[Runtime]:
        """Options that `check` refuses give a runtime nonetheless, of the default kind."""
        return contained.runtimes(target)

    def check(self, function: FunctionSpec, target: Target) -> Iterable[Problem]:
        """What Kubernetes would refuse, each with the limit and what was given."""
        advice = f"it is an option of @{target.platform} on {function.qualname}"
        for said in (*contained.wrong(target, "Kubernetes", LIMITS, OFFERED), *_crossed(target)):
            yield Problem("error", said, target.place, advice)
        for said, mending in contained.misnamed(target.options, "Kubernetes"):
            yield Problem("error", said, target.place, mending)
        if target.options.get("virtual_provider") and not target.options.get("virtual_node"):
            said = "virtual_provider says which virtual nodes are meant, and virtual_node=True that any are"
            yield Problem("error", said, target.place, "write virtual_node=True, or leave virtual_provider out")

        yield from waking.problems(function)

    def limits(self, target: Target) -> Limits:  # noqa: ARG002
        """A cluster has no limit of an image's size, and it brings its own Python."""
        return Limits("Kubernetes", reserved=RESERVED)

    def platform_name(self, app: str, stage: str, function: FunctionSpec, target: Target) -> str:
        """`name=`, or one derived from app, stage and function: the same on every machine."""
        return str(target.options.get("name") or naming.derived(app, stage, function.name, contained.MAX_LABEL))

    def tree(self, staged: Staged) -> Tree:
        return Tree({**staged.own, **staged.code})

    def container(self, target: Target) -> Container | None:
        return contained.container(target, HOST)

    def roots(self, unpacked: Path) -> list[Path]:
        return contained.roots(unpacked)

    def provided(self, target: Target) -> Sequence[str]:  # noqa: ARG002
        return ()

    def entry(self, target: Target) -> str:  # noqa: ARG002
        """As the container's process does, but for listening."""
        return f"from {HOST} import new; new()"

    def manifest(self, function: FunctionSpec, target: Target, name: str, image: str) -> Mapping[str, Any]:
        """A Deployment, its Service, and where it may grow a HorizontalPodAutoscaler, for `kubectl apply`.

        The Service has port 80 inside the cluster; a door to the outside is not here. A pod runs by no root, cannot
        write but to /tmp, has no token of the cluster's, and has its wiring by the Secret of the function's name.
        For triggers there is a second Deployment and Service that take events alone, and a CronJob for each schedule.
        """
        deployment, service = _deployment(target, name, image), _service(target, name)
        autoscaler = [_autoscaler(target, name)] if _grows(target) else []
        events = waking.objects(function, target, deployment, service) if waking.waiting(function) else []
        return pods.listed(deployment, service, *autoscaler, *events)

    def offers(self, target: Target) -> Mapping[str, Offer]:  # noqa: ARG002
        return waking.OFFERS


packer = KubernetesPacker()


def _crossed(target: Target) -> Iterator[str]:
    fewest, most = target.options.get("min_instances", 1), target.options.get("max_instances", 0)
    if 0 < most < fewest:
        yield f"min_instances={fewest} is more than max_instances={most}"


def _grows(target: Target) -> bool:
    most: int = target.options.get("max_instances", 0)
    return most > _fewest(target)


def _fewest(target: Target) -> int:
    return int(target.options.get("min_instances", 1))


def _deployment(target: Target, name: str, image: str) -> pods.Json:
    """How many there are is the autoscaler's to say where there is one: a number here would undo its choice."""
    metadata = pods.metadata(name, target)
    template = {"metadata": {"labels": metadata["labels"]}, "spec": _pod(target, name, image)}
    replicas = {} if _grows(target) else {"replicas": _fewest(target)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {**replicas, "selector": {"matchLabels": {pods.LABEL: name}}, "template": template},
    }


def _pod(target: Target, name: str, image: str) -> pods.Json:
    return {
        "automountServiceAccountToken": False,
        "containers": [_container(target, image)],
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": math.ceil(GRACE) + SPARE,
        "volumes": [pods.volume(name), {"name": "tmp", "emptyDir": {}}],
        **_where(target),
    }


def _container(target: Target, image: str) -> pods.Json:
    memory, cpu = target.options.get("memory", MEMORY), target.options.get("cpu", 0)
    limits, requests = pods.resources(memory, cpu), pods.resources(memory, cpu or CPU)
    container = pods.container(target, image, contained.PORT, requests, limits)
    # A provider of virtual nodes need not tell its pods of the cluster, which is how the host knows where it is.
    host = [{"name": "HYFN_HOST", "value": "0.0.0.0"}]  # noqa: S104
    return {
        **container,
        "env": sorted([*container["env"], *host], key=lambda each: str(each["name"])),
        "securityContext": {**container["securityContext"], "readOnlyRootFilesystem": True},
        "volumeMounts": [*container["volumeMounts"], {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
        "startupProbe": pods.probe(READINESS, contained.PORT, **STARTING),
        "readinessProbe": pods.probe(READINESS, contained.PORT, **READY),
        "livenessProbe": pods.probe(LIVENESS, contained.PORT, **ALIVE),
    }


def _where(target: Target) -> pods.Json:
    """On which nodes. Virtual ones need not say their processor; others run only what is made for theirs."""
    if target.options.get("virtual_node"):
        profile = PROFILES[target.options.get("virtual_provider", "any")]
        return {**pods.nodes(profile.labels), "tolerations": list(profile.tolerations)}
    machines = contained.machines(target)
    return pods.nodes([{"kubernetes.io/arch": PROCESSORS[machines[0]]}]) if len(machines) == 1 else {}


def _service(target: Target, name: str) -> pods.Json:
    port = {"name": "http", "port": SERVICE_PORT, "targetPort": contained.PORT}
    spec = {"selector": {pods.LABEL: name}, "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": pods.metadata(name, target), "spec": spec}


def _autoscaler(target: Target, name: str) -> pods.Json:
    """https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/"""
    used = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": USED}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": _fewest(target),
        "maxReplicas": target.options["max_instances"],
        "metrics": [{"type": "Resource", "resource": used}],
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": pods.metadata(name, target),
        "spec": spec,
    }
