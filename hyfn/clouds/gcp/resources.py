"""A Cloud Run function and what wakes it, as the bodies of requests to Google's APIs. Pure.

Projects, locations and service accounts stand as ${PROJECT}, ${LOCATION} and ${ACCOUNT}, and the address of the service
that takes events as ${EVENTS}: they are known when it is shipped.
"""

from __future__ import annotations

import hashlib
import math
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from hyfn.discover import schedules
from hyfn.model import FunctionSpec, Offer, Problem, Target, Trigger

Json = dict[str, Any]

OFFERS: Mapping[str, Offer] = {
    "http": Offer(
        "an HTTP function", "https://cloud.google.com/run/docs/write-functions#http_functions", ("methods", "mount")
    ),
    "schedule": Offer("Cloud Scheduler", "https://cloud.google.com/scheduler/docs/http-target-auth", ("timezone",)),
    "blob": Offer(
        "Eventarc for Cloud Storage",
        "https://cloud.google.com/run/docs/triggering/storage-triggers",
        ("prefix", "suffix", "change"),
    ),
    "queue": Offer("Cloud Tasks", "https://cloud.google.com/tasks/docs/creating-http-target-tasks"),
    "topic": Offer("Eventarc for Pub/Sub", "https://cloud.google.com/run/docs/triggering/pubsub-triggers"),
    "stream": Offer("Pub/Sub with ordering keys", "https://cloud.google.com/pubsub/docs/ordering"),
    "event": Offer("Eventarc", "https://cloud.google.com/eventarc/docs/third-parties/create-channels", ("source",)),
}
MAX_NAME = 63
EVENTS = "-events"
PARENT = "projects/${PROJECT}/locations/${LOCATION}"
OIDC: Json = {"serviceAccountEmail": "${ACCOUNT}"}
ACK_SECONDS = 600
"""The most that Pub/Sub waits for an acknowledgement: https://cloud.google.com/pubsub/docs/lease-management"""


def problems(function: FunctionSpec) -> Iterator[Problem]:
    yield from schedules.beyond_cron(function, "Cloud Scheduler")


def manifest(function: FunctionSpec, target: Target, name: str, build: Json, defaults: Mapping[str, Any]) -> Json:
    """`build` is the function's buildConfig, `defaults` the options' own."""
    calls = _function(target, name, build, defaults, {})
    made: Json = {"functions": {name: calls}}
    waiting = [trigger for trigger in function.triggers if trigger.kind != "http"]
    if not waiting:
        return made
    events = _events(name)
    private = _function(target, events, build, defaults, {"HYFN_DOOR": "events"})
    private["serviceConfig"]["ingressSettings"] = "ALLOW_INTERNAL_ONLY"
    made["functions"][events] = private
    for trigger in waiting:
        group, id, body = _MAKE[trigger.kind](trigger, _id(events, trigger), events, name)
        made.setdefault(group, {})[id] = body
    return made


def _events(name: str) -> str:
    """What the second deployment is called, which takes events alone."""
    if len(name) + len(EVENTS) <= MAX_NAME:
        return name + EVENTS
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: MAX_NAME - len(EVENTS) - 7].rstrip('-')}-{digest}{EVENTS}"


def _function(target: Target, name: str, build: Json, defaults: Mapping[str, Any], env: Mapping[str, str]) -> Json:
    """https://cloud.google.com/functions/docs/reference/rest/v2/projects.locations.functions"""
    options = {**defaults, **target.options}
    variables = {**(options.get("env") or {}), **env}
    service = {
        "availableMemory": f"{options['memory']}Mi",
        "timeoutSeconds": math.ceil(options["timeout"]),
        "minInstanceCount": options["min_instances"],
        "maxInstanceCount": options["max_instances"],
        "maxInstanceRequestConcurrency": options["concurrency"],
        "environmentVariables": dict(sorted(variables.items())),
    }
    return {
        "name": f"{PARENT}/functions/{name}",
        "environment": "GEN_2",
        "buildConfig": build,
        "serviceConfig": {key: value for key, value in service.items() if value not in ({}, 0)},
    }


