"""Rules, schedules, subscriptions and grants on AWS: as they are there (see waking.py), and how they change.

AWS has no conditions for these: each is read again before it is changed, and a change by others in between is seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from hyfn.clouds.aws.control import ALIAS, Aws, Refused, filled, found, general, until
from hyfn.clouds.aws.stack import CLOUD, function_of
from hyfn.clouds.aws.waking import OWN, alias
from hyfn.errors import Changed, ShipError
from hyfn.resource import Key, Live, Order, Stage

KINDS = ("grant", "rule", "schedule", "subscription")
TARGET = "Function"
"""The id of a rule's one target."""
UNREADY = "must allow AWS EventBridge Scheduler to assume the role"
CONDITIONS = {
    "AWS:SourceArn": "SourceArn",
    "lambda:FunctionUrlAuthType": "FunctionUrlAuthType",
    "lambda:InvokedViaFunctionUrl": "InvokedViaFunctionUrl",
}
"""What stands in a grant's conditions, and which arguments of AddPermission say so."""
SCHEDULED = ("ScheduleExpression", "ScheduleExpressionTimezone", "State")


def around(aws: Aws, stage: Stage, name: str, keys: Collection[Key] | None) -> Iterator[Live]:
    """Those of the function `name`: of `keys`, or all that can be found where nobody knows any."""
    if keys is None:
        yield from _discovered(aws, stage, name)
        return
    if any(key.kind == "grant" for key in keys):
        yield from _grants(aws, name)
    for key in keys:
        if key.kind in _READ:
            yield from _there(aws, stage, key.kind, key.name)


def _discovered(aws: Aws, stage: Stage, name: str) -> Iterator[Live]:
    grants = list(_grants(aws, name))
    yield from grants
    for grant in grants:
        source = str(grant.body.get("SourceArn", ""))
        service, ending = source.split(":")[2:3], source.rpartition(":")[2]
        if service == ["sns"]:
            yield from _there(aws, stage, "subscription", f"{name}/{ending}")
        elif service == ["events"]:
            yield from _there(aws, stage, "rule", f"{name}/{ending.partition('/')[2]}")
    for each in aws.pages("scheduler", "list_schedules", "Schedules", GroupName="default", NamePrefix=name[:40]):
        if general(each["Target"]["Arn"], aws) == alias(name):
            yield from _there(aws, stage, "schedule", f"{name}/{each['Name']}")


def one(aws: Aws, stage: Stage, key: Key) -> Live | None:
    """The thing, None where there is none."""
    if key.kind == "grant":
        return next((each for each in _grants(aws, function_of(key)) if each.key == key), None)
    return _READ[key.kind](aws, stage, key)


def put(aws: Aws, order: Order) -> None:
    """Create or change it. Raises Changed where it is not what the plan was made from."""
    key = order.resource.key
    there = one(aws, order.stage, key)
    if there is not None and not there.is_ours:
        said = f"{key.kind} {_name(key)} is there already, and is not of this app and stage"
        raise ShipError(said, hint="remove it, or give the function another name=")
    if order.live is not None and (there is None or there.body != order.live.body):
        raise Changed(f"{key.kind} {_name(key)} was changed meanwhile", hint="run it again to see what")
    if there is None or there.body != order.body:
        _PUT[key.kind](aws, order, there)


def remove(aws: Aws, live: Live) -> None:
    """Take it away. What is not there is no error."""
    _REMOVE[live.key.kind](aws, live)


def _there(aws: Aws, stage: Stage, kind: str, name: str) -> Iterator[Live]:
    live = one(aws, stage, Key(CLOUD, aws.region, kind, name))
    if live is not None:
        yield live


def _name(key: Key) -> str:
    """What AWS calls it."""
    return key.name.partition("/")[2]


def _generalised(value: Any, aws: Aws) -> Any:
    if isinstance(value, str):
        return general(value, aws) if value.startswith("arn:") else value
    if isinstance(value, dict):
        return {name: _generalised(each, aws) for name, each in value.items()}
    return value


def _grants(aws: Aws, name: str) -> Iterator[Live]:
    """hyfn's own. Others are of whoever made them."""
    said = found(lambda: aws.call("lambda", "get_policy", FunctionName=name, Qualifier=ALIAS))
    for statement in json.loads(said["Policy"])["Statement"] if said else ():
        if statement["Sid"].startswith(OWN):
            key = Key(CLOUD, aws.region, "grant", f"{name}/{statement['Sid']}")
            yield Live(key, _generalised(_granted(statement), aws))


def _granted(statement: Mapping[str, Any]) -> dict[str, Any]:
    """By the arguments of AddPermission."""
    principal = statement["Principal"]
    made: dict[str, Any] = {
        "Action": statement["Action"],
        "Principal": principal if isinstance(principal, str) else next(iter(principal.values())),
    }
    for tests in statement.get("Condition", {}).values():
        for name, value in tests.items():
            made[CONDITIONS.get(name, name)] = True if value == "true" else value
    return made


def _put_grant(aws: Aws, order: Order, there: Live | None) -> None:
    if there is not None:
        _remove_grant(aws, there)
    given = filled(dict(order.body), aws)
    id, name = _name(order.resource.key), function_of(order.resource.key)
    aws.call("lambda", "add_permission", FunctionName=name, Qualifier=ALIAS, StatementId=id, **given)


def _remove_grant(aws: Aws, live: Live) -> None:
    given = {"FunctionName": function_of(live.key), "Qualifier": ALIAS, "StatementId": _name(live.key)}
    found(lambda: aws.call("lambda", "remove_permission", **given))


