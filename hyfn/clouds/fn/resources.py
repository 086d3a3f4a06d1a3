"""What wakes a function on Oracle Functions, as the bodies of requests to Oracle's APIs. Pure.

Fn itself has HTTP triggers alone (https://github.com/fnproject/docs/blob/master/fn/develop/triggers.md). Oracle's
Notifications can call functions too, but do not say for which topic; Queue and Resource Scheduler have no documented
form of what they send. OCIDs stand as ${…}: they are known when it is shipped.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hyfn.model import FunctionSpec, Offer, Problem, Trigger

Json = dict[str, Any]

FN_OFFERS: Mapping[str, Offer] = {
    "http": Offer(
        "an HTTP trigger", "https://github.com/fnproject/docs/blob/master/fn/develop/triggers.md", ("methods",)
    ),
}
OFFERS: Mapping[str, Offer] = {
    "http": Offer(
        "an API gateway",
        "https://docs.oracle.com/iaas/Content/APIGateway/Tasks/apigatewayusingfunctionsbackend.htm",
        ("methods", "mount"),
    ),
    "blob": Offer(
        "OCI Events of Object Storage",
        "https://docs.oracle.com/en-us/iaas/Content/Events/Reference/eventsproducers.htm",
        ("prefix", "suffix", "change"),
    ),
    "event": Offer("OCI Events", "https://docs.oracle.com/en-us/iaas/Content/Events/Concepts/eventsoverview.htm"),
    "stream": Offer(
        "Streaming by Connector Hub",
        "https://docs.oracle.com/en-us/iaas/Content/connector-hub/create-service-connector-streaming-source.htm",
        ("batch", "start"),
    ),
}
STARTS = {"latest": "LATEST", "earliest": "TRIM_HORIZON"}
CHANGED = {"created": ("createobject", "updateobject"), "deleted": ("deleteobject",)}


def problems(function: FunctionSpec, is_oracle: bool) -> Iterator[Problem]:
    """What Fn would refuse of the function's triggers, and what Oracle does otherwise than it may expect."""
    for trigger in function.triggers:
        if trigger.kind == "http" and "{" in trigger.resource and not is_oracle:
            said = f"an HTTP trigger of Fn has one path, without parameters, not {trigger.resource}"
            yield Problem("error", said, trigger.place, "take them by the query, or by the body")
        if trigger.kind == "stream":
            said = f"Connector Hub calls {function.qualname} again with all of a batch when one record of it fails"
            yield Problem("warning", said, trigger.place, "let it be harmless to get a record twice")


def triggers(function: FunctionSpec, name: str) -> Json:
    """`rules` are bodies of CreateRule (Events), `connectors` of CreateServiceConnector, `deployments` of
    CreateDeployment (API Gateway)."""
    made: Json = {}
    if any(trigger.kind == "http" for trigger in function.triggers):
        made["deployments"] = [_deployment(name)]
    for trigger in function.triggers:
        if trigger.kind in _MAKE:
            group, body = _MAKE[trigger.kind](trigger, name)
            made.setdefault(group, []).append(body)
    return made


def _deployment(name: str) -> Json:
    """All paths of a gateway of its own lead to the function, which tells them apart
    (https://docs.oracle.com/en-us/iaas/api/#/en/api-gateway/20190501/datatypes/CreateDeploymentDetails)."""
    backend = {"type": "ORACLE_FUNCTIONS_BACKEND", "functionId": "${FUNCTION}"}
    return {
        "displayName": name,
        "compartmentId": "${COMPARTMENT}",
        "gatewayId": "${GATEWAY}",
        "pathPrefix": "/",
        "specification": {"routes": [{"path": "/{rest*}", "methods": ["ANY"], "backend": backend}]},
    }


def sources(paths: Iterable[str]) -> list[Json]:
    """Fn's own HTTP triggers for these paths, as func.yaml has them: a name, and what follows /t/APP."""
    return [{"name": _plain(path), "type": "http", "source": path} for path in dict.fromkeys(paths)]


def _plain(path: str) -> str:
    """A trigger's name: letters, digits and "-" (fn/api/models/trigger.go)."""
    digest = hashlib.sha256(path.encode()).hexdigest()[:6]
    return f"{re.sub('[^a-z0-9]+', '-', path.lower()).strip('-') or 'root'}-{digest}"


def _rule(trigger: Trigger, name: str, condition: Json) -> tuple[str, Json]:
    """https://docs.oracle.com/en-us/iaas/api/#/en/events/20181201/datatypes/CreateRuleDetails"""
    action = {"actionType": "FAAS", "isEnabled": True, "functionId": "${FUNCTION}"}
    return "rules", {
        "displayName": _name(trigger, name),
        "isEnabled": True,
        "compartmentId": "${COMPARTMENT}",
        "condition": json.dumps(condition, sort_keys=True),
        "actions": {"actions": [action]},
    }


def _blob(trigger: Trigger, name: str) -> tuple[str, Json]:
    """A bucket says nothing until its owner lets it emit events. Names are matched as the rule's filter can: by "*"."""
    kinds = [f"com.oraclecloud.objectstorage.{each}" for each in CHANGED[trigger.options["change"]]]
    data: Json = {"additionalDetails": {"bucketName": trigger.resource}}
    if trigger.options["prefix"] or trigger.options["suffix"]:
        data["resourceName"] = f"{trigger.options['prefix']}*{trigger.options['suffix']}"
    return _rule(trigger, name, {"eventType": kinds, "data": data})


def _event(trigger: Trigger, name: str) -> tuple[str, Json]:
    return _rule(trigger, name, {"eventType": [trigger.resource]})


def _stream(trigger: Trigger, name: str) -> tuple[str, Json]:
    """https://docs.oracle.com/en-us/iaas/api/#/en/serviceconnectors/20200909/datatypes/CreateServiceConnectorDetails"""
    cursor = {"kind": STARTS[trigger.options["start"]]}
    source = {"kind": "streaming", "streamId": f"${{STREAM:{trigger.resource}}}", "cursor": cursor}
    target = {"kind": "functions", "functionId": "${FUNCTION}", "batchSizeInNum": trigger.options["batch"]}
    return "connectors", {
        "displayName": _name(trigger, name),
        "compartmentId": "${COMPARTMENT}",
        "source": source,
        "target": target,
    }


def _name(trigger: Trigger, name: str) -> str:
    digest = hashlib.sha256(f"{trigger.kind} {sorted(trigger.options.items())}".encode()).hexdigest()[:6]
    return f"{name}-{digest}"


_MAKE: Mapping[str, Any] = {"blob": _blob, "event": _event, "stream": _stream}
