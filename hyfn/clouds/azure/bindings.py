"""What a function's triggers are on Azure: one function of the app for each thing that is listened to. Pure.

A binding is what function_app.py says of one such function, as values that JSON has:

    name       the function's name in its app
    trigger    the decorator of azure.functions that makes it, and `settings`, the decorator's arguments
    retry      what azure.functions' `retry` takes; only where Azure would go on after a failure
    kind, resource, functions   what hyfn makes of it: the functions (identities) that each event is given to
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hyfn.discover import schedules
from hyfn.errors import BuildError
from hyfn.model import Offer, Problem, Target, Trigger

DOCS = "https://learn.microsoft.com/azure/azure-functions"
OFFERS = {
    "http": Offer("an HTTP trigger", f"{DOCS}/functions-bindings-http-webhook-trigger", ("methods", "mount")),
    "schedule": Offer("a timer trigger", f"{DOCS}/functions-bindings-timer"),
    "blob": Offer(
        "Event Grid's events of a storage account",
        "https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage",
        ("prefix", "suffix", "change"),
    ),
    "queue": Offer(
        "a queue storage trigger", f"{DOCS}/functions-bindings-storage-queue-trigger", ("batch", "connection")
    ),
    "topic": Offer("a Service Bus topic trigger", f"{DOCS}/functions-bindings-service-bus-trigger", ("connection",)),
    "stream": Offer(
        "an Event Hubs trigger",
        f"{DOCS}/functions-bindings-event-hubs-trigger",
        ("batch", "start", "via", "connection"),
    ),
    "event": Offer("an Event Grid trigger", f"{DOCS}/functions-bindings-event-grid-trigger", ("source",)),
}
"""A schedule has no timezone: WEBSITE_TIME_ZONE does nothing in the Flex Consumption plan
(https://learn.microsoft.com/azure/azure-functions/functions-app-settings#website_time_zone)."""
STORAGE = "AzureWebJobsStorage"
SERVICE_BUS = "AzureWebJobsServiceBus"
EVENT_HUBS = "AzureWebJobsEventHubs"
"""App settings with a connection, where the trigger names none. The first two are Azure's own defaults; for Event Hubs
it has none, and this is hyfn's."""
SITE = "%WEBSITE_SITE_NAME%"
"""The app's own name, which Azure puts in the environment: its subscription and consumer group, so that no other app
takes what is for this one. Azure looks up `%NAME%` among settings and environment variables
(https://learn.microsoft.com/azure/azure-functions/functions-bindings-expressions-patterns#binding-expressions---app-settings)."""
MAX_SUBSCRIPTION = 50
"""Characters of a subscription's and of a consumer group's name
(https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules)."""
MAX_QUEUE_BATCH = 32
"""https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#host-json: batchSize."""
SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*")
RETRY = {
    "strategy": "exponential_backoff",
    "max_retry_count": "-1",
    "minimum_interval": "00:00:01",
    "maximum_interval": "00:05:00",
}
"""For streams, whose pointer moves on past a batch that failed unless a policy says otherwise: under one the checkpoint
waits until the batch is taken, with -1 for as long as it takes
(https://learn.microsoft.com/azure/azure-functions/functions-reliable-event-processing,
https://learn.microsoft.com/azure/azure-functions/functions-bindings-error-pages#retry-policies)."""
BUNDLE = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.0.0, 5.0.0)"}
"""What knows all bindings but HTTP and timers; Flex Consumption wants version 4
(https://learn.microsoft.com/azure/azure-functions/functions-bindings-register#extension-bundles)."""
CALLS = "api/"
"""Below which an app takes calls: Azure's own `routePrefix`, which an app that has pages does without."""
RESERVED = ("/admin/", "/runtime/")
"""What Azure's host answers itself (HostJsonFileConfigurationSource and WebHost in Azure/azure-functions-host)."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SHARED = ("batch", "start")
"""Options that host.json holds: for all functions of an app."""
PLAIN = frozenset(("http", "schedule"))
"""Kinds that need no extension."""

Triggers = Mapping[str, Sequence[Mapping[str, Any]]]
"""Those of each function, as hyfn.json has them: "kind", and the options by their names."""


def function_name(qualname: str) -> str:
    """The function's name in its app. Azure takes `[A-Za-z][A-Za-z0-9_-]{0,127}` but not "host"."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", qualname).strip("-")[:100]
    is_right = re.match("[A-Za-z]", plain) and plain.lower() != "host"
    return plain if is_right else f"f-{plain}"


