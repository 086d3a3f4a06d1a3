"""Making, changing and removing one thing on AWS. Each is safe to repeat; Lambda's own states are waited for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hyfn.clouds.aws import listening, telling
from hyfn.clouds.aws import live as lives
from hyfn.clouds.aws.control import ALIAS, THERE, Aws, Refused, filled, gone, until
from hyfn.clouds.aws.stack import function_of
from hyfn.errors import Changed, ShipError
from hyfn.resource import Live, Order, digest
from hyfn.wiring import compact

ENVIRONMENT = 4096
"""Bytes of all variables of a function, names and values
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""
DIRECT = 50 * 2**20
"""Bytes of a zip that Lambda takes in a request, by the same page; base64 has a third more in it."""
UNCONDITIONAL = ("role", "policy", "log-group", "url", listening.MAPPING)
"""Kinds for which AWS has no conditions: each is read again before it is changed."""
CONFIGURED = ("Role", "MemorySize", "Timeout", "Runtime", "Handler")
UNREADY = ("The role defined for the function cannot be assumed by Lambda", "cannot be assumed")
"""A role that was made a moment ago is not known everywhere yet."""


def put(aws: Aws, order: Order) -> Live:
    """Create or change it, and give what is there then."""
    key = order.resource.key
    if order.live is not None and key.kind in UNCONDITIONAL:
        _check_unchanged(aws, order, order.live)
    try:
        _PUT[key.kind](aws, order)
    except Refused as error:
        if order.live is not None or error.code not in THERE:
            raise
        _check_ours(aws, order, error)
        return put(aws, _as_update(aws, order))
    there = lives.one(aws, order.stage, key)
    if there is None:
        raise ShipError(f"AWS does not show {key.kind} {key.name} yet", hint="run it again: it goes on from there")
    return there


def _check_unchanged(aws: Aws, order: Order, before: Live) -> None:
    there = lives.one(aws, order.stage, before.key)
    if there is None or there.body != before.body:
        raise Changed(f"{before.key.kind} {before.key.name} was changed meanwhile", hint="run it again to see what")


def _check_ours(aws: Aws, order: Order, error: Refused) -> None:
    """Something stands there that was not seen: a moment ago hyfn itself made it, or it is somebody else's."""
    there = lives.one(aws, order.stage, order.resource.key)
    if there is None or not there.is_ours:
        raise error


def _as_update(aws: Aws, order: Order) -> Order:
    there = lives.one(aws, order.stage, order.resource.key)
    return Order(order.stage, order.resource, order.body, there, order.wiring, order.token)


def _role(aws: Aws, order: Order) -> None:
    name, trust = order.resource.key.name, json.dumps(order.body["trust"])
    if order.live is None:
        tags = [{"Key": tag, "Value": value} for tag, value in order.stage.tags.items()]
        aws.call("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=trust, Tags=tags)
    else:
        aws.call("iam", "update_assume_role_policy", RoleName=name, PolicyDocument=trust)
        _detach(aws, name)


def _detach(aws: Aws, role: str) -> None:
    """hyfn attaches none, and what others attached would let the function do more than it must."""
    for each in aws.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=role):
        gone(aws, "iam", "detach_role_policy", RoleName=role, PolicyArn=each["PolicyArn"])


def _policy(aws: Aws, order: Order) -> None:
    role, _, policy = order.resource.key.name.partition("/")
    document = {"Version": "2012-10-17", "Statement": [filled(order.body["statement"], aws)]}
    aws.call("iam", "put_role_policy", RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))


def _log_group(aws: Aws, order: Order) -> None:
    name = order.body["name"]
    if order.live is None:
        aws.call("logs", "create_log_group", logGroupName=name, tags=order.stage.tags)
    aws.call("logs", "put_retention_policy", logGroupName=name, retentionInDays=order.body["days"])


def _function(aws: Aws, order: Order) -> None:
    if order.live is None:
        _create(aws, order)
    else:
        _update(aws, order, order.live)
    settled(aws, order.resource.key.name)


def _create(aws: Aws, order: Order) -> None:
    """As soon as Lambda may take on the role."""
    body = order.body
    given = {
        "FunctionName": order.resource.key.name,
        "Code": _code(order),
        "PackageType": body["PackageType"],
        "Architectures": body["Architectures"],
        "Environment": {"Variables": body["Environment"]},
        "Tags": order.stage.tags,
        **_configured(body, aws),
    }

    def create() -> Any:
        try:
            return aws.call("lambda", "create_function", **given)
        except Refused as error:
            if error.code == "InvalidParameterValueException" and any(said in str(error) for said in UNREADY):
                return None
            raise

    until(create, f"making the role of {order.resource.key.name} known")


