"""What an app's triggers need outside of the app, as a template for Azure Resource Manager: subscriptions. Pure.

    az deployment group create --template-file ingest.json --parameters app=... storageAccount=...

Whose resources they are (a storage account, a namespace, a topic of Event Grid) is for whoever deploys it to say, by
parameters. Connections, which the bindings name, are settings of the app. The app must have been deployed before: Event
Grid asks a function whether it is there.

https://learn.microsoft.com/azure/templates/microsoft.eventgrid/eventsubscriptions,
https://learn.microsoft.com/azure/templates/microsoft.servicebus/namespaces/topics/subscriptions,
https://learn.microsoft.com/azure/templates/microsoft.eventhub/namespaces/eventhubs/consumergroups. Not tried on Azure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hyfn.clouds.azure import bindings
from hyfn.clouds.azure.on import BLOBS, CHANGES
from hyfn.event import BLOB_CREATED, BLOB_DELETED
from hyfn.model import Trigger

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
EVENT_GRID, MESSAGING = "2022-06-15", "2021-11-01"
"""Versions of the providers' interfaces."""
ACCOUNT, TOPIC, SERVICE_BUS, EVENT_HUBS = (
    "storageAccount",
    "eventGridTopic",
    "serviceBusNamespace",
    "eventHubsNamespace",
)
UNFINISHED = ("CreateFile", "SftpCreate")
"""Operations by which a file begins that another one ends, in an account with a hierarchical namespace: both are
told of (https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage)."""

Resource = dict[str, Any]


def of(primary: str, triggers: Sequence[Trigger], app: str) -> Mapping[str, Any] | None:
    """None where they need nothing. `app` is the app's name, `primary` the identity of its first function."""
    found = {
        bindings.name(primary, trigger.kind, trigger.options): trigger for trigger in triggers if trigger.kind in _MADE
    }
    made = [_MADE[trigger.kind](name, trigger) for name, trigger in found.items()]
    resources = [resource for resource in made if resource]
    if not resources:
        return None
    text = str(resources)
    parameters = [each for each in (ACCOUNT, TOPIC, SERVICE_BUS, EVENT_HUBS) if f"'{each}'" in text]
    return {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {"app": {"type": "string", "defaultValue": app}} | dict.fromkeys(parameters, _TEXT),
        "resources": resources,
    }


_TEXT = {"type": "string"}


def _blob(name: str, trigger: Trigger) -> Resource:
    change = BLOB_DELETED if trigger.options["change"] == "deleted" else BLOB_CREATED
    [kind] = [native for native, made in CHANGES.items() if made == change]
    wanted = {
        "includedEventTypes": [kind],
        "subjectBeginsWith": f"{BLOBS}{trigger.resource}/blobs/{trigger.options['prefix']}",
        "subjectEndsWith": trigger.options["suffix"],
        "isSubjectCaseSensitive": True,
        "advancedFilters": [{"operatorType": "StringNotIn", "key": "data.api", "values": UNFINISHED}],
    }
    scope = f"[resourceId('Microsoft.Storage/storageAccounts', parameters('{ACCOUNT}'))]"
    return _subscription(name, scope, _function(name), wanted, "EventGridSchema")


def _event(name: str, trigger: Trigger) -> Resource:
    wanted: dict[str, Any] = {"includedEventTypes": [trigger.resource]}
    if trigger.options["source"]:
        only = {"operatorType": "StringIn", "key": "source", "values": [trigger.options["source"]]}
        wanted["advancedFilters"] = [only]
    scope = f"[resourceId('Microsoft.EventGrid/topics', parameters('{TOPIC}'))]"
    return _subscription(name, scope, _function(name), wanted, "CloudEventSchemaV1_0")


def _subscription(name: str, scope: str, destination: Resource, wanted: Resource, schema: str) -> Resource:
    properties = {"destination": destination, "filter": wanted, "eventDeliverySchema": schema}
    about = {"type": "Microsoft.EventGrid/eventSubscriptions", "apiVersion": EVENT_GRID, "scope": scope}
    return {**about, "name": name[-64:].strip("-_").replace("_", "-"), "properties": properties}


def _function(name: str) -> Resource:
    function = f"[resourceId('Microsoft.Web/sites/functions', parameters('app'), '{name}')]"
    return {"endpointType": "AzureFunction", "properties": {"resourceId": function}}


def _topic(_: str, trigger: Trigger) -> Resource:
    """After as many deliveries as Azure's default allows, a message is a dead letter."""
    kind = "Microsoft.ServiceBus/namespaces/topics/subscriptions"
    return _own(kind, SERVICE_BUS, trigger.resource, {"maxDeliveryCount": 10})


def _stream(_: str, trigger: Trigger) -> Resource:
    """Kafka makes a consumer group by itself."""
    if trigger.options["via"] == "kafka":
        return {}
    return _own("Microsoft.EventHub/namespaces/eventhubs/consumergroups", EVENT_HUBS, trigger.resource, {})


def _own(kind: str, namespace: str, resource: str, properties: Resource) -> Resource:
    """What the app has of a topic or an event hub for itself: by its name, see bindings.SITE."""
    name = f"[concat(parameters('{namespace}'), '/{_quoted(resource)}/', parameters('app'))]"
    return {"type": kind, "apiVersion": MESSAGING, "name": name, "properties": properties}


def _quoted(text: str) -> str:
    return text.replace("'", "''")


_MADE = {"blob": _blob, "event": _event, "topic": _topic, "stream": _stream}
