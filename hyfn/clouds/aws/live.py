"""What is there of a function on AWS, thing by thing, in the form in which it is wanted (see stack.py)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from hyfn.clouds.aws import listening, telling
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
    asked = None if keys is None else {key.kind for key in keys}
    for kind in ("role", "log-group", "function"):
        if live := one(aws, stage, _key(aws, kind, name)):
            yield live
            if kind == "role":
                yield from _policies(aws, live)
            elif kind == "function":
                yield from _of_function(aws, stage, live, asked)
    yield from telling.around(aws, stage, name, keys)


def _policies(aws: Aws, role: Live) -> Iterator[Live]:
    for name in aws.pages("iam", "list_role_policies", "PolicyNames", RoleName=role.key.name):
        if found := _statement(aws, _key(aws, "policy", f"{role.key.name}/{name}"), role.is_ours):
            yield found


def _of_function(aws: Aws, stage: Stage, function: Live, asked: Collection[str] | None) -> Iterator[Live]:
    """What is there only with it. `asked` are the kinds of which it has some, None where nobody knows."""
    name = function.key.name
    yield from _versions(aws, stage, name, function.is_ours)
    if said := _named_alias(aws, name):
        yield _as_alias(_key(aws, "alias", name), said)
        if traffic := _as_traffic(_key(aws, "traffic", name), said):
            yield traffic
    if (asked is None or "url" in asked) and (url := _url(aws, stage, _key(aws, "url", name))):
        yield url
    if asked is None or listening.MAPPING in asked:
        yield from listening.read(aws, name)


def one(aws: Aws, stage: Stage, key: Key) -> Live | None:
    """The thing, None where there is none."""
    if key.kind in ("version", listening.MAPPING):
        name = key.name.partition("/")[0].partition(":")[0]
        many = _versions(aws, stage, name, True) if key.kind == "version" else listening.read(aws, name)
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
    attached = aws.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=key.name)
    body = {"trust": role["AssumeRolePolicyDocument"], "attached": [each["PolicyArn"] for each in attached]}
    return Live(key, body, {"arn": role["Arn"]}, "", _is_ours(tags, stage))


def _policy(aws: Aws, stage: Stage, key: Key) -> Live | None:
    role = _role(aws, stage, _key(aws, "role", key.name.partition("/")[0]))
    return _statement(aws, key, role.is_ours) if role else None


def _statement(aws: Aws, key: Key, is_ours: bool) -> Live | None:
    role, _, policy = key.name.partition("/")
    said = found(lambda: aws.call("iam", "get_role_policy", RoleName=role, PolicyName=policy))
    if said is None:
        return None
    statements = said["PolicyDocument"].get("Statement", [])
    body = {"statement": _general(statements[0], aws)} if len(statements) == 1 else {"statements": statements}
    return Live(key, body, {}, "", is_ours)


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


def _named_alias(aws: Aws, name: str) -> Any:
    return found(lambda: aws.call("lambda", "get_alias", FunctionName=name, Name=ALIAS))


def _alias(aws: Aws, _: Stage, key: Key) -> Live | None:
    said = _named_alias(aws, key.name)
    return _as_alias(key, said) if said else None


def _as_alias(key: Key, said: Mapping[str, Any]) -> Live:
    return Live(key, {"name": ALIAS}, {"arn": said["AliasArn"]}, said["RevisionId"])


def _traffic(aws: Aws, _: Stage, key: Key) -> Live | None:
    said = _named_alias(aws, key.name)
    return _as_traffic(key, said) if said else None


def _as_traffic(key: Key, said: Mapping[str, Any]) -> Live | None:
    """An alias that was made a moment ago leads to what is not published."""
    if said["FunctionVersion"] == "$LATEST":
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
    newest = {short: (made, whole) for made, short, whole in _published(aws, name)}
    for short, (made, whole) in newest.items():
        number = made["Version"]
        outputs = {"number": number, "probe": _invocation(aws, name, number), "door": ""}
        key = _key(aws, "version", f"{name}:{short}")
        yield Live(key, {DIGEST: whole}, outputs, made.get("RevisionId", ""), is_ours)


def numbers(aws: Aws, name: str) -> dict[str, list[str]]:
    """The versions of a function that are hyfn's, oldest first, by what their keys end with."""
    found: dict[str, list[str]] = {}
    for made, short, _ in _published(aws, name):
        found.setdefault(short, []).append(made["Version"])
    return found


def superseded(aws: Aws, name: str, but: str) -> list[str]:
    """Versions for which there is a newer one with the same key: their edges were others."""
    return [each for alike in numbers(aws, name).values() for each in alike[:-1] if each != but]


def _published(aws: Aws, name: str) -> list[tuple[Any, str, str]]:
    """Each version with the two digests of its description, oldest first."""
    found = aws.pages("lambda", "list_versions_by_function", "Versions", FunctionName=name)
    said = [(made, VERSION.fullmatch(made.get("Description", ""))) for made in found]
    own = [(made, match[1], match[2]) for made, match in said if match]
    return sorted(own, key=lambda each: int(each[0]["Version"]))


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