def _configured(body: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    return {name: filled(body[name], aws) for name in CONFIGURED if name in body}


def _code(order: Order) -> dict[str, Any]:
    if order.resource.file is None:
        return {"ImageUri": order.body["image"]}
    content = order.resource.file.read_bytes()
    if len(content) > DIRECT:
        said = f"{order.resource.key.name} is {len(content) / 2**20:.1f} MB zipped, and Lambda takes 50 MB in a request"
        raise ShipError(said, hint='package="image", which may have 10 GB')
    return {"ZipFile": content}


def _update(aws: Aws, order: Order, there: Live) -> None:
    """First the code, then the rest: each on the condition that nobody else changed the function since it was seen."""
    name, body = order.resource.key.name, order.body
    revision = _revision(aws, order, there)
    if there.body.get("PackageType") != body["PackageType"]:
        raise ShipError(f"{name} cannot become {body['PackageType']}", hint="Lambda has no way: give it another name=")
    if any(there.body.get(part) != body.get(part) for part in ("sha256", "image", "Architectures")):
        given = {"FunctionName": name, **_code(order), "Architectures": body["Architectures"], "RevisionId": revision}
        aws.call("lambda", "update_function_code", **given)
        revision = settled(aws, name)["RevisionId"]
    if any(there.body.get(part) != body.get(part) for part in (*CONFIGURED, "Environment")):
        kept = {each: value for each, value in _variables(aws, name).items() if each in lives.OWN}
        variables = {**body["Environment"], **kept}
        given = {"FunctionName": name, "Environment": {"Variables": variables}, "RevisionId": revision}
        aws.call("lambda", "update_function_configuration", **given, **_configured(body, aws))


def _revision(aws: Aws, order: Order, there: Live) -> str:
    """Lambda gives a function a new one when it has settled, too: only another body is another's change."""
    now = lives.one(aws, order.stage, there.key)
    if now is None or now.body != there.body:
        raise Changed(f"{there.key.kind} {there.key.name} was changed meanwhile", hint="run it again")
    return now.etag


def _variables(aws: Aws, name: str) -> dict[str, str]:
    made = aws.call("lambda", "get_function_configuration", FunctionName=name)
    variables: dict[str, str] = made.get("Environment", {}).get("Variables", {})
    return variables


def settled(aws: Aws, name: str) -> Any:
    """The function's configuration, once AWS is done with it. Raises ShipError where that failed."""

    def look() -> Any:
        made = aws.call("lambda", "get_function_configuration", FunctionName=name)
        for state in (made.get("State"), made.get("LastUpdateStatus")):
            if state == "Failed":
                reason = made.get("StateReason") or made.get("LastUpdateStatusReason")
                raise ShipError(f"AWS could not make {name}: {reason}")
        is_busy = made.get("State") == "Pending" or made.get("LastUpdateStatus") == "InProgress"
        return None if is_busy else made

    return until(look, f"updating {name}")


def _alias(aws: Aws, order: Order) -> None:
    if order.live is None:
        given = {"FunctionName": order.resource.key.name, "Name": ALIAS, "FunctionVersion": "$LATEST"}
        aws.call("lambda", "create_alias", **given)


def _url(aws: Aws, order: Order) -> None:
    given = {"FunctionName": order.resource.key.name, "Qualifier": ALIAS, "AuthType": order.body["auth"]}
    operation = "create_function_url_config" if order.live is None else "update_function_url_config"
    aws.call("lambda", operation, **given)


def _version(aws: Aws, order: Order) -> None:
    """The function with its wiring, published. What is published never changes."""
    name, short = function_of(order.resource.key), order.resource.key.name.partition(":")[2]
    made = digest(order.body)
    before = settled(aws, name)
    own = {each: value for each, value in _variables(aws, name).items() if each not in lives.OWN}
    wiring = compact(json.dumps(order.wiring, separators=(",", ":")))
    variables = {**own, "HYFN_WIRING": wiring, "HYFN_VERSION": made[:16]}
    _check_room(name, variables)
    given = {"FunctionName": name, "Environment": {"Variables": variables}, "RevisionId": before["RevisionId"]}
    aws.call("lambda", "update_function_configuration", **given)
    now = settled(aws, name)
    given = {"FunctionName": name, "CodeSha256": now["CodeSha256"], "RevisionId": now["RevisionId"]}
    published = aws.call("lambda", "publish_version", **given, Description=f"hyfn {short} {made}")

    def look() -> Any:
        asked = {"FunctionName": name, "Qualifier": published["Version"]}
        state = aws.call("lambda", "get_function_configuration", **asked).get("State")
        return None if state == "Pending" else True

    until(look, f"publishing {name}")


def _check_room(name: str, variables: Mapping[str, str]) -> None:
    size = sum(len(each.encode()) for pair in variables.items() for each in pair)
    if size > ENVIRONMENT:
        said = f"the variables of {name}, with the keys of its edges, are {size} bytes, and Lambda takes {ENVIRONMENT}"
        raise ShipError(said, hint="fewer callers and callees for one function, or less in env=")


def _traffic(aws: Aws, order: Order) -> None:
    name = order.resource.key.name
    there = aws.call("lambda", "get_alias", FunctionName=name, Name=ALIAS)
    if order.live is not None and there["RevisionId"] != order.live.etag:
        raise Changed(f"the traffic of {name} was changed meanwhile", hint="run it again")
    given = {"FunctionName": name, "Name": ALIAS, "FunctionVersion": order.body["version"]}
    aws.call("lambda", "update_alias", **given, RoutingConfig={}, RevisionId=there["RevisionId"])
    _drop_versions(aws, name, lives.superseded(aws, name, but=order.body["version"]))


def remove(aws: Aws, live: Live) -> None:
    """Take it away. What is not there is no error."""
    _REMOVE[live.key.kind](aws, live)


def _remove_role(aws: Aws, live: Live) -> None:
    _detach(aws, live.key.name)
    gone(aws, "iam", "delete_role", RoleName=live.key.name)


def _remove_policy(aws: Aws, live: Live) -> None:
    role, _, policy = live.key.name.partition("/")
    gone(aws, "iam", "delete_role_policy", RoleName=role, PolicyName=policy)


def _remove_log_group(aws: Aws, live: Live) -> None:
    gone(aws, "logs", "delete_log_group", logGroupName=live.body["name"])


def _remove_function(aws: Aws, live: Live) -> None:
    """With all that is left of it; the function was settled when its last change ended."""
    gone(aws, "lambda", "delete_function", FunctionName=live.key.name)


def _remove_alias(aws: Aws, live: Live) -> None:
    gone(aws, "lambda", "delete_alias", FunctionName=live.key.name, Name=ALIAS)


def _remove_url(aws: Aws, live: Live) -> None:
    gone(aws, "lambda", "delete_function_url_config", FunctionName=live.key.name, Qualifier=ALIAS)


def _remove_version(aws: Aws, live: Live) -> None:
    name = function_of(live.key)
    alike = lives.numbers(aws, name).get(live.key.name.partition(":")[2], [])
    _drop_versions(aws, name, alike)


def _drop_versions(aws: Aws, name: str, numbers: Iterable[str]) -> None:
    for number in numbers:
        gone(aws, "lambda", "delete_function", FunctionName=name, Qualifier=number)


def _remove_traffic(aws: Aws, live: Live) -> None:
    """The alias leads nowhere but to what is not published, and goes next."""
    given = {"FunctionName": live.key.name, "Name": ALIAS, "FunctionVersion": "$LATEST", "RoutingConfig": {}}
    gone(aws, "lambda", "update_alias", **given)


_PUT: Mapping[str, Callable[[Aws, Order], None]] = {
    "role": _role,
    "policy": _policy,
    "log-group": _log_group,
    "function": _function,
    "alias": _alias,
    "url": _url,
    "version": _version,
    "traffic": _traffic,
    listening.MAPPING: listening.put,
    **dict.fromkeys(telling.KINDS, telling.put),
}
_REMOVE: Mapping[str, Callable[[Aws, Live], None]] = {
    "role": _remove_role,
    "policy": _remove_policy,
    "log-group": _remove_log_group,
    "function": _remove_function,
    "alias": _remove_alias,
    "url": _remove_url,
    "version": _remove_version,
    "traffic": _remove_traffic,
    listening.MAPPING: listening.remove,
    **dict.fromkeys(telling.KINDS, telling.remove),
}
