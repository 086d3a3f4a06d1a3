"""What wakes a function on plain Kubernetes: a second deployment for events alone, and a CronJob for each schedule."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from hyfn.discover import schedules
from hyfn.model import FunctionSpec, Offer, Problem, Target, Trigger
from hyfn.pack import pods

PROGRAM = "hyfn.clouds.kubernetes.on"
"""What a CronJob runs, of the function's own image: it tells the function's event service that the time has come."""
CRONJOBS = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"
RESOURCES = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}
MAX_NAME = 52
"""Of a CronJob, which appends eleven letters to make its jobs' names (CRONJOBS)."""

OFFERS: Mapping[str, Offer] = {
    "http": Offer("Service", "https://kubernetes.io/docs/concepts/services-networking/service/", ("methods", "mount")),
    "schedule": Offer("CronJob", CRONJOBS, ("timezone",)),
    "event": Offer(
        "CloudEvents over HTTP",
        "https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md",
        ("source",),
    ),
}


def problems(function: FunctionSpec) -> Iterator[Problem]:
    yield from schedules.beyond_cron(function, "a CronJob")


def waiting(function: FunctionSpec) -> list[Trigger]:
    """The triggers that bring events."""
    return [trigger for trigger in function.triggers if trigger.kind != "http"]


def objects(function: FunctionSpec, target: Target, deployment: pods.Json, service: pods.Json) -> list[pods.Json]:
    """The second deployment of `deployment`, its `service`, and the CronJobs. No autoscaler: events wait."""
    name = pods.for_events(deployment["metadata"]["name"])
    cron = [trigger for trigger in function.triggers if trigger.kind == "schedule"]
    return [_deployment(deployment, name), _service(service, name), *_jobs(cron, target, deployment, name)]


def _deployment(deployment: pods.Json, name: str) -> pods.Json:
    labels = {**deployment["metadata"]["labels"], pods.LABEL: name}
    template = {"metadata": {"labels": labels}, "spec": pods.taking_events(deployment["spec"]["template"]["spec"])}
    spec = {"replicas": 1, "selector": {"matchLabels": {pods.LABEL: name}}, "template": template}
    return {**deployment, "metadata": {**deployment["metadata"], "name": name, "labels": labels}, "spec": spec}


def _service(service: pods.Json, name: str) -> pods.Json:
    metadata = service["metadata"]
    labels = {**metadata["labels"], pods.LABEL: name}
    return {
        **service,
        "metadata": {**metadata, "name": name, "labels": labels},
        "spec": {**service["spec"], "selector": {pods.LABEL: name}},
    }


def _jobs(triggers: Sequence[Trigger], target: Target, deployment: pods.Json, name: str) -> Iterator[pods.Json]:
    pod = deployment["spec"]["template"]["spec"]
    for trigger in triggers:
        digest = hashlib.sha256(f"{name} {sorted(trigger.options.items())}".encode()).hexdigest()[:6]
        metadata = pods.metadata(f"{name[: MAX_NAME - 7].rstrip('-')}-{digest}", target)
        spec = {
            "schedule": schedules.read(trigger.resource).text,
            "timeZone": trigger.options["timezone"],
            "concurrencyPolicy": "Forbid",
            "jobTemplate": {"spec": {"backoffLimit": 3, "template": {"spec": _ticking(pod, name, trigger)}}},
        }
        yield {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec}


def _ticking(pod: pods.Json, name: str, trigger: Trigger) -> pods.Json:
    """A pod of the function's image that only sends the tick: it needs no wiring."""
    [container] = pod["containers"]
    kept = {key: container[key] for key in ("image", "name", "securityContext")}
    job = {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}
    ticking = {
        **kept,
        "command": ["python3", "-m", PROGRAM, f"http://{name}/", trigger.resource],
        "env": [{"name": "JOB", "valueFrom": job}],
        "resources": RESOURCES,
    }
    where: pods.Json = {key: pod[key] for key in ("nodeSelector", "tolerations", "affinity") if key in pod}
    return {"automountServiceAccountToken": False, "restartPolicy": "Never", "containers": [ticking], **where}
