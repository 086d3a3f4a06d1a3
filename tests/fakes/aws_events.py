"""What invokes functions: EventBridge's rules, Scheduler's schedules, SNS's subscriptions, and Lambda's own policies.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/, https://docs.aws.amazon.com/scheduler/latest/APIReference/
and https://docs.aws.amazon.com/sns/latest/api/ for what is refused.
"""

from __future__ import annotations

import fnmatch
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tests.fakes.aws import ACCOUNT, REGION, Json, Refused

if TYPE_CHECKING:
    from tests.fakes.aws import Fake

EXPRESSION = re.compile(r"rate\((1 (minute|hour|day)|[1-9]\d* (minutes|hours|days))\)|cron\((\S+ ){5}\S+\)")
ALIAS = re.compile(rf"arn:aws:lambda:{REGION}:{ACCOUNT}:function:[A-Za-z0-9_-]{{1,64}}(:[A-Za-z0-9_-]+)?")
CONDITIONS = {
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}


class Events:
    """`topics` are the names of those that are there: a test says so."""

    def __init__(self, fake: Fake) -> None:
        self._fake = fake
        self.rules: dict[str, Json] = {}
        self.schedules: dict[str, Json] = {}
        self.topics: set[str] = set()
        self.subscriptions: dict[str, Json] = {}

    def left(self) -> list[str]:
        return [*self.rules, *self.schedules, *self.subscriptions]

    def do(self, service: str, operation: str, arguments: Json) -> Json:
        found: Json = getattr(self, f"_{service}_{operation}")(arguments)
        return found

    def reaching(self) -> Iterator[tuple[str, str]]:
        """What really gets to a function, and to which: who has no leave to invoke it does not."""
        for name, rule in self.rules.items():
            for target in rule["targets"].values():
                if rule["State"] == "ENABLED" and self._lets_in(target["Arn"], "events.amazonaws.com", rule["Arn"]):
                    yield name, target["Arn"]
        for name, schedule in self.schedules.items():
            target = schedule["Target"]
            role = target["RoleArn"].rpartition("/")[2]
            if self._fake.iam.allows(role, "lambda:InvokeFunction", target["Arn"]):
                yield name, target["Arn"]
        for each in self.subscriptions.values():
            if self._lets_in(each["Endpoint"], "sns.amazonaws.com", each["TopicArn"]):
                yield each["TopicArn"].rpartition(":")[2], each["Endpoint"]

    def _lets_in(self, arn: str, principal: str, source: str) -> bool:
        name, _, qualifier = arn.partition("function:")[2].partition(":")
        function = self._fake.functions.functions.get(name, {"policy": {}})
        return any(
            (own == qualifier, grant["Principal"], grant["Action"]) == (True, principal, "lambda:InvokeFunction")
            and fnmatch.fnmatchcase(source, grant.get("SourceArn", "*"))
            for (own, _), grant in function["policy"].items()
        )

    def policy(self, arguments: Json) -> Json:
        """Lambda's GetPolicy."""
        name, qualifier = arguments["FunctionName"], arguments.get("Qualifier", "")
        function = self._fake.functions.functions.get(name)
        grants = {
            sid: grant for (own, sid), grant in (function or {"policy": {}})["policy"].items() if own == qualifier
        }
        if not grants:
            raise Refused(404, "ResourceNotFoundException", "The resource you requested does not exist.")
        resource = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:{qualifier}"
        statements = [_statement(sid, grant, resource) for sid, grant in grants.items()]
        document = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        return {"Policy": json.dumps(document), "RevisionId": secrets.token_hex(16)}

    def _rule(self, arguments: Json, name: str = "Name") -> Json:
        found = self.rules.get(arguments[name])
        if found is None:
            said = f"Rule {arguments[name]} does not exist on EventBus default."
            raise Refused(400, "ResourceNotFoundException", said)
        return found

    def _events_PutRule(self, arguments: Json) -> Json:  # noqa: N802
        name = arguments["Name"]
        if not ("EventPattern" in arguments or "ScheduleExpression" in arguments):
            raise Refused(
                400, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."
            )
        _check_pattern(arguments["EventPattern"])
        there = self.rules.get(name)
        if there is None and len(self.rules) >= 300:
            raise Refused(400, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"
        kept: Json = there or {"Arn": arn, "targets": {}, "Tags": arguments.get("Tags", []), "EventBusName": "default"}
        given: Json = {part: arguments[part] for part in ("Name", "EventPattern", "Description") if part in arguments}
        self.rules[name] = {**kept, **given, "State": arguments.get("State", "ENABLED")}
        return {"RuleArn": arn}

    def _events_DescribeRule(self, arguments: Json) -> Json:  # noqa: N802
        rule = self._rule(arguments)
        return {name: value for name, value in rule.items() if name not in ("targets", "Tags")}

    def _events_ListTagsForResource(self, arguments: Json) -> Json:  # noqa: N802
        return {"Tags": self._rule({"Name": arguments["ResourceARN"].rpartition("/")[2]})["Tags"]}

    def _events_ListTargetsByRule(self, arguments: Json) -> Json:  # noqa: N802
        return {"Targets": list(self._rule(arguments, "Rule")["targets"].values())}

    def _events_PutTargets(self, arguments: Json) -> Json:  # noqa: N802
        rule = self._rule(arguments, "Rule")
        wrong = [each for each in arguments["Targets"] if not ALIAS.fullmatch(each["Arn"])]
        rule["targets"] |= {each["Id"]: each for each in arguments["Targets"] if each not in wrong}
        if len(rule["targets"]) > 5:
            raise Refused(400, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        failed = [{"TargetId": each["Id"], "ErrorCode": "ValidationException"} for each in wrong]
        return {"FailedEntryCount": len(failed), "FailedEntries": failed}

    def _events_RemoveTargets(self, arguments: Json) -> Json:  # noqa: N802
        targets = self._rule(arguments, "Rule")["targets"]
        for id in arguments["Ids"]:
            targets.pop(id, None)
        return {"FailedEntryCount": 0, "FailedEntries": []}

    def _events_DeleteRule(self, arguments: Json) -> Json:  # noqa: N802
        """One that is not there is no error."""
        if self.rules.get(arguments["Name"], {"targets": {}})["targets"]:
            raise Refused(400, "ValidationException", "Rule can't be deleted since it has targets.")
        self.rules.pop(arguments["Name"], None)
        return {}

    def _schedule(self, arguments: Json) -> Json:
        found = self.schedules.get(arguments["Name"])
        if found is None or arguments.get("GroupName", "default") != "default":
            raise Refused(404, "ResourceNotFoundException", f"Schedule {arguments['Name']} does not exist.")
        return found

    def _scheduler_CreateSchedule(self, arguments: Json) -> Json:  # noqa: N802
        there = self.schedules.get(arguments["Name"])
        if there is not None and there["ClientToken"] != arguments.get("ClientToken"):
            raise Refused(409, "ConflictException", f"Schedule {arguments['Name']} already exists.")
        return self._keep(arguments)

    def _scheduler_UpdateSchedule(self, arguments: Json) -> Json:  # noqa: N802
        """What is not given is as if it never was."""
        self._schedule(arguments)
        return self._keep(arguments)

    def _keep(self, arguments: Json) -> Json:
        if not EXPRESSION.fullmatch(arguments["ScheduleExpression"]):
            raise Refused(400, "ValidationException", f"Invalid Schedule Expression {arguments['ScheduleExpression']}.")
        try:
            ZoneInfo(arguments.get("ScheduleExpressionTimezone", "UTC"))
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise Refused(400, "ValidationException", "Provided timezone is not supported.") from error
        target = arguments["Target"]
        if not ALIAS.fullmatch(target["Arn"]):
            raise Refused(400, "ValidationException", f"Provided Arn {target['Arn']} is not valid.")
        self._check_role(target["RoleArn"])
        arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{arguments['Name']}"
        common = {"Arn": arn, "GroupName": "default", "State": "ENABLED", "ScheduleExpressionTimezone": "UTC"}
        retries = {"RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}}
        self.schedules[arguments["Name"]] = {**common, **arguments, "Target": {**retries, **target}}
        return {"ScheduleArn": arn}

    def _check_role(self, arn: str) -> None:
        """A role that was made a moment ago is not known yet."""
        role = self._fake.iam.roles.get(arn.rpartition("/")[2])
        trusted = [each["Principal"].get("Service") for each in role["trust"]["Statement"]] if role else []
        if role is not None:
            role["uses"] += 1
        if role is None or "scheduler.amazonaws.com" not in trusted or role["uses"] <= self._fake.delays:
            said = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
            raise Refused(400, "ValidationException", said)

    def _scheduler_GetSchedule(self, arguments: Json) -> Json:  # noqa: N802
        return {name: value for name, value in self._schedule(arguments).items() if name != "ClientToken"}

    def _scheduler_ListSchedules(self, arguments: Json) -> Json:  # noqa: N802
        found = [
            {"Name": name, "GroupName": "default", "Arn": each["Arn"], "Target": {"Arn": each["Target"]["Arn"]}}
            for name, each in sorted(self.schedules.items())
            if name.startswith(arguments.get("NamePrefix", ""))
        ]
        return {"Schedules": found}

    def _scheduler_DeleteSchedule(self, arguments: Json) -> Json:  # noqa: N802
        self._schedule(arguments)
        del self.schedules[arguments["Name"]]
        return {}

    def _sns_Subscribe(self, arguments: Json) -> Json:  # noqa: N802
        topic = self._topic(arguments)
        if arguments["Protocol"] != "lambda" or not ALIAS.fullmatch(arguments.get("Endpoint", "")):
            raise Refused(400, "InvalidParameter", "Invalid parameter: Lambda endpoint ARN")
        for arn, each in self.subscriptions.items():
            if (each["TopicArn"], each["Endpoint"]) == (topic, arguments["Endpoint"]):
                return {"SubscriptionArn": arn}
        arn = f"{topic}:{secrets.token_hex(16)}"
        kept = {"TopicArn": topic, "Endpoint": arguments["Endpoint"], "Protocol": "lambda", "Owner": ACCOUNT}
        self.subscriptions[arn] = {"SubscriptionArn": arn, **kept}
        return {"SubscriptionArn": arn}

    def _topic(self, arguments: Json) -> str:
        arn = str(arguments["TopicArn"])
        if arn not in {f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}" for name in self.topics}:
            raise Refused(404, "NotFound", "Topic does not exist")
        return arn

    def _sns_ListSubscriptionsByTopic(self, arguments: Json) -> Json:  # noqa: N802
        topic = self._topic(arguments)
        return {"Subscriptions": [each for each in self.subscriptions.values() if each["TopicArn"] == topic]}

    def _sns_Unsubscribe(self, arguments: Json) -> Json:  # noqa: N802
        """One that is not there is no error."""
        self.subscriptions.pop(arguments["SubscriptionArn"], None)
        return {}


def _statement(sid: str, grant: Mapping[str, Any], resource: str) -> Json:
    principal = grant["Principal"]
    conditions: dict[str, Json] = {}
    for name, (test, key) in CONDITIONS.items():
        if name in grant:
            value = grant[name]
            conditions.setdefault(test, {})[key] = str(value).lower() if isinstance(value, bool) else value
    made = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal if principal == "*" else {"Service": principal},
        "Action": grant["Action"],
        "Resource": resource,
    }
    return {**made, "Condition": conditions} if conditions else made


def _check_pattern(text: str) -> None:
    """Every leaf of a pattern is a list
    (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html)."""
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise Refused(400, "InvalidEventPatternException", "Event pattern is not valid. Reason: no JSON") from error
    if not isinstance(pattern, dict) or not pattern or not _is_pattern(pattern):
        raise Refused(
            400, "InvalidEventPatternException", "Event pattern is not valid. Reason: Match value must be a list"
        )


def _is_pattern(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_pattern(each) for each in value.values())
    return isinstance(value, list) and bool(value)
