"""CloudFormation's own schemas on the templates of Lambdas, by AWS's linter, which holds all of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hyfn.clouds.aws.pack import packer
from hyfn.model import FunctionSpec, Place, Signature, Target, Trigger
from tests.fakes import aws_sources

pytestmark = pytest.mark.runtime

PLACE = Place("app.py", 3)
STREAM = {"batch": 100, "start": "latest", "via": "platform", "connection": ""}
BLOB = {"prefix": "", "suffix": "", "change": "created", "connection": ""}


def trigger(kind: str, **options: Any) -> Trigger:
    return Trigger(kind, options, PLACE)


TRIGGERS = [
    trigger("http", path="/orders", methods=("GET",), mount=""),
    trigger("schedule", when="every 90 minutes", timezone="UTC"),
    trigger("schedule", when="*/5 8-18/2 */2 1-6/2,9 *", timezone="Europe/Berlin"),
    trigger("schedule", when="0 6 * * MON-FRI", timezone="UTC"),
    trigger("blob", container="invoices", **{**BLOB, "prefix": "in/*", "suffix": ".json"}),
    trigger("blob", container="invoices", **{**BLOB, "change": "deleted"}),
    trigger("queue", name="orders", batch=10_000, connection=""),
    trigger("queue", name="orders.fifo", batch=10, connection=""),
    trigger("topic", name="news", connection=""),
    trigger("stream", name="clicks", **{**STREAM, "batch": 10_000, "start": "earliest"}),
    trigger("stream", name="lines", **{**STREAM, "via": "kafka", "connection": "a.example:9092, b.example:9092"}),
    trigger("stream", name="words", **{**STREAM, "via": "kafka", "connection": "kafka_servers"}),
    trigger(
        "stream",
        name="msk",
        **{**STREAM, "via": "kafka", "connection": f"arn:aws:kafka:eu-west-1:123456789012:cluster/c/{'1' * 36}-1"},
    ),
    trigger("event", type="com.acme.order", source="/shop"),
    trigger("event", type="com.acme.order.paid", source=""),
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"memory": 10_240, "timeout": 900, "python": "3.14", "architecture": "arm64", "env": {"LOG": "1"}, "url": True},
    {"package": "image", "timeout": 1.5},
]


def template(options: dict[str, Any], *triggers: Trigger) -> dict[str, Any]:
    target = Target("aws", "aws", options, PLACE)
    function = FunctionSpec("app:settle", "app", "settle", PLACE, Signature((), None), None, False, (target,))
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/settle:1" if options.get("package") == "image" else ""
    return dict(packer.manifest(replace(function, triggers=triggers), target, "shop-dev-settle", image))


@pytest.fixture
def problems(tmp_path: Path) -> Callable[[dict[str, Any]], list[str]]:
    def lint(document: dict[str, Any]) -> list[str]:
        path = tmp_path / "template.json"
        path.write_text(json.dumps(document))
        linter = str(aws_sources.environment().bin / "cfn-lint")
        command = [linter, "--format", "json", "--regions", "eu-west-1", "--", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.stdout, done.stderr
        return [
            f"{each['Rule']['Id']} {each['Location']['Path']} {each['Message']}" for each in json.loads(done.stdout)
        ]

    return lint


Lint = Callable[[dict[str, Any]], list[str]]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_cloudformation_takes_a_template_as_it_is(problems: Lint, options: dict[str, Any]) -> None:
    assert problems(template(options)) == []
    assert problems(template(options, *TRIGGERS)) == []


def _mapping(document: dict[str, Any]) -> Any:
    return next(
        each["Properties"]
        for each in document["Resources"].values()
        if each["Type"] == "AWS::Lambda::EventSourceMapping"
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda document: document["Resources"]["Function"]["Properties"].update(MemorySize=64), "64 is less than"),
        (lambda document: document["Resources"]["Function"]["Properties"].update(Color="red"), "Color"),
        (lambda document: _mapping(document).update(BatchSize=10_001), "10001 is greater than"),
        (lambda document: _mapping(document).update(FunctionResponseTypes=["All"]), "'All' is not one of"),
        (lambda document: document["Parameters"].pop("FunctionRole"), "FunctionRole"),
    ],
)
def test_what_cloudformation_would_refuse_is_seen(
    problems: Lint, spoil: Callable[[dict[str, Any]], object], said: str
) -> None:
    document = template({}, *TRIGGERS)
    spoil(document)
    assert said in "\n".join(problems(document))
