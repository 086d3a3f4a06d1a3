"""What tells a function on AWS of events, as resources: rules, schedules, subscriptions, and who may invoke it. Pure.

Each speaks to the alias, so that it goes where the traffic goes. Lambda lets each in by a grant of its own, but for
schedules, which invoke by a role.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hyfn.clouds.aws import resources
from hyfn.clouds.aws.control import ALIAS, arn
from hyfn.clouds.aws.triggers import expression
from hyfn.model import FunctionSpec, Trigger
from hyfn.resource import Key, Phase, Resource

Json = dict[str, Any]
Make = Callable[..., Resource]
"""Of kind, name, phase, body and needs."""

TOLD = ("blob", "event", "schedule", "topic")
"""Kinds of triggers for which something of AWS's invokes the function."""
MAX_NAME = 64
"""Characters of a rule's, a schedule's and a role's name (PutRule, CreateSchedule, CreateRole)."""
OWN = "hyfn-"
"""What the ids of hyfn's own grants begin with."""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
OPEN: dict[str, Json] = {
    "url": {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"},
    "url-invoke": {"Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": True},
}
"""What lets everybody in by a URL: both are wanted (https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html)."""


def told(function: FunctionSpec, name: str, make: Make) -> Iterator[Resource]:
    """Those that the function's triggers need; `name` is the function's."""
    triggers = [trigger for trigger in function.triggers if trigger.kind in TOLD]
    for key, together in resources.together(triggers).items():
        id = f"{key[0]}-{hashlib.sha256(repr(key).encode()).hexdigest()[:6]}"
        yield from _MAKE[key[0]](together, name, id, make)
    if any(trigger.kind == "schedule" for trigger in triggers):
        yield from _scheduler(name, make)


def opened(name: str, needs: Sequence[Key], make: Make) -> Iterator[Resource]:
    """What lets everybody in by the function's URL."""
    for id, grant in OPEN.items():
        yield make("grant", f"{name}/{OWN}{id}", Phase.CODE, grant, needs)


def short(name: str, ending: str) -> str:
    """Both as one name, within AWS's limit; never the same for two functions."""
    whole = f"{name}-{ending}"
    if len(whole) <= MAX_NAME:
        return whole
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: MAX_NAME - len(ending) - 8]}-{digest}-{ending}"


def scheduler(name: str) -> str:
    """The role by which the function's schedules invoke it."""
    return short(name, "scheduler")


def alias(name: str) -> str:
    return arn("lambda", f"function:{name}:{ALIAS}")


def _scheduler(name: str, make: Make) -> Iterator[Resource]:
    role = make("role", scheduler(name), Phase.IDENTITY, {"trust": TRUST, "attached": []}, ())
    allowed = {"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [alias(name)]}
    yield role
    yield make("policy", f"{role.key.name}/invoke", Phase.IDENTITY, {"statement": allowed}, [role.key])


def _grant(name: str, id: str, principal: str, source: str, make: Make) -> Resource:
    """For one source of this account, which its ARN tells."""
    body = {"Action": "lambda:InvokeFunction", "Principal": principal, "SourceArn": source}
    return make("grant", f"{name}/{OWN}{id}", Phase.TRIGGER, body, ())


def _rule(triggers: Sequence[Trigger], name: str, id: str, make: Make) -> Iterator[Resource]:
    own = short(name, id)
    grant = _grant(name, id, "events.amazonaws.com", arn("events", f"rule/{own}"), make)
    yield grant
    body = {"pattern": resources.pattern(triggers), "target": alias(name), "state": "ENABLED"}
    yield make("rule", f"{name}/{own}", Phase.TRIGGER, body, [grant.key])


def _schedule(triggers: Sequence[Trigger], name: str, id: str, make: Make) -> Iterator[Resource]:
    when = triggers[0].resource
    body = {
        "ScheduleExpression": expression(when),
        "ScheduleExpressionTimezone": triggers[0].options["timezone"],
        "State": "ENABLED",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": alias(name),
            "RoleArn": arn("iam", f"role/{scheduler(name)}").replace("{region}", ""),
            "Input": resources.tick(when),
        },
    }
    yield make("schedule", f"{name}/{short(name, id)}", Phase.TRIGGER, body, ())


def _topic(triggers: Sequence[Trigger], name: str, id: str, make: Make) -> Iterator[Resource]:
    topic = arn("sns", triggers[0].resource)
    grant = _grant(name, id, "sns.amazonaws.com", topic, make)
    yield grant
    body = {"topic": topic, "endpoint": alias(name)}
    yield make("subscription", f"{name}/{triggers[0].resource}", Phase.TRIGGER, body, [grant.key])


_MAKE: dict[str, Callable[[Sequence[Trigger], str, str, Make], Iterator[Resource]]] = {
    "blob": _rule,
    "event": _rule,
    "schedule": _schedule,
    "topic": _topic,
}
