"""What fires OpenWhisk's triggers, and what Code Engine's timer sends, for `hyfn emit`.

OpenWhisk answers whoever fires a trigger before any action has run. The stand-in on this machine waits where a header
of hyfn's own asks for it, and then tells what became of the rules' activations.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from hyfn.cloud import Notification
from hyfn.clouds.openwhisk.on import PING
from hyfn.clouds.openwhisk.triggers import named
from hyfn.model import Trigger
from hyfn.wire.carrier import Endpoint, Request, Response

WAIT = "X-Hyfn-Wait"
"""In a request that fires a trigger: answer once the rules' activations have ended. No OpenWhisk knows it."""
PROJECT = "/apis/v1/namespaces/local/pingsources/hyfn"

Event = Mapping[str, Any]


class OpenWhiskEmitter:
    """See hyfn.cloud.Emitter. A stream's records come at once, all else by itself."""

    def notify(self, endpoint: Endpoint, trigger: Trigger, events: Sequence[Event]) -> Sequence[Notification]:
        if endpoint.door == "url":
            return [Notification(_ping(endpoint.url, trigger, event), [event["id"]]) for event in events]
        url = endpoint.url + quote(named(endpoint.function, trigger.kind, trigger.options), safe="")
        if trigger.kind == "stream":
            messages = [_message(event, trigger.resource, number) for number, event in enumerate(events)]
            return [Notification(_fired(url, {"messages": messages}), [event["id"] for event in events])]
        return [Notification(_fired(url, _said(trigger, event)), [event["id"]]) for event in events]

    def failed(self, notification: Notification, response: Response) -> Sequence[str]:
        """OpenWhisk delivers none of them again: those that an activation's error names, or all where it names none."""
        if response.status // 100 != 2:
            return notification.ids
        if response.status != 200 or not response.headers.get("content-type", "").startswith("application/json"):
            return []
        failed: set[str] = set()
        for activation in json.loads(response.body).get("activations", []):
            failed |= _failed(notification, activation["response"])
        return [id for id in notification.ids if id in failed]


emitter = OpenWhiskEmitter()


def _fired(url: str, parameters: Mapping[str, Any]) -> Request:
    return Request("POST", url, {"Content-Type": "application/json", WAIT: "true"}, json.dumps(parameters).encode())


def _said(trigger: Trigger, event: Event) -> dict[str, Any]:
    if trigger.kind == "schedule":
        return {"schedule": trigger.resource}
    content = {"data_base64": _base64(event["data_base64"])} if "data_base64" in event else {}
    return {**event, **content}


def _message(event: Event, topic: str, number: int) -> dict[str, Any]:
    value = event["data_base64"] if "data_base64" in event else json.dumps(event.get("data")).encode()
    return {
        "value": _base64(value),
        "topic": topic,
        "partition": int(event.get("partition", 0)),
        "offset": int(event.get("sequence", number)),
        "key": event.get("partitionkey"),
    }


def _ping(url: str, trigger: Trigger, event: Event) -> Request:
    """As Knative's PingSource sends it: https://cloud.ibm.com/docs/codeengine?topic=codeengine-subscribe-cron"""
    headers = {"ce-specversion": "1.0", "ce-type": PING, "ce-source": PROJECT, "ce-id": event["id"]}
    headers |= {"ce-time": event["time"]} if event.get("time") else {}
    return Request("POST", url, {**headers, "Content-Type": "text/plain"}, trigger.resource.encode())


def _failed(notification: Notification, response: Mapping[str, Any]) -> set[str]:
    if response["success"]:
        return set()
    error = response["result"].get("error")
    keys = error.get("failed") if isinstance(error, dict) else None
    messages = json.loads(notification.request.body or b"{}").get("messages")
    if not keys or messages is None:
        return set(notification.ids)
    places = [f"{message['partition']}:{message['offset']}" for message in messages]
    return {id for id, place in zip(notification.ids, places, strict=True) if place in keys}


def _base64(body: bytes) -> str:
    return b64encode(body).decode()
