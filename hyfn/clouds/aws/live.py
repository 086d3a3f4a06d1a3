"""What is there of a function on AWS, thing by thing, in the form in which it is wanted (see stack.py)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from hyfn.clouds.aws import telling
from hyfn.clouds.aws.control import ALIAS, Aws, found, general
from hyfn.clouds.aws.stack import CLOUD
from hyfn.resource import DIGEST, Key, Live, Stage

UNCHANGED = frozenset(("", "Active", "Inactive", "Successful"))
"""States of a function that works: one that nobody called for long is Inactive."""
VERSION = re.compile(r"hyfn ([0-9a-f]{12}) ([0-9a-f]{64})")
"""A version's description: what its key ends with, and the digest of its body."""
OWN = ("HYFN_WIRING", "HYFN_VERSION")
"""Variables that a version adds to the function's own."""


def read(aws: Aws, stage: Stage, name: str, keys: Collection[Key] | None = None) -> Iterator[Live]:
    """Everything of the function `name`. `keys` are those that are known of it: AWS is not asked for rules, schedules
    and the like of which there are none; None has it look for all."""
    for kind in ("role", "log-group", "function"):
        if live := one(aws, stage, Key(CLOUD, aws.region, kind, name)):
            yield live
            yield from _around(aws, stage, live)
    yield from telling.around(aws, stage, name, keys)


def _around(aws: Aws, stage: Stage, live: Live) -> Iterator[Live]:
    """What a thing has that is there only with it."""
    name = live.key.name
    if live.key.kind == "role":
        names = aws.pages("iam", "list_role_policies", "PolicyNames", RoleName=name)
        keys = [_key(aws, "policy", f"{name}/{policy}") for policy in names]
    elif live.key.kind == "function":
        keys = [_key(aws, kind, name) for kind in ("alias", "traffic", "url")]
        yield from _versions(aws, stage, name, live.is_ours)
        yield from _mappings(aws, stage, name)
    else:
        keys = []
    for key in keys:
        if (each := one(aws, stage, key)) is not None:
            yield each


def one(aws: Aws, stage: Stage, key: Key) -> Live | None:
    """The thing, None where there is none."""
    if key.kind in ("version", "event-source-mapping"):
        name = key.name.partition("/")[0].partition(":")[0]
        many = _versions(aws, stage, name, True) if key.kind == "version" else _mappings(aws, stage, name)
        return next((each for each in many if each.key == key), None)
    return _READ[key.kind](aws, stage, key)


def _key(aws: Aws, kind: str, name: str) -> Key:
    return Key(CLOUD, aws.region, kind, name)


def _is_ours(tags: Mapping[str, str], stage: Stage) -> bool:
    return stage.tags.items() <= tags.items()


def _role(aws: Aws, stage: Stage, key: Key) -> Live | None:
    said = found(lambda: aws.call("iam", "get_role", RoleName=key.name))
    if said is None:
        return None
    role = said["Role"]
    tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}
    return Live(key, {"trust": role["AssumeRolePolicyDocument"]}, {"arn": role["Arn"]}, "", _is_ours(tags, stage))


def _policy(aws: Aws, stage: Stage, key: Key) -> Live | None:
    role, _, policy = key.name.partition("/")
    said = found(lambda: aws.call("iam", "get_role_policy", RoleName=role, PolicyName=policy))
    if said is None:
        return None
    statements = said["PolicyDocument"].get("Statement", [])
    body = {"statement": _general(statements[0], aws)} if len(statements) == 1 else {"statements": statements}
    own = _role(aws, stage, _key(aws, "role", role))
    return Live(key, body, {}, "", own is None or own.is_ours)