def _rule(aws: Aws, stage: Stage, key: Key) -> Live | None:
    said = found(lambda: aws.call("events", "describe_rule", Name=_name(key)))
    if said is None:
        return None
    tags = aws.call("events", "list_tags_for_resource", ResourceARN=said["Arn"])["Tags"]
    targets = aws.call("events", "list_targets_by_rule", Rule=_name(key))["Targets"]
    named = [general(each["Arn"], aws) for each in targets]
    body = {
        "pattern": json.loads(said.get("EventPattern") or "{}"),
        "target": named[0] if len(named) == 1 else named,
        "state": said["State"],
    }
    return Live(key, body, {"arn": said["Arn"]}, "", _is_ours({each["Key"]: each["Value"] for each in tags}, stage))


def _is_ours(tags: Mapping[str, str], stage: Stage) -> bool:
    return stage.tags.items() <= tags.items()


def _put_rule(aws: Aws, order: Order, there: Live | None) -> None:
    """A rule takes tags when it is made, and only then. Targets that others put there go."""
    name, body = _name(order.resource.key), filled(dict(order.body), aws)
    tags = {"Tags": [{"Key": tag, "Value": value} for tag, value in order.stage.tags.items()]} if there is None else {}
    aws.call("events", "put_rule", Name=name, EventPattern=json.dumps(body["pattern"]), State=body["state"], **tags)
    others = [id for id in _targets(aws, name) if id != TARGET]
    if others:
        _whole(aws.call("events", "remove_targets", Rule=name, Ids=others))
    _whole(aws.call("events", "put_targets", Rule=name, Targets=[{"Id": TARGET, "Arn": body["target"]}]))


def _targets(aws: Aws, name: str) -> list[str]:
    return [each["Id"] for each in aws.call("events", "list_targets_by_rule", Rule=name)["Targets"]]


def _whole(answer: Mapping[str, Any]) -> None:
    """EventBridge answers with success for entries that failed, too."""
    for entry in answer.get("FailedEntries", ()):
        raise ShipError(f"AWS refused a rule's target: {entry.get('ErrorCode')}: {entry.get('ErrorMessage')}")


def _remove_rule(aws: Aws, live: Live) -> None:
    """A rule with targets cannot go."""
    name = _name(live.key)
    ids = found(lambda: _targets(aws, name))
    if ids:
        found(lambda: _whole(aws.call("events", "remove_targets", Rule=name, Ids=ids)))
    found(lambda: aws.call("events", "delete_rule", Name=name))


def _owner(stage: Stage) -> str:
    """Schedules have no tags: their description says whose they are."""
    return " ".join(f"{name}={value}" for name, value in stage.tags.items())


def _schedule(aws: Aws, stage: Stage, key: Key) -> Live | None:
    said = found(lambda: aws.call("scheduler", "get_schedule", Name=_name(key)))
    if said is None:
        return None
    target = {name: said["Target"].get(name, "") for name in ("Arn", "RoleArn", "Input")}
    body = {
        **{name: said.get(name, "") for name in SCHEDULED},
        "FlexibleTimeWindow": dict(said["FlexibleTimeWindow"]),
        "Target": _generalised(target, aws),
    }
    return Live(key, body, {"arn": said["Arn"]}, "", said.get("Description") == _owner(stage))


def _put_schedule(aws: Aws, order: Order, there: Live | None) -> None:
    """As soon as Scheduler may take on the role."""
    operation = "create_schedule" if there is None else "update_schedule"
    given = {**filled(dict(order.body), aws), "Description": _owner(order.stage), "ClientToken": order.token}
    name = _name(order.resource.key)

    def ask() -> Any:
        try:
            return aws.call("scheduler", operation, Name=name, **given)
        except Refused as error:
            if UNREADY in str(error):
                return None
            raise

    until(ask, f"making the role of {name} known")


def _remove_schedule(aws: Aws, live: Live) -> None:
    found(lambda: aws.call("scheduler", "delete_schedule", Name=_name(live.key)))


def _subscription(aws: Aws, stage: Stage, key: Key) -> Live | None:
    """It belongs to the function that it speaks to."""
    del stage
    topic = f"arn:{aws.partition}:sns:{aws.region}:{aws.account}:{_name(key)}"
    endpoint = alias(function_of(key))
    for each in aws.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic):
        if general(each["Endpoint"], aws) == endpoint:
            body = {"topic": general(topic, aws), "endpoint": endpoint}
            return Live(key, body, {"arn": each["SubscriptionArn"]})
    return None


def _put_subscription(aws: Aws, order: Order, there: Live | None) -> None:
    """Which is the same one for the same topic and endpoint, however often."""
    del there
    body = filled(dict(order.body), aws)
    aws.call("sns", "subscribe", TopicArn=body["topic"], Protocol="lambda", Endpoint=body["endpoint"])


def _remove_subscription(aws: Aws, live: Live) -> None:
    found(lambda: aws.call("sns", "unsubscribe", SubscriptionArn=live.outputs["arn"]))


_READ: Mapping[str, Callable[[Aws, Stage, Key], Live | None]] = {
    "rule": _rule,
    "schedule": _schedule,
    "subscription": _subscription,
}
_PUT: Mapping[str, Callable[[Aws, Order, Live | None], None]] = {
    "grant": _put_grant,
    "rule": _put_rule,
    "schedule": _put_schedule,
    "subscription": _put_subscription,
}
_REMOVE: Mapping[str, Callable[[Aws, Live], None]] = {
    "grant": _remove_grant,
    "rule": _remove_rule,
    "schedule": _remove_schedule,
    "subscription": _remove_subscription,
}
