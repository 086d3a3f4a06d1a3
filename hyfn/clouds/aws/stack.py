"""What must be there for a function to be live on AWS, as resources. Pure.

Of a function N: its role N with a policy for each thing that it may do, its log group, the function, its alias "live",
its URL if it has one, a version for each ship, the traffic, and what brings it events. ARNs have {partition}, {region}
and {account} where AWS has those of the caller.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

from hyfn.clouds.aws import pack, waking
from hyfn.clouds.aws.control import ALIAS, arn
from hyfn.clouds.aws.resources import REPORTING, STARTS, together
from hyfn.clouds.aws.triggers import UNWINDOWED, is_kafka
from hyfn.errors import ConfigError
from hyfn.model import Trigger
from hyfn.resource import Key, Phase, Resource, Wanted, digest, ref

CLOUD = "aws"
LOG_DAYS = 30
"""How long logs are kept. AWS's own default is for ever, at the user's cost."""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
SOURCES = {
    "queue": ("sqs", "{name}", ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]),
    "stream": (
        "kinesis",
        "stream/{name}",
        ["kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator"],
    ),
}
"""What Lambda fetches itself, as the function's role: the service, how its ARNs end, and what the role must be allowed
(https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html;
ListShards and ListStreams are for consumers that look for shards themselves)."""

Json = dict[str, Any]


def resources(wanted: Wanted, region: str) -> list[Resource]:
    """Raises ConfigError for what hyfn cannot ship to AWS."""
    own = _Own(wanted, region)
    return [*own.identity(), *own.code(), *own.wiring(), own.traffic(), *own.sources(), *own.told()]


def function_of(key: Key) -> str:
    """The function that a resource belongs to."""
    return key.name.partition("/")[0].partition(":")[0]


class _Own:
    """One function's resources."""

    def __init__(self, wanted: Wanted, region: str) -> None:
        self._wanted, self._region, self._name = wanted, region, wanted.name
        self._options = wanted.target.options
        others = [_fetched(each) for each in wanted.function.triggers if each.kind not in ("http", *waking.TOLD)]
        self._waiting = list(together(others).values())

    def identity(self) -> Iterator[Resource]:
        yield self._resource("role", self._name, Phase.IDENTITY, {"trust": TRUST, "attached": []})
        written = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"]}
        yield self._policy(
            "logs", Phase.IDENTITY, {**written, "Resource": [arn("logs", f"log-group:{self.log_group}:*")]}
        )
        for trigger, *_ in self._waiting:
            service, ending, actions = SOURCES[trigger.kind]
            source = arn(service, ending.format(name=trigger.resource))
            allowed = {"Effect": "Allow", "Action": actions, "Resource": [source]}
            yield self._policy(f"{trigger.kind}-{trigger.resource}", Phase.IDENTITY, allowed)
        yield self._resource("log-group", self._name, Phase.IDENTITY, {"name": self.log_group, "days": LOG_DAYS})

    @property
    def log_group(self) -> str:
        return f"/aws/lambda/{self._name}"

    def code(self) -> Iterator[Resource]:
        """The function, its alias, which has no version yet when it is made, and where it is called."""
        artifact = self._wanted.artifact
        yield self._resource(
            "function",
            self._name,
            Phase.CODE,
            self.configuration(),
            file=artifact.path if artifact.kind == "zip" else None,
            is_endpoint=not self._has_url,
        )
        yield self._resource("alias", self._name, Phase.CODE, {"name": ALIAS}, [self._key("function", self._name)])
        if self._has_url:
            auth = "NONE" if self._is_open else "AWS_IAM"
            before = [self._key("alias", self._name)]
            yield self._resource("url", self._name, Phase.CODE, {"auth": auth}, before, is_endpoint=True)
            if self._is_open:
                yield from waking.opened(self._name, before, self._resource)

    @property
    def _has_url(self) -> bool:
        return bool(self._options.get("url")) or self._is_open

    @property
    def _is_open(self) -> bool:
        return self._wanted.is_far or any(trigger.kind == "http" for trigger in self._wanted.function.triggers)

    def configuration(self) -> Json:
        """Of the function, in AWS's own words but for the code: "sha256" is that of the zip, as AWS has it."""
        artifact, options = self._wanted.artifact, self._options
        made: Json = {
            "Role": arn("iam", f"role/{self._name}").replace("{region}", ""),
            "PackageType": "Zip" if artifact.kind == "zip" else "Image",
            "Architectures": [options.get("architecture", "x86_64")],
            "MemorySize": options.get("memory", pack.MEMORY),
            "Timeout": math.ceil(options.get("timeout", pack.TIMEOUT)),
            "Environment": dict(sorted((options.get("env") or {}).items())),
        }
        if artifact.kind == "zip":
            code = b64encode(bytes.fromhex(artifact.digest.partition(":")[2])).decode()
            return {**made, "Runtime": f"python{artifact.python}", "Handler": pack.HANDLER, "sha256": code}
        return {**made, "image": self._wanted.image}

    def wiring(self) -> Iterator[Resource]:
        """A version, and a policy for each edge: a grant is its own, so that taking one away cuts one edge."""
        made = {"function": digest(self.configuration())}
        name = f"{self._name}:{made['function'][:12]}"
        yield self._resource("version", name, Phase.WIRING, made, is_wired=True)
        for callee in self._wanted.near:
            target = arn("lambda", f"function:{callee.name}:{ALIAS}")
            actions = ["lambda:InvokeFunction"]
            if callee.target.options.get("url"):
                actions.append("lambda:InvokeFunctionUrl")  # a URL wants both
            allowed = {"Effect": "Allow", "Action": actions, "Resource": [target]}
            yield self._policy(f"invoke-{callee.name}", Phase.WIRING, allowed)

    def traffic(self) -> Resource:
        version = self._key("version", f"{self._name}:{digest(self.configuration())[:12]}")
        return self._resource("traffic", self._name, Phase.FLIP, {"version": ref(version, "number")})

    def sources(self) -> Iterator[Resource]:
        for triggers in self._waiting:
            trigger = triggers[0]
            service, ending, _ = SOURCES[trigger.kind]
            source = {"EventSourceArn": arn(service, ending.format(name=trigger.resource))}
            name = f"{self._name}/{trigger.kind}-{trigger.resource}"
            yield self._resource("event-source-mapping", name, Phase.TRIGGER, source | _mapping(triggers))

    def told(self) -> Iterator[Resource]:
        """What AWS invokes the function for."""
        yield from waking.told(self._wanted.function, self._name, self._resource)

    def _policy(self, name: str, phase: Phase, statement: Json) -> Resource:
        before = [self._key("role", self._name)]
        return self._resource("policy", f"{self._name}/{name}", phase, {"statement": statement}, before)

    def _key(self, kind: str, name: str) -> Key:
        return Key(CLOUD, self._region, kind, name)

    def _resource(
        self, kind: str, name: str, phase: Phase, body: Json, needs: Sequence[Key] = (), **more: Any
    ) -> Resource:
        return Resource(self._key(kind, name), phase, self._wanted.party, body, needs, **more)


def _fetched(trigger: Trigger) -> Trigger:
    if trigger.kind in SOURCES and not is_kafka(trigger):
        return trigger
    kind = "kafka" if is_kafka(trigger) else trigger.kind
    said = f"hyfn builds and emulates @on.{kind} for AWS, and does not ship it there yet"
    hint = "deploy it by the CloudFormation template that `hyfn build` writes beside the artifact"
    raise ConfigError(said, where=str(trigger.place), hint=hint)


def _mapping(triggers: Sequence[Trigger]) -> Json:
    """Of one source, for all that wait for it."""
    batch = max(trigger.options["batch"] for trigger in triggers)
    made: Json = {"BatchSize": batch, "Enabled": True, **REPORTING}
    if triggers[0].kind == "stream":
        starts = {trigger.options["start"] for trigger in triggers}
        return {**made, "StartingPosition": STARTS["earliest" if "earliest" in starts else "latest"]}
    return {**made, "MaximumBatchingWindowInSeconds": 1 if batch > UNWINDOWED else 0}
