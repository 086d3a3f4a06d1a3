"""Services of AWS, as moto has them, and Lambda's own way to bring what they tell, to functions in AWS's runtime."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hyfn.clouds.aws import resources
from hyfn.model import FunctionSpec, Place, Signature, Target, Trigger
from tests import lambdas, waking
from tests.fakes import aws_sources
from tests.fakes.aws_sources import Aws, Invoke, QueuePoller, ShardPoller
from tests.lambdas import Lambdas

pytestmark = pytest.mark.runtime

GOOD, POISON = '{"id": "a", "n": 1}', '{"id": "b", "n": 13}'
FUNCTIONS = {
    "on_queue": ("queue", "'orders', batch=10", "Order"),
    "on_fifo": ("queue", "'orders.fifo', batch=10", "Order"),
    "on_stream": ("stream", "'clicks'", "Order"),
    "on_topic": ("topic", "'news'", "Order"),
    "on_blob": ("blob", "'invoices', prefix='in/', suffix='.json'", "Blob"),
    "on_gone": ("blob", "'invoices', change='deleted'", "Blob"),
    "on_event": ("event", "'com.acme.order', source='/shop'", "Order"),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lambdas]:
    folder = tmp_path_factory.mktemp("aws-services")
    parts = [waking.HEAD.format(platform="aws").lstrip()]
    for name, (kind, options, data) in FUNCTIONS.items():
        record = str(folder / "record")
        parts.append(
            waking.FUNCTION.format(
                platform="aws", record=record, more="", kind=kind, options=options, name=name, data=data
            )
        )
    (folder / "app.py").write_text("".join(parts))
    (folder / "pyproject.toml").write_text('[project]\nname = "services"\ndependencies = ["hyfn"]\n')
    with lambdas.running(folder) as found:
        yield found


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with aws_sources.aws(tmp_path_factory.mktemp("moto")) as found:
        yield found


@pytest.fixture
def up(running: Lambdas) -> Lambdas:
    waking.recorded(running.folder)
    return running


def invoking(up: Lambdas, function: str) -> Invoke:
    return lambda event: up.invoke(function, event)


def test_just_the_poisoned_message_stays_in_its_queue(up: Lambdas, aws: Aws) -> None:
    queue = aws.queue("orders", VisibilityTimeout="1")
    poller = QueuePoller(queue, invoking(up, "on_queue"))
    tenant = {"tenant": {"DataType": "String", "StringValue": "acme"}}
    raw = {"raw": {"DataType": "Binary", "BinaryValue": b"x"}}
    queue.send(GOOD, MessageAttributes={**tenant, **raw})
    poison = queue.send(POISON)
    queue.send(GOOD)
    assert poller.poll() == [POISON]
    first, second = up.got
    assert (first["source"], first["extensions"]) == ("/queue/orders", {"attempt": 1, "tenant": "acme"})
    assert second["data"] == {"id": "a", "n": 1}
    assert queue.left() == 1
    assert poller.poll(wait=5) == [POISON]
    [left] = queue.receive(wait=5)
    assert (left["MessageId"], left["Attributes"]["ApproximateReceiveCount"]) == (poison, "3")


def test_an_invocation_that_fails_leaves_its_whole_batch(up: Lambdas, aws: Aws) -> None:
    """So does one whose messages are for another queue than the function's."""
    queue = aws.queue("others", VisibilityTimeout="1")
    queue.send(GOOD)
    assert QueuePoller(queue, invoking(up, "on_queue")).poll() == [GOOD]
    assert (queue.left(), up.got) == (1, [])


def test_a_group_of_a_fifo_queue_keeps_its_order(up: Lambdas, aws: Aws) -> None:
    """Brought once: moto gives messages that come again in another order than SQS does."""
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "1"}
    queue = aws.queue("orders.fifo", **fifo)
    poller = QueuePoller(queue, invoking(up, "on_fifo"))
    sent = [("g", 1), ("g", 13), ("g", 2), ("other", 3), ("g", 4)]
    for group, n in sent:
        queue.send(json.dumps({"id": group, "n": n}), MessageGroupId=group)
    assert [json.loads(body)["n"] for body in poller.poll()] == [13, 2, 4]
    assert [got["data"]["n"] for got in up.got] == [1, 3]
    assert queue.left() == 3


def test_a_shard_stands_still_at_its_poisoned_record(up: Lambdas, aws: Aws) -> None:
    aws.ask("kinesis", "create_stream", StreamName="clicks", ShardCount=1)
    shard = ShardPoller(aws, "clicks", invoking(up, "on_stream"))
    for number in (1, 2, 13, 4):
        shard.put(json.dumps({"id": "a", "n": number}).encode(), f"key-{number}")
    assert len(shard.poll()) == 2
    got = up.got
    assert [each["data"]["n"] for each in got] == [1, 2]
    assert [each["extensions"]["partitionkey"] for each in got] == ["key-1", "key-2"]
    assert {each["extensions"]["partition"] for each in got} == {"shardId-000000000000"}
    assert len(shard.poll()) == 2
    assert up.got == []