def _id(events: str, trigger: Trigger) -> str:
    digest = hashlib.sha256(f"{trigger.kind} {sorted(trigger.options.items())}".encode()).hexdigest()[:6]
    return f"{events[: MAX_NAME - 7].rstrip('-')}-{digest}"


Made = tuple[str, str, Json]


def _schedule(trigger: Trigger, id: str, events: str, name: str) -> Made:  # noqa: ARG001
    """https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs"""
    said = b64encode(trigger.resource.encode()).decode()
    target = {"uri": "${EVENTS}", "httpMethod": "POST", "body": said, "oidcToken": OIDC}
    job = {
        "name": f"{PARENT}/jobs/{id}",
        "schedule": schedules.read(trigger.resource).text,
        "timeZone": trigger.options["timezone"],
        "httpTarget": target,
    }
    return "jobs", id, job


def _trigger(id: str, events: str, filters: Mapping[str, str], **more: Any) -> Made:
    """https://cloud.google.com/eventarc/docs/reference/rest/v1/projects.locations.triggers"""
    destination = {"cloudRun": {"service": events, "region": "${LOCATION}"}}
    listed = [{"attribute": attribute, "value": value} for attribute, value in filters.items()]
    return (
        "triggers",
        id,
        {
            "name": f"{PARENT}/triggers/{id}",
            "eventFilters": listed,
            "destination": destination,
            "serviceAccount": "${ACCOUNT}",
            **more,
        },
    )


def _blob(trigger: Trigger, id: str, events: str, name: str) -> Made:  # noqa: ARG001
    """Eventarc does not filter by the name of an object: the function's host does."""
    change = "deleted" if trigger.options["change"] == "deleted" else "finalized"
    filters = {"type": f"google.cloud.storage.object.v1.{change}", "bucket": trigger.resource}
    return _trigger(id, events, filters)


def _topic(trigger: Trigger, id: str, events: str, name: str) -> Made:  # noqa: ARG001
    topic = {"pubsub": {"topic": f"projects/${{PROJECT}}/topics/{trigger.resource}"}}
    return _trigger(id, events, {"type": "google.cloud.pubsub.topic.v1.messagePublished"}, transport=topic)


def _event(trigger: Trigger, id: str, events: str, name: str) -> Made:  # noqa: ARG001
    source = {"source": trigger.options["source"]} if trigger.options["source"] else {}
    return _trigger(id, events, {"type": trigger.resource, **source}, channel=f"{PARENT}/channels/hyfn")


def _queue(trigger: Trigger, id: str, events: str, name: str) -> Made:  # noqa: ARG001
    """Every task of the queue goes to the function, whatever its own target says.

    https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues#httptarget
    """
    override = {"host": "${EVENTS_HOST}", "scheme": "HTTPS", "uriOverrideEnforceMode": "ALWAYS"}
    target = {"uriOverride": override, "oidcToken": OIDC}
    body = {"name": f"{PARENT}/queues/{trigger.resource}", "httpTarget": target}
    return "queues", trigger.resource, body


def _stream(trigger: Trigger, id: str, events: str, name: str) -> Made:  # noqa: ARG001
    """Its name says which stream it is of: a message does not."""
    subscription = f"{trigger.resource}.{name}"
    return (
        "subscriptions",
        subscription,
        {
            "name": f"projects/${{PROJECT}}/subscriptions/{subscription}",
            "topic": f"projects/${{PROJECT}}/topics/{trigger.resource}",
            "enableMessageOrdering": True,
            "ackDeadlineSeconds": ACK_SECONDS,
            "pushConfig": {"pushEndpoint": "${EVENTS}", "oidcToken": OIDC},
        },
    )


_MAKE: Mapping[str, Any] = {
    "schedule": _schedule,
    "blob": _blob,
    "topic": _topic,
    "event": _event,
    "queue": _queue,
    "stream": _stream,
}
