"""Knative Eventing's own objects for a function's triggers, and the service that takes their events. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from hyfn.clouds.knative.on import PLAIN
from hyfn.discover import schedules
from hyfn.model import FunctionSpec, Offer, Problem, Target, Trigger
from hyfn.pack import pods

PRIVATE = {"networking.knative.dev/visibility": "cluster-local"}
"""Its service has no door to the outside: https://knative.dev/docs/serving/services/private-services/"""
BROKER = "default"
DELIVERY = {"retry": 5, "backoffPolicy": "exponential", "backoffDelay": "PT0.5S"}
"""https://knative.dev/docs/eventing/event-delivery/"""
START = {"latest": "latest", "earliest": "earliest"}

OFFERS: Mapping[str, Offer] = {
    "http": Offer("Service", "https://knative.dev/docs/serving/services/", ("methods", "mount")),
    "schedule": Offer("PingSource", "https://knative.dev/docs/eventing/sources/ping-source/", ("timezone",)),
    "event": Offer("Trigger on a Broker", "https://knative.dev/docs/eventing/triggers/", ("source",)),
    "stream": Offer(
        "KafkaSource", "https://knative.dev/docs/eventing/sources/kafka-source/", ("start", "via", "connection")
    ),
    "queue": Offer("RabbitmqSource", "https://knative.dev/docs/eventing/sources/rabbitmq-source/", ("connection",)),
}
"""What Knative has of its own. Each of its sources brings one event at a time."""


def problems(function: FunctionSpec) -> Iterator[Problem]:
    """What the sources would refuse of the function's triggers."""
    yield from schedules.beyond_cron(function, "Knative's PingSource")
    for trigger in function.triggers:
        if trigger.kind == "stream" and not trigger.options["connection"]:
            said = f"the KafkaSource of {trigger.resource} wants the bootstrap servers of Kafka"
            yield Problem("error", said, trigger.place, 'connection="kafka.example:9092"')
        if trigger.kind == "queue" and not trigger.options["connection"]:
            said = f"the RabbitmqSource of {trigger.resource} wants the name of its RabbitmqCluster"
            yield Problem("error", said, trigger.place, 'connection="rabbitmq"')


def waiting(function: FunctionSpec) -> list[Trigger]:
    """The triggers that bring events."""
    return [trigger for trigger in function.triggers if trigger.kind != "http"]


def sources(function: FunctionSpec, target: Target, name: str) -> list[pods.Json]:
    """One object for each trigger, all of which send to the service `name`."""
    return [
        _MAKE[trigger.kind](trigger, _metadata(name, target, trigger), _sink(name)) for trigger in waiting(function)
    ]


def _metadata(name: str, target: Target, trigger: Trigger) -> pods.Json:
    """Named for its trigger, so that changing one leaves the others as they are."""
    digest = hashlib.sha256(f"{trigger.kind} {sorted(trigger.options.items())}".encode()).hexdigest()[:6]
    return pods.metadata(f"{name}-{digest}", target)


def _sink(name: str) -> pods.Json:
    return {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": name}}


def _ping(trigger: Trigger, metadata: pods.Json, sink: pods.Json) -> pods.Json:
    when = {"schedule": schedules.read(trigger.resource).text, "timezone": trigger.options["timezone"]}
    spec = {**when, "contentType": PLAIN, "data": trigger.resource, "sink": sink}
    return {"apiVersion": "sources.knative.dev/v1", "kind": "PingSource", "metadata": metadata, "spec": spec}


def _trigger(trigger: Trigger, metadata: pods.Json, sink: pods.Json) -> pods.Json:
    source = {"source": trigger.options["source"]} if trigger.options["source"] else {}
    attributes = {"type": trigger.resource, **source}
    spec = {"broker": BROKER, "filter": {"attributes": attributes}, "subscriber": sink, "delivery": DELIVERY}
    return {"apiVersion": "eventing.knative.dev/v1", "kind": "Trigger", "metadata": metadata, "spec": spec}


def _kafka(trigger: Trigger, metadata: pods.Json, sink: pods.Json) -> pods.Json:
    spec = {
        "consumerGroup": metadata["name"],
        "bootstrapServers": [server.strip() for server in trigger.options["connection"].split(",")],
        "topics": [trigger.resource],
        "initialOffset": START[trigger.options["start"]],
        "sink": sink,
        "delivery": DELIVERY,
    }
    return {"apiVersion": "sources.knative.dev/v1beta1", "kind": "KafkaSource", "metadata": metadata, "spec": spec}


def _rabbitmq(trigger: Trigger, metadata: pods.Json, sink: pods.Json) -> pods.Json:
    spec = {
        "rabbitmqClusterReference": {"name": trigger.options["connection"]},
        "rabbitmqResourcesConfig": {"queueName": trigger.resource, "predeclared": True},
        "sink": sink,
        "delivery": DELIVERY,
    }
    return {"apiVersion": "sources.knative.dev/v1alpha1", "kind": "RabbitmqSource", "metadata": metadata, "spec": spec}


_MAKE: Mapping[str, Any] = {"schedule": _ping, "event": _trigger, "stream": _kafka, "queue": _rabbitmq}


def private(service: pods.Json, name: str) -> pods.Json:
    """The same service as `service`, but for events alone and with no door to the outside."""
    metadata = service["metadata"]
    template = service["spec"]["template"]
    labels = {**metadata["labels"], pods.LABEL: name, **PRIVATE}
    return {
        **service,
        "metadata": {**metadata, "name": name, "labels": labels},
        "spec": {"template": {**template, "spec": pods.taking_events(template["spec"])}},
    }