def _general(statement: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    resource = statement.get("Resource", [])
    named = [resource] if isinstance(resource, str) else resource
    return {**statement, "Resource": [general(arn, aws) for arn in named]}


def _log_group(aws: Aws, stage: Stage, key: Key) -> Live | None:
    name = f"/aws/lambda/{key.name}"
    groups = aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    group = next((each for each in groups if each["logGroupName"] == name), None)
    if group is None:
        return None
    arn = group["logGroupArn"]
    said = found(lambda: aws.call("logs", "list_tags_for_resource", resourceArn=arn)) or {"tags": {}}
    return Live(key, {"name": name, "days": group.get("retentionInDays", 0)}, {}, "", _is_ours(said["tags"], stage))


def _function(aws: Aws, stage: Stage, key: Key) -> Live | None:
    said = found(lambda: aws.call("lambda", "get_function", FunctionName=key.name))
    if said is None:
        return None
    made = said["Configuration"]
    is_zip = made.get("PackageType", "Zip") == "Zip"
    variables = made.get("Environment", {}).get("Variables", {})
    body = {
        "Role": general(made["Role"], aws),
        "PackageType": made.get("PackageType", "Zip"),
        "Architectures": made["Architectures"],
        "MemorySize": made["MemorySize"],
        "Timeout": made["Timeout"],
        "Environment": {name: variables[name] for name in sorted(variables) if name not in OWN},
    }
    if is_zip:
        body |= {"Runtime": made["Runtime"], "Handler": made["Handler"], "sha256": made["CodeSha256"]}
    else:
        body |= {"image": said["Code"].get("ImageUri", "")}
    states = [made.get("State", ""), made.get("LastUpdateStatus", "")]
    trouble = next((f"it is {state}: {_reason(made)}" for state in states if state not in UNCHANGED), "")
    outputs = {"arn": made["FunctionArn"], "url": _invocation(aws, key.name, ALIAS), "door": ""}
    return Live(key, body, outputs, made["RevisionId"], _is_ours(said.get("Tags", {}), stage), trouble)


def _reason(made: Mapping[str, Any]) -> str:
    return str(made.get("StateReason") or made.get("LastUpdateStatusReason") or "AWS says no more")


def _invocation(aws: Aws, name: str, qualifier: str) -> str:
    return f"{aws.url('lambda')}/2015-03-31/functions/{name}:{qualifier}/invocations"


def _alias(aws: Aws, _: Stage, key: Key) -> Live | None:
    said = found(lambda: aws.call("lambda", "get_alias", FunctionName=key.name, Name=ALIAS))
    return Live(key, {"name": ALIAS}, {"arn": said["AliasArn"]}, said["RevisionId"]) if said else None


def _traffic(aws: Aws, _: Stage, key: Key) -> Live | None:
    """An alias that was made a moment ago leads to what is not published."""
    said = found(lambda: aws.call("lambda", "get_alias", FunctionName=key.name, Name=ALIAS))
    if said is None or said["FunctionVersion"] == "$LATEST":
        return None
    weights = said.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    body = {"version": said["FunctionVersion"], **({"others": weights} if weights else {})}
    return Live(key, body, {}, said["RevisionId"])


def _url(aws: Aws, _: Stage, key: Key) -> Live | None:
    given = {"FunctionName": key.name, "Qualifier": ALIAS}
    said = found(lambda: aws.call("lambda", "get_function_url_config", **given))
    return Live(key, {"auth": said["AuthType"]}, {"url": said["FunctionUrl"], "door": "url"}) if said else None


def _versions(aws: Aws, stage: Stage, name: str, is_ours: bool) -> Iterator[Live]:
    """Of several that are alike the newest."""
    del stage
    newest: dict[str, Live] = {}
    for made in aws.pages("lambda", "list_versions_by_function", "Versions", FunctionName=name):
        if said := VERSION.fullmatch(made.get("Description", "")):
            number = made["Version"]
            outputs = {"number": number, "probe": _invocation(aws, name, number), "door": ""}
            key = _key(aws, "version", f"{name}:{said[1]}")
            newest[said[1]] = Live(key, {DIGEST: said[2]}, outputs, made.get("RevisionId", ""), is_ours)
    yield from newest.values()


def _mappings(aws: Aws, stage: Stage, name: str) -> Iterator[Live]:
    del stage
    given = {"FunctionName": f"{name}:{ALIAS}"}
    for made in aws.pages("lambda", "list_event_source_mappings", "EventSourceMappings", **given):
        source = general(made["EventSourceArn"], aws)
        kind = "queue" if source.split(":")[2] == "sqs" else "stream"
        resource = source.rpartition(":")[2].rpartition("/")[2]
        body = {name: made[name] for name in _MAPPED if name in made} | {"EventSourceArn": source}
        key = _key(aws, "event-source-mapping", f"{name}/{kind}-{resource}")
        yield Live(key, body, {"uuid": made["UUID"]})


_MAPPED = ("BatchSize", "FunctionResponseTypes", "MaximumBatchingWindowInSeconds", "StartingPosition")

_READ: Mapping[str, Callable[[Aws, Stage, Key], Live | None]] = {
    "role": _role,
    "policy": _policy,
    "log-group": _log_group,
    "function": _function,
    "alias": _alias,
    "traffic": _traffic,
    "url": _url,
    **dict.fromkeys(telling.KINDS, telling.one),
}
