"""What wakes an action of OpenWhisk, and a function of IBM's Code Engine, by what it is called with.

A trigger that is fired calls the actions of its rules with its own parameters and those that it is fired with
(Triggers.scala of apache/openwhisk). Those are: of the alarms package trigger_payload, which hyfn makes {"schedule":
WHEN} (README.md of apache/openwhisk-package-alarms); of the messaging package's kafkaFeed {"messages": [...]}, to which
hyfn's triggers add {"encoding": "base64"} (README.md and provider/consumer.py of apache/openwhisk-package-kafka); of
all else what whoever fires it says: a CloudEvent in its JSON format.

Code Engine's periodic timer sends a CloudEvent over HTTP, with the data that its subscription says: WHEN
(https://cloud.ibm.com/docs/codeengine?topic=codeengine-subscribe-cron).
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from os import environ
from time import time

from hyfn.errors import CallError, Malformed
from hyfn.event import SCHEDULE_TICK, STREAM_RECORD, occurrence
from hyfn.host import cloudevents, event_door, events
from hyfn.host.events import Delivery, Item
from hyfn.wire.message import new_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hyfn.host.events import Outcome
    from hyfn.host.run import Runner

PING = "dev.knative.sources.ping"
BASE64 = {"encoding": "base64"}
"""Parameters of a trigger whose feed encodes the values of its records."""


def take(runner: Runner, params: Any) -> dict[str, Any]:
    """Give what an activation brings to each function that waits for it, and say what became of it."""
    is_http = isinstance(params, dict) and "__ce_method" in params
    try:
        came = delivery(params)
    except CallError as error:
        return _response(error.http_status, error.code) if is_http else _failure(error, [])
    outcome = events.deliver(runner, came, _remaining())
    if is_http:
        status, _, body, *_ = event_door.said(outcome)
        return _response(status, body.decode())
    return answer(outcome)


def delivery(params: Any) -> Delivery:
    """Raises Malformed or UnsupportedEncoding."""
    if not isinstance(params, dict):
        raise Malformed("an activation's parameters are an object")
    if "__ce_method" in params:
        return _timer(params)
    if params.keys() == {"schedule"} and isinstance(params["schedule"], str):
        return _tick(params["schedule"], environ.get("__OW_ACTIVATION_ID") or new_id().hex())
    if "messages" in params:
        return _records(params["messages"], params.get("encoding") == BASE64["encoding"])
    event = cloudevents.structured(params)
    return Delivery("event", "", [Item(event["id"], event)])


def answer(outcome: Outcome) -> dict[str, Any]:
    """OpenWhisk knows an activation only as a whole, and delivers nothing again: what failed is an application error,
    whose "failed" names each event by its id, each record as PARTITION:OFFSET (docs/actions.md)."""
    return {} if outcome.error is None else _failure(outcome.error, list(outcome.failed))


def _failure(error: Exception, failed: list[str]) -> dict[str, Any]:
    code = error.code if isinstance(error, CallError) else "USER_ERROR"
    return {"error": {"code": code, "failed": failed}}


def _response(status: int, body: str) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"Content-Type": "text/plain"}, "body": body}


def _remaining() -> float:
    """Seconds: the launcher is told of each activation when it must have ended, in milliseconds."""
    try:
        return int(environ["__OW_DEADLINE"]) / 1000 - time()
    except (KeyError, ValueError):
        return events.REMAINING


def _tick(when: str, id: str, at: str | None = None) -> Delivery:
    return Delivery("schedule", when, [Item(id, occurrence(SCHEDULE_TICK, "/schedule", id, time=at))])


def _timer(params: dict[str, Any]) -> Delivery:
    if params["__ce_method"] != "POST":
        raise Malformed("only POST carries an event")
    try:
        headers = {name.lower(): str(value) for name, value in params["__ce_headers"].items()}
    except (AttributeError, KeyError) as error:
        raise Malformed("no parameters of a Code Engine function") from error
    [event] = cloudevents.read({**headers, "content-type": ""}, b"")
    if event["type"] != PING:
        raise Malformed("Code Engine's functions are woken by its periodic timer alone")
    return _tick(str(params.get("__ce_body") or ""), event["id"], event.get("time"))


def _records(messages: Any, is_base64: bool) -> Delivery:
    """All of one topic. Each stands for itself, though they are in order: what a failure held back would be lost, since
    the feed has committed all of them by now."""
    try:
        items = [_record(message, is_base64) for message in messages]
        topic: str = messages[0]["topic"]
    except (AttributeError, LookupError, TypeError, ValueError, Error) as error:
        raise Malformed("these are no messages of a kafkaFeed") from error
    return Delivery("stream", topic, items)


def _record(message: dict[str, Any], is_base64: bool) -> Item:
    """A record has no id but its place. Its value is a text, or what its JSON says where the feed reads it."""
    partition, offset, value = str(int(message["partition"])), str(int(message["offset"])), message["value"]
    content: dict[str, Any] = {"data": value}
    if isinstance(value, str):
        content = {"body": a2b_base64(value) if is_base64 else value.encode()}
    id = f"{partition}:{offset}"
    event = occurrence(
        STREAM_RECORD,
        f"/stream/{message['topic']}",
        id,
        partition=partition,
        sequence=offset,
        partitionkey=message.get("key"),
        **content,
    )
    return Item(id, event)