def test_a_topic_s_message(up: Lambdas, aws: Aws) -> None:
    topic = aws.ask("sns", "create_topic", Name="news")["TopicArn"]
    queue = aws.queue("news")
    aws.ask("sns", "subscribe", TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    tenant = {"tenant": {"DataType": "String", "StringValue": "acme"}}
    sent = aws.ask("sns", "publish", TopicArn=topic, Subject="title", Message=GOOD, MessageAttributes=tenant)
    [envelope] = queue.taken()
    assert up.invoke("on_topic", aws_sources.notified(envelope)) == (True, {})
    [got] = up.got
    assert (got["id"], got["source"], got["subject"]) == (sent["MessageId"], "/topic/news", "title")
    assert (got["data"], got["extensions"]) == ({"id": "a", "n": 1}, {"tenant": "acme"})


KEY = "in/b21b b84ü+100%.json"


def test_a_file_s_notification(up: Lambdas, aws: Aws) -> None:
    """As S3 itself writes it: its name is encoded."""
    queue = aws.queue("notifications")
    aws.ask("s3", "create_bucket", Bucket="invoices")
    wanted = {"QueueArn": queue.arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"]}
    configuration = {"QueueConfigurations": [wanted]}
    aws.ask("s3", "put_bucket_notification_configuration", Bucket="invoices", NotificationConfiguration=configuration)
    etag = aws.ask("s3", "put_object", Bucket="invoices", Key=KEY, Body=b"12345")["ETag"]
    aws.ask("s3", "delete_object", Bucket="invoices", Key=KEY)
    told = {body["Records"][0]["eventName"]: body for body in queue.taken() if "Records" in body}
    assert up.invoke("on_blob", told["ObjectCreated:Put"]) == (True, {})
    assert up.invoke("on_gone", told["ObjectRemoved:Delete"]) == (True, {})
    created, removed = up.got
    assert created["subject"] == created["data"]["name"] == removed["subject"] == KEY
    assert (created["data"]["size"], created["data"]["etag"]) == (5, etag.strip('"'))
    assert (created["type"], removed["type"]) == ("dev.hyfn.blob.created", "dev.hyfn.blob.deleted")
    went_well, said = up.invoke("on_blob", told["ObjectTagging:Put"])
    assert (went_well, said["errorType"], up.got) == (False, "Malformed", [])


def patterns(*triggers: Trigger) -> list[str]:
    """Those of the rules of EventBridge that our template has."""
    place = Place("app.py", 1)
    function = FunctionSpec("app:f", "app", "f", place, Signature((), None), None, False, (), triggers=triggers)
    template = resources.template(function, Target("aws", "aws", {}, place), "f", "", {})
    rules = [each for each in template["Resources"].values() if each["Type"] == "AWS::Events::Rule"]
    return [json.dumps(rule["Properties"]["EventPattern"]) for rule in rules]


@pytest.fixture
def bridged(aws: Aws, request: pytest.FixtureRequest) -> Iterator[Callable[[Trigger], Callable[[], list[Any]]]]:
    """For a trigger, what the rules of our template take from the bus."""
    made: list[str] = []

    def bridge(trigger: Trigger) -> Callable[[], list[Any]]:
        queue = aws.queue(f"bridge-{len(made)}-{abs(hash(request.node.name))}")
        for pattern in patterns(trigger):
            made.append(f"rule-{len(made)}")
            aws.ask("events", "put_rule", Name=made[-1], EventPattern=pattern)
            aws.ask("events", "put_targets", Rule=made[-1], Targets=[{"Id": "1", "Arn": queue.arn}])
        return queue.taken

    yield bridge
    for name in made:
        aws.ask("events", "remove_targets", Rule=name, Ids=["1"])
        aws.ask("events", "delete_rule", Name=name)


Bridge = Callable[[Trigger], Callable[[], list[Any]]]


def test_a_file_by_the_rule_of_our_template(up: Lambdas, aws: Aws, bridged: Bridge) -> None:
    options = {"container": "scans", "prefix": "in/*", "suffix": ".json", "change": "created", "connection": ""}
    taken = bridged(Trigger("blob", options, Place("app.py", 1)))
    aws.ask("s3", "create_bucket", Bucket="scans")
    configuration: dict[str, Any] = {"EventBridgeConfiguration": {}}
    aws.ask("s3", "put_bucket_notification_configuration", Bucket="scans", NotificationConfiguration=configuration)
    for key in ("in/*ü.json", "in/other.json", "in/*.txt"):
        aws.ask("s3", "put_object", Bucket="scans", Key=key, Body=b"12345")
    [told] = taken()
    assert (told["detail-type"], told["detail"]["object"]["key"]) == ("Object Created", "in/*ü.json")
    told["detail"]["bucket"]["name"] = "invoices"
    assert up.invoke("on_blob", told) == (True, {})
    [got] = up.got
    assert (got["id"], got["source"], got["subject"]) == (told["id"], "/blob/invoices", "in/*ü.json")
    assert got["data"]["size"] == 5


def test_an_event_by_the_rule_of_our_template(up: Lambdas, aws: Aws, bridged: Bridge) -> None:
    taken = bridged(Trigger("event", {"type": "com.acme.order", "source": "/shop"}, Place("app.py", 1)))
    kinds = [("/shop", "com.acme.order"), ("/others", "com.acme.order"), ("/shop", "com.acme.other")]
    entries = [{"Source": source, "DetailType": kind, "Detail": GOOD} for source, kind in kinds]
    sent = aws.ask("events", "put_events", Entries=entries)["Entries"]
    [told] = taken()
    assert up.invoke("on_event", told) == (True, {})
    [got] = up.got
    assert (got["id"], got["type"], got["source"]) == (sent[0]["EventId"], "com.acme.order", "/shop")
    assert got["data"] == {"id": "a", "n": 1}
