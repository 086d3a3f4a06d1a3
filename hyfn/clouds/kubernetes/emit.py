"""Events on plain Kubernetes, for `hyfn emit`: CloudEvents in binary mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hyfn.cloud import Notification
from hyfn.host import cloudevents
from hyfn.model import Trigger
from hyfn.wire.carrier import Endpoint, Request, Response


class KubernetesEmitter:
    """See hyfn.cloud.Emitter. One request for each event."""

    def notify(
        self, endpoint: Endpoint, trigger: Trigger, events: Sequence[Mapping[str, Any]]
    ) -> Sequence[Notification]:
        tick = {"schedule": trigger.resource} if trigger.kind == "schedule" else {}
        return [
            Notification(Request("POST", endpoint.url, *cloudevents.binary({**event, **tick})), [event["id"]])
            for event in events
        ]

    def failed(self, notification: Notification, response: Response) -> Sequence[str]:
        return [] if response.status // 100 == 2 else notification.ids


emitter = KubernetesEmitter()
