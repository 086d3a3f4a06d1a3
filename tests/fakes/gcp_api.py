"""The forms of Google's APIs, from its own client packages: which request is which method, and what it may hold."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf import json_format

APIS = {
    "cloudfunctions": ("google.cloud.functions_v2", "function_service", "FunctionService"),
    "iam": ("google.cloud.iam_admin_v1", "iam", "IAM"),
    "secretmanager": ("google.cloud.secretmanager_v1", "secret_manager_service", "SecretManagerService"),
    "run": ("google.cloud.run_v2", "services", "Services"),
    "eventarc": ("google.cloud.eventarc_v1", "eventarc", "Eventarc"),
    "cloudscheduler": ("google.cloud.scheduler_v1", "cloud_scheduler", "CloudScheduler"),
    "cloudtasks": ("google.cloud.tasks_v2", "cloud_tasks", "CloudTasks"),
    "pubsub": ("google.pubsub_v1", "subscriber", "Subscriber"),
    "cloudresourcemanager": ("google.cloud.resourcemanager_v3", "projects", "Projects"),
}
BY_HAND = {
    "iam": [
        ("GetServiceAccount", "GET", "/v1/{name=projects/*/serviceAccounts/*}", ""),
        ("ListServiceAccounts", "GET", "/v1/{name=projects/*}/serviceAccounts", ""),
        ("CreateServiceAccount", "POST", "/v1/{name=projects/*}/serviceAccounts", "*"),
        ("PatchServiceAccount", "PATCH", "/v1/{service_account.name=projects/*/serviceAccounts/*}", "*"),
        ("DeleteServiceAccount", "DELETE", "/v1/{name=projects/*/serviceAccounts/*}", ""),
        ("EnableServiceAccount", "POST", "/v1/{name=projects/*/serviceAccounts/*}:enable", "*"),
    ]
}
"""IAM's package speaks gRPC alone; these are of https://cloud.google.com/iam/docs/reference/rest/v1."""


class Bad(Exception):
    """A request that Google refuses: HTTP's status, Google's, and its words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Rule:
    name: str
    method: str
    pattern: re.Pattern[str]
    fields: tuple[str, ...]
    body: str


@dataclass(frozen=True)
class Asked:
    """One request: `fields` are the message's, by their JSON names."""

    api: str
    name: str
    fields: Mapping[str, Any]


@cache
def rules(api: str) -> list[Rule]:
    if api in BY_HAND:
        return [_rule(*each) for each in BY_HAND[api]]
    package, service, title = APIS[api]
    base = importlib.import_module(f"{package}.services.{service}.transports.rest_base")
    holder = getattr(base, f"_Base{title}RestTransport")
    found = []
    for name in dir(holder):
        options = getattr(getattr(holder, name), "_get_http_options", None)
        if name.startswith("_Base") and options is not None:
            found += [_rule(name[5:], one["method"].upper(), one["uri"], one.get("body", "")) for one in options()]
    return found


def _rule(name: str, method: str, uri: str, body: str) -> Rule:
    fields: list[str] = []

    def part(match: re.Match[str]) -> str:
        fields.append(match[1])
        return "(" + re.escape(match[2] or "*").replace(r"\*\*", ".+").replace(r"\*", "[^/:]+") + ")"

    pattern = re.sub(r"\{([\w.]+)(?:=([^}]+))?\}", part, uri)
    return Rule(name, method, re.compile(pattern), tuple(fields), body)


def _message(api: str, name: str) -> Any:
    package = importlib.import_module(APIS[api][0])
    if name == "SetIamPolicy":
        return importlib.import_module("google.iam.v1.iam_policy_pb2").SetIamPolicyRequest()
    if name == "GetIamPolicy":
        return importlib.import_module("google.iam.v1.iam_policy_pb2").GetIamPolicyRequest()
    if name == "GetOperation":
        return importlib.import_module("google.longrunning.operations_pb2").GetOperationRequest()
    own = {"UpdateSubscription": "UpdateSubscriptionRequest", "CreateSubscription": "Subscription"}
    return getattr(package, own.get(name, f"{name}Request")).pb()()


def read(api: str, method: str, path: str, query: Mapping[str, str], content: bytes) -> Asked:
    """Raises Bad for what is no method of the API, or holds what its message does not."""
    for rule in rules(api):
        match = rule.pattern.fullmatch(path)
        if match and rule.method == method:
            return Asked(api, rule.name, _fields(api, rule, match.groups(), query, content))
    raise Bad(404, "NOT_FOUND", f"no method {method} {path}")


def _fields(api: str, rule: Rule, values: Any, query: Mapping[str, str], content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content) if content else {}
    except ValueError as error:
        raise Bad(400, "INVALID_ARGUMENT", "Invalid JSON payload received") from error
    if body and not rule.body:
        raise Bad(400, "INVALID_ARGUMENT", "this method takes no body")
    whole: dict[str, Any] = dict(body) if rule.body == "*" else ({_json(rule.body): body} if rule.body else {})
    for name, value in query.items():
        if name not in ("$alt", "alt"):
            _set(whole, name, value)
    for name, value in zip(rule.fields, values, strict=True):
        _set(whole, ".".join(_json(each) for each in name.split(".")), value)
    message = _message(api, rule.name)
    try:
        json_format.ParseDict(whole, message)
    except json_format.ParseError as error:
        raise Bad(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from error
    return dict(json_format.MessageToDict(message))


def _json(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.title() for each in rest)


def _set(whole: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for each in parents:
        whole = whole.setdefault(each, {})
    whole[last] = value == "true" if value in ("true", "false") else value