def name(primary: str, kind: str, options: Mapping[str, Any]) -> str:
    """The name in its app of the function that waits for this; `primary` is the identity of the artifact's first
    function. The same on every machine."""
    own = {option: value for option, value in options.items() if option not in (*SHARED, "kind")}
    digest = hashlib.sha256(json.dumps([kind, own], sort_keys=True).encode()).hexdigest()[:6]
    return f"{function_name(primary.partition(':')[2])}-{kind}-{digest}"


def of(primary: str, triggers: Triggers) -> list[dict[str, Any]]:
    """The bindings of an artifact. Functions that wait for the same share one: Azure would divide a queue among two.
    All that take plain HTTP share one, since hyfn tells their paths apart."""
    found: dict[str, dict[str, Any]] = {}
    for function, waiting in triggers.items():
        for trigger in waiting:
            made = _pages(primary) if trigger["kind"] == "http" else _binding(primary, trigger)
            binding = found.setdefault(made["name"], made)
            binding["functions"] = [*dict.fromkeys((*binding["functions"], function))]
    return list(found.values())


def _pages(primary: str) -> dict[str, Any]:
    settings = {"route": "{*path}", "methods": METHODS, "auth_level": "anonymous"}
    about = {
        "name": f"{function_name(primary.partition(':')[2])}-http",
        "kind": "http",
        "resource": "",
        "functions": [],
    }
    return about | {"trigger": "route", "settings": settings}


def _binding(primary: str, trigger: Mapping[str, Any]) -> dict[str, Any]:
    named = name(primary, trigger["kind"], trigger)
    kind, resource = trigger["kind"], next(value for option, value in trigger.items() if option != "kind")
    decorator, settings = _DECORATORS[kind](trigger)
    about = {"name": named, "kind": kind, "resource": resource, "functions": [], "trigger": decorator}
    return about | {"settings": settings} | ({"retry": RETRY} if kind == "stream" else {})


Decorated = tuple[str, dict[str, str]]


def _timer(trigger: Mapping[str, Any]) -> Decorated:
    """NCRONTAB has a field for seconds in front."""
    return "timer_trigger", {"schedule": f"0 {schedules.read(trigger['when']).text}"}


def _queue(trigger: Mapping[str, Any]) -> Decorated:
    settings = {"queue_name": trigger["name"], "connection": trigger["connection"] or STORAGE, "data_type": "binary"}
    return "queue_trigger", settings


def _topic(trigger: Mapping[str, Any]) -> Decorated:
    settings = {"topic_name": trigger["name"], "subscription_name": SITE, "data_type": "binary"}
    return "service_bus_topic_trigger", {**settings, "connection": trigger["connection"] or SERVICE_BUS}


def _stream(trigger: Mapping[str, Any]) -> Decorated:
    common = {"consumer_group": SITE, "cardinality": "many", "data_type": "binary"}
    if trigger["via"] == "kafka":
        return "kafka_trigger", {"topic": trigger["name"], "broker_list": _brokers(trigger["connection"]), **common}
    connection = trigger["connection"] or EVENT_HUBS
    return "event_hub_message_trigger", {"event_hub_name": trigger["name"], "connection": connection, **common}


def _brokers(connection: str) -> str:
    return f"%{connection}%" if SETTING.fullmatch(connection) and ":" not in connection else connection


def _event_grid(_: Mapping[str, Any]) -> Decorated:
    """What comes is said by the event subscription, outside of the app. Of a blob too: a blob trigger would have Azure
    read each blob's content into the app."""
    return "event_grid_trigger", {}


_DECORATORS = {
    "schedule": _timer,
    "blob": _event_grid,
    "queue": _queue,
    "topic": _topic,
    "stream": _stream,
    "event": _event_grid,
}


