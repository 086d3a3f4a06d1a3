"""Knative's own events, for `hyfn emit`: as its sources and its broker send them, in CloudEvents' binary mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hyfn.cloud import Notification
from hyfn.clouds.knative.on import KAFKA, PING, PLAIN, RABBITMQ
from hyfn.host import cloudevents
from hyfn.model import Trigger
from hyfn.wire.carrier import Endpoint, Request, Response

SOURCES = "/apis/v1/namespaces/default"


class KnativeEmitter:
    """See hyfn.cloud.Emitter. One request for each event."""

    def notify(
        self, endpoint: Endpoint, trigger: Trigger, events: Sequence[Mapping[str, Any]]
    ) -> Sequence[Notification]:
        make = {"schedule": _ping, "stream": _kafka, "queue": _rabbitmq}.get(trigger.kind, _as_it_is)
        native = [make(event, trigger.resource, number) for number, event in enumerate(events)]
        return [
            Notification(Request("POST", endpoint.url, *cloudevents.binary(each)), [event["id"]])
            for each, event in zip(native, events, strict=True)
        ]

    def failed(self, notification: Notification, response: Response) -> Sequence[str]:
        """All 2xx are a success: https://github.com/knative/specs/blob/main/specs/eventing/data-plane.md"""
        return [] if response.status // 100 == 2 else notification.ids


emitter = KnativeEmitter()


def _as_it_is(event: Mapping[str, Any], _: str, __: int) -> dict[str, Any]:
    return dict(event)


def _ping(event: Mapping[str, Any], when: str, _: int) -> dict[str, Any]:
    name = "".join(letter if letter.isalnum() else "-" for letter in when).strip("-").lower() or "ping"
    said = {"datacontenttype": PLAIN, "data_base64": when.encode()}
    return {**event, **said, "type": PING, "source": f"{SOURCES}/pingsources/{name}"}


def _kafka(event: Mapping[str, Any], topic: str, number: int) -> dict[str, Any]:
    partition, offset = event.get("partition", "0"), event.get("sequence", str(number))
    kept = {name: value for name, value in event.items() if name not in ("partition", "sequence", "partitionkey")}
    key = {"key": event["partitionkey"]} if "partitionkey" in event else {}
    source = f"{SOURCES}/kafkasources/hyfn#{topic}"
    return {**kept, **key, "type": KAFKA, "source": source, "subject": f"partition:{partition}#{offset}"}


def _rabbitmq(event: Mapping[str, Any], queue: str, _: int) -> dict[str, Any]:
    return {**event, "type": RABBITMQ, "source": f"{SOURCES}/rabbitmqsources/hyfn#{queue}"}