def host_settings(triggers: Triggers) -> dict[str, Any]:
    """What host.json holds for them. Raises BuildError where functions of one artifact want different things of it.

    https://learn.microsoft.com/azure/azure-functions/functions-host-json"""
    waiting = [trigger for each in triggers.values() for trigger in each]
    makers = {"http": _prefix, "queues": _queues, "eventHubs": _event_hubs, "kafka": _kafka}
    parts = {extension: make(waiting) for extension, make in makers.items()}
    extensions = {extension: settings for extension, settings in parts.items() if settings}
    bundle = {} if all(trigger["kind"] in PLAIN for trigger in waiting) else {"extensionBundle": BUNDLE}
    return bundle | ({"extensions": extensions} if extensions else {})


def _prefix(waiting: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Pages are at the paths that their functions name, not below Azure's "/api"."""
    return {"routePrefix": ""} if any(trigger["kind"] == "http" for trigger in waiting) else {}


def _queues(waiting: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Each message is an invocation by itself; these many are under way at once. Without a batch Azure's own 16."""
    batch = _agreed([trigger["batch"] for trigger in waiting if trigger["kind"] == "queue"], "batch", "queues")
    return {} if batch in (None, 1) else {"batchSize": batch}


def _event_hubs(waiting: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    streams = _streams(waiting, "platform")
    if not streams:
        return {}
    start = _agreed([trigger["start"] for trigger in streams], "start", "event hubs")
    return {
        "maxEventBatchSize": _agreed([trigger["batch"] for trigger in streams], "batch", "event hubs"),
        "initialOffsetOptions": {"type": "fromEnd" if start == "latest" else "fromStart"},
    }


def _kafka(waiting: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    streams = _streams(waiting, "kafka")
    if not streams:
        return {}
    start = _agreed([trigger["start"] for trigger in streams], "start", "topics of Kafka")
    batch = _agreed([trigger["batch"] for trigger in streams], "batch", "topics of Kafka")
    return {"maxBatchSize": batch, "AutoOffsetReset": str(start).capitalize()}


def _streams(waiting: Sequence[Mapping[str, Any]], via: str) -> list[Mapping[str, Any]]:
    return [trigger for trigger in waiting if trigger["kind"] == "stream" and trigger["via"] == via]


def _agreed(values: Sequence[Any], option: str, of_what: str) -> Any:
    if len(set(values)) > 1:
        said = " and ".join(f"{option}={value!r}" for value in sorted(set(values)))
        message = (
            f"functions of one group want {said}, and an app of Azure Functions has one {option} for all {of_what}"
        )
        raise BuildError(message, hint="give them the same, or groups of their own")
    return values[0] if values else None


def problems(trigger: Trigger, target: Target) -> Iterator[Problem]:
    """What Azure would refuse of a trigger of a kind that it has."""
    for message, hint in _wrong(trigger, str(target.options.get("name") or "")):
        yield Problem("error", message, trigger.place, hint)


def _wrong(trigger: Trigger, app: str) -> Iterator[tuple[str, str]]:
    options, kind = trigger.options, trigger.kind
    if kind == "http" and f"{trigger.resource.lower()}/".startswith((*RESERVED, f"/{CALLS}")):
        yield f"Azure has what is at {trigger.resource}", "a path that does not begin with /admin, /runtime or /api"
    if kind == "schedule" and not _has_cron(str(options["when"])):
        yield (
            f"a timer of Azure cannot say {options['when']!r}",
            "a rate that divides an hour or a day, or a cron expression",
        )
    if kind == "queue" and options["batch"] > MAX_QUEUE_BATCH:
        yield f"Azure takes {MAX_QUEUE_BATCH} messages of a queue at once, not {options['batch']}", "a smaller batch="
    is_kafka = kind == "stream" and options["via"] == "kafka"
    connection = str(options.get("connection") or "")
    if is_kafka and not connection:
        yield "a trigger of Kafka needs its servers", 'connection="host:9092", or the app setting that holds them'
    elif connection and not is_kafka and not SETTING.fullmatch(connection):
        yield "connection= is the name of an app setting, never what the setting holds", 'such as connection="ORDERS"'
    if kind in ("topic", "stream") and len(app) > MAX_SUBSCRIPTION:
        hint = f"name= of {MAX_SUBSCRIPTION} characters at most: the app's subscriptions are called so too"
        yield f"Azure takes no subscription named {app!r}", hint


def _has_cron(when: str) -> bool:
    try:
        return bool(schedules.read(when).text)
    except ValueError:
        return True  # discovery has said so
