"""AWS's events: what is emitted comes back as it was, what is none is refused, and what templates ask of AWS."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyfn.clouds.aws import on, triggers
from hyfn.clouds.aws.emit import emitter
from hyfn.clouds.aws.pack import packer
from hyfn.discover import schedules
from hyfn.errors import Malformed, PartialFailure
from hyfn.event import (
    BLOB_CREATED,
    BLOB_DELETED,
    QUEUE_MESSAGE,
    SCHEDULE_TICK,
    STREAM_RECORD,
    TOPIC_MESSAGE,
    occurrence,
)
from hyfn.host.events import Outcome
from hyfn.model import FunctionSpec, Place, Problem, Signature, Target, Trigger
from hyfn.wire.carrier import Endpoint, Response

LINE = Place("app.py", 5)
GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "events" / "aws").glob("*.json"))
INVOKE = Endpoint("aws", "app:f", "http://127.0.0.1:1/2015-03-31/functions/f/invocations")
TIME = "2026-03-01T12:30:15.250000+00:00"
DEFAULTS: dict[str, dict[str, Any]] = {
    "http": {"path": "/", "methods": ("POST",), "mount": ""},
    "schedule": {"when": "every 5 minutes", "timezone": "UTC"},
    "blob": {"container": "invoices", "prefix": "", "suffix": "", "change": "created", "connection": ""},
    "queue": {"name": "orders", "batch": 10, "connection": ""},
    "topic": {"name": "news", "connection": ""},
    "stream": {"name": "clicks", "batch": 100, "start": "latest", "via": "platform", "connection": ""},
    "event": {"type": "com.acme.order", "source": ""},
}
KAFKA = {"via": "kafka", "connection": "a.example:9092"}


def trigger(kind: str, **options: Any) -> Trigger:
    return Trigger(kind, {**DEFAULTS[kind], **options}, LINE)


def target(**options: Any) -> Target:
    return Target("aws", "aws", options, LINE)


def function(*waiting: Trigger) -> FunctionSpec:
    made = FunctionSpec("app:f", "app", "f", LINE, Signature((), None), None, False, ())
    return replace(made, triggers=waiting)


def template(*waiting: Trigger, **options: Any) -> Mapping[str, Any]:
    return packer.manifest(function(*waiting), target(**options), "shop-dev-f", "")


def only(kind: str, *waiting: Trigger) -> dict[str, Any]:
    """The properties of the one resource of this kind."""
    [found] = [each for each in template(*waiting)["Resources"].values() if each["Type"] == kind]
    properties: dict[str, Any] = found["Properties"]
    return properties


def problems(*waiting: Trigger) -> list[Problem]:
    return list(packer.check(function(*waiting), target()))


def blob(kind: str = BLOB_CREATED, **more: object) -> dict[str, Any]:
    name = "in/b21b b84ü+100%.json"
    data = {"container": "invoices", "name": name, **more}
    return occurrence(kind, "/blob/invoices", "r-1", subject=name, time=TIME, data=data)


def record(number: int, partition: str, **more: object) -> dict[str, Any]:
    place: dict[str, Any] = {"partition": partition, "sequence": str(number), "partitionkey": "ü"}
    id = f"clicks-{partition}@{number}" if partition.isdigit() else f"{partition}:{number}"
    return occurrence(STREAM_RECORD, "/stream/clicks", id, body=b"\x00{", time=TIME, **place, **more)


def message(kind: str, id: str, **more: object) -> dict[str, Any]:
    where = "/topic/news" if kind == TOPIC_MESSAGE else "/queue/orders"
    return occurrence(kind, where, id, body='{"ü": 1}'.encode(), time=TIME, **more)


SAID: dict[str, Any] = {
    "subject": "s",
    "datacontenttype": "text/plain",
    "dataschema": "https://acme.example/order",
    "tenant": "7",
}
EMITTED: list[tuple[Trigger, list[dict[str, Any]]]] = [
    (trigger("schedule"), [occurrence(SCHEDULE_TICK, "/schedule", "1", time=TIME)]),
    (trigger("blob"), [blob(size=5, etag="0a", version="v1"), blob(size=0)]),
    (trigger("blob", change="deleted"), [blob(BLOB_DELETED)]),
    (trigger("queue"), [message(QUEUE_MESSAGE, "a", attempt=3, tenant="7"), message(QUEUE_MESSAGE, "b", attempt=1)]),
    (trigger("topic"), [message(TOPIC_MESSAGE, "a", subject="title", tenant="7"), message(TOPIC_MESSAGE, "b")]),
    (trigger("stream"), [record(1, "shardId-0"), record(2, "shardId-0")]),
    (trigger("stream", **KAFKA), [record(1, "0", tenant="ü"), record(7, "1")]),
    (trigger("event"), [occurrence("com.acme.order", "/shop", "1", time=TIME, data={"n": 1})]),
    (trigger("event"), [occurrence("com.acme.order", "/shop", "1", time=TIME, data=[1], **SAID)]),
    (trigger("event"), [occurrence("com.acme.order", "/shop", "1", time=TIME, body=b"\x00", **SAID)]),
    (trigger("event"), [occurrence("com.acme.order", "/shop", "1", time=TIME)]),
]


@pytest.mark.parametrize(("waiting", "events"), EMITTED, ids=lambda value: getattr(value, "kind", ""))
def test_what_is_emitted_comes_back(waiting: Trigger, events: list[dict[str, Any]]) -> None:
    told = emitter.notify(INVOKE, waiting, events)
    brought = [on.delivery(json.loads(each.request.body)) for each in told]
    assert {delivery.kind for delivery in brought} == {waiting.kind}
    assert {delivery.resource for delivery in brought} <= {waiting.resource, ""}
    got = [item.event for delivery in brought for item in delivery.items]
    assert [_as_read(event, events[0]) for event in got] == events
    assert [id for each in told for id in each.ids] == [event["id"] for event in events]


def _as_read(event: dict[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """EventBridge's details are JSON, whether or not that was said."""
    return {name: value for name, value in event.items() if name in sent or name != "datacontenttype"}


def test_a_batch_is_as_large_as_the_trigger_says_and_of_one_shard() -> None:
    messages = [message(QUEUE_MESSAGE, str(number)) for number in range(5)]
    told = emitter.notify(INVOKE, trigger("queue", batch=2), messages)
    assert [list(each.ids) for each in told] == [["0", "1"], ["2", "3"], ["4"]]
    records = [record(number, f"shardId-{number % 2}") for number in range(4)]
    told = emitter.notify(INVOKE, trigger("stream"), records)
    assert [len(each.ids) for each in told] == [2, 2]


def test_who_does_not_say_where_and_when_is_given_it() -> None:
    bare = occurrence(STREAM_RECORD, "/stream/clicks", "mine", data={"n": 1})
    [told] = emitter.notify(INVOKE, trigger("stream"), [bare])
    [item] = on.delivery(json.loads(told.request.body)).items
    assert item.event["data_base64"] == b'{"n": 1}'
    assert item.event["time"]
    assert item.key == item.event["sequence"] == item.event["id"].partition(":")[2]


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (b"null", []),
        (b"{}", []),
        (b'{"batchItemFailures": null}', []),
        (b'{"batchItemFailures": []}', []),
        (b'{"batchItemFailures": [{"itemIdentifier": "1"}]}', ["1"]),
        (b'{"batchItemFailures": [{"itemIdentifier": "0"}, {"itemIdentifier": "2"}]}', ["0", "2"]),
        (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', ["0", "1", "2"]),
        (b'{"batchItemFailures": [{"itemIdentifier": "x"}]}', ["0", "1", "2"]),
        (b'{"batchItemFailures": [{"id": "1"}]}', ["0", "1", "2"]),
    ],
)
def test_an_answer_is_read_as_lambda_reads_it(answer: bytes, failed: list[str]) -> None:
    [told] = emitter.notify(INVOKE, trigger("queue"), [message(QUEUE_MESSAGE, str(number)) for number in range(3)])
    assert list(emitter.failed(told, Response(200, {}, answer))) == failed


def test_kinesis_goes_back_to_the_first_that_failed() -> None:
    [told] = emitter.notify(INVOKE, trigger("stream"), [record(number, "shardId-0") for number in (5, 6, 7)])
    answer = b'{"batchItemFailures": [{"itemIdentifier": "7"}, {"itemIdentifier": "6"}]}'
    assert list(emitter.failed(told, Response(200, {}, answer))) == ["shardId-0:6", "shardId-0:7"]


@pytest.mark.parametrize("kind", ["topic", "queue"])
def test_an_invocation_that_failed_failed_for_all(kind: str) -> None:
    [told] = emitter.notify(INVOKE, trigger(kind), [message(QUEUE_MESSAGE, "1")])
    assert list(emitter.failed(told, Response(200, {"x-amz-function-error": "Unhandled"}, b"{}"))) == ["1"]
    assert list(emitter.failed(told, Response(429, {}, b""))) == ["1"]
    assert list(emitter.failed(told, Response(200, {}, b"{}"))) == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_whatever_is_missing_or_another_thing_is_read_or_refused(path: Path) -> None:
    whole = json.loads(path.read_text())
    assert on.delivery(whole).items
    refused = 0
    for spoilt in _spoilt(whole):
        try:
            delivery = on.delivery(spoilt)
        except Malformed:
            refused += 1
        else:
            assert all(type(item.key) is type(item.event["type"]) is str for item in delivery.items)
    assert refused


def _spoilt(document: Any) -> Iterator[Any]:
    """It, with each of its parts in turn gone or something else."""
    for place in _places(document):
        for other in (None, 1, "", "x", [], {}, [1], {"x": 1}):
            yield _with(document, place, other)
        yield _without(document, place)


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from _places(each, (*place, name))


def _with(document: Any, place: Sequence[Any], other: object) -> Any:
    made = copy.deepcopy(document)
    holder = made
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = other
    return made


def _without(document: Any, place: Sequence[Any]) -> Any:
    made = copy.deepcopy(document)
    holder = made
    for name in place[:-1]:
        holder = holder[name]
    del holder[place[-1]]
    return made


@pytest.mark.parametrize("name", ["ObjectTagging:Put", "ObjectAcl:Put", "ObjectRestore:Completed", "TestEvent", ""])
def test_what_neither_writes_nor_deletes_a_file_is_no_event_of_it(name: str) -> None:
    [told] = emitter.notify(INVOKE, trigger("blob"), [blob()])
    document = json.loads(told.request.body)
    document["Records"][0]["eventName"] = name
    with pytest.raises(Malformed):
        on.delivery(document)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ObjectCreated:CompleteMultipartUpload", BLOB_CREATED),
        ("ObjectCreated:Copy", BLOB_CREATED),
        ("ObjectRemoved:DeleteMarkerCreated", BLOB_DELETED),
        ("LifecycleExpiration:Delete", BLOB_DELETED),
    ],
)
def test_what_writes_or_deletes_one_is(name: str, kind: str) -> None:
    [told] = emitter.notify(INVOKE, trigger("blob"), [blob()])
    document = json.loads(told.request.body)
    document["Records"][0]["eventName"] = name
    assert on.delivery(document).items[0].event["type"] == kind


def _outcome(failed: Sequence[str], skipped: Sequence[str] = ()) -> Outcome:
    outcome = Outcome()
    outcome.failed = dict.fromkeys(failed, PartialFailure([]))
    outcome.skipped = list(skipped)
    return outcome


def test_a_queue_is_told_each_once_and_kinesis_only_where_to_go_back_to() -> None:
    outcome = _outcome(["1"], ["2", "1", "2"])
    assert on.answer("queue", "aws:sqs", outcome) == {
        "batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]
    }
    assert on.answer("stream", "aws:kinesis", outcome) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert on.answer("queue", "aws:sqs", _outcome([])) == {"batchItemFailures": []}


@pytest.mark.parametrize(("kind", "source"), [("stream", "aws:kafka"), ("stream", "SelfManagedKafka"), ("topic", "")])
def test_all_else_fails_as_a_whole(kind: str, source: str) -> None:
    """Kafka's mappings would take an answer for success, unless they cost more."""
    with pytest.raises(PartialFailure):
        on.answer(kind, source, _outcome(["1"]))
    assert on.answer(kind, source, _outcome([])) == {}


class TestTemplates:
    def test_what_two_functions_wait_for_is_brought_once(self) -> None:
        queue = only("AWS::Lambda::EventSourceMapping", trigger("queue", batch=3), trigger("queue", batch=20))
        assert (queue["BatchSize"], queue["MaximumBatchingWindowInSeconds"]) == (20, 1)
        assert queue["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        stream = only("AWS::Lambda::EventSourceMapping", trigger("stream"), trigger("stream", start="earliest"))
        assert stream["StartingPosition"] == "TRIM_HORIZON"
        rule = only("AWS::Events::Rule", trigger("blob", prefix="in/"), trigger("blob", suffix=".json"))
        assert rule["EventPattern"]["detail"]["object"]["key"] == [{"wildcard": "*.json"}, {"wildcard": "in/*"}]
        rule = only("AWS::Events::Rule", trigger("blob", prefix="in/"), trigger("blob"))
        assert rule["EventPattern"]["detail"] == {"bucket": {"name": ["invoices"]}}
        rule = only("AWS::Events::Rule", trigger("event", source="/a"), trigger("event", source="/b"))
        assert rule["EventPattern"] == {"detail-type": ["com.acme.order"], "source": ["/a", "/b"]}
        rule = only("AWS::Events::Rule", trigger("event", source="/a"), trigger("event"))
        assert rule["EventPattern"] == {"detail-type": ["com.acme.order"]}

    def test_what_schedules_send_says_which_one_it_is(self) -> None:
        schedule = only("AWS::Scheduler::Schedule", trigger("schedule", when="0 6 * * *", timezone="Europe/Berlin"))
        assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
        sent = schedule["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", "2026-03-01T12:30:15Z")
        delivery = on.delivery(json.loads(sent))
        assert (delivery.kind, delivery.resource) == ("schedule", "0 6 * * *")
        assert delivery.items[0].event["time"] == "2026-03-01T12:30:15Z"

    def test_nobody_but_the_sources_may_invoke_it(self) -> None:
        waiting = [trigger("topic"), trigger("event"), trigger("blob"), trigger("schedule"), trigger("queue")]
        document = template(*waiting)
        assert "*" not in json.dumps(document).replace("in/*", "")
        permissions = [each["Properties"] for each in document["Resources"].values() if "Permission" in each["Type"]]
        assert len(permissions) == 3
        assert all(each["SourceArn"] for each in permissions)

    def test_a_page_is_for_anybody_and_a_url_for_who_may(self) -> None:
        open_url = template(trigger("http"), trigger("http", path="/x"))["Resources"]
        assert open_url["Url"]["Properties"]["AuthType"] == "NONE"
        actions = [open_url[name]["Properties"]["Action"] for name in ("UrlPermission", "UrlInvokePermission")]
        assert actions == ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]
        closed = template(url=True)["Resources"]
        assert closed["Url"]["Properties"]["AuthType"] == "AWS_IAM"
        assert closed.keys() == {"Function", "Url"}

    def test_what_only_the_owner_knows_is_a_parameter(self) -> None:
        assert template()["Parameters"].keys() == {"CodeBucket", "CodeKey", "FunctionRole"}
        with_kafka = template(trigger("stream", via="kafka", connection="kafka_servers"), trigger("schedule"))
        assert with_kafka["Parameters"].keys() >= {"KafkaServers", "KafkaSecret", "SchedulerRole"}
        assert with_kafka["Parameters"]["KafkaServers"]["Type"] == "CommaDelimitedList"

    def test_the_order_of_triggers_is_no_change(self) -> None:
        waiting = [trigger("topic"), trigger("event"), trigger("queue"), trigger("queue", batch=3)]
        assert json.dumps(template(*waiting)) == json.dumps(template(*reversed(waiting)))


@pytest.mark.parametrize(
    ("waiting", "said"),
    [
        (trigger("queue", name="a b"), "'a b' names no queue on AWS"),
        (trigger("queue", name="${AWS::AccountId}"), "names no queue on AWS"),
        (trigger("queue", name="orders.fifo", batch=11), "10 messages of a FIFO queue"),
        (trigger("topic", name="news.fifo"), "SNS brings messages of a FIFO topic to queues only"),
        (trigger("blob", container="Invoices"), "names no blob on AWS"),
        (trigger("stream", via="kafka"), "Lambda wants the bootstrap servers"),
        (trigger("event", type="Object Created"), "arrives as a blob"),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_what_aws_would_refuse_is_refused_at_its_line(waiting: Trigger, said: str) -> None:
    [problem] = problems(waiting)
    assert (problem.level, problem.place) == ("error", LINE)
    assert said in problem.message


def test_what_aws_takes_is_taken() -> None:
    fifo = trigger("queue", name="orders.fifo")
    assert problems(*map(trigger, DEFAULTS), fifo, trigger("stream", name="a" * 200, **KAFKA)) == []


@pytest.mark.parametrize("name", ["A", "_LOG"])
def test_a_variable_that_lambda_takes_not_is_refused(name: str) -> None:
    [problem] = packer.check(function(), target(env={name: "1", "LOG": "1"}))
    assert f"env has {name}" in problem.message


FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@st.composite
def crons(draw: st.DrawFn) -> str:
    """Of five fields, with one of the two days given at most."""
    fields = [draw(_parts(*bounds)) for bounds in FIELDS]
    fields[draw(st.sampled_from((2, 4)))] = "*"
    return " ".join(fields)


@st.composite
def _parts(draw: st.DrawFn, least: int, most: int) -> str:
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(least, most))
        last = draw(st.integers(first, most))
        step = draw(st.sampled_from(("", "/1", "/2", "/5")))
        parts.append(draw(st.sampled_from((f"{first}", f"{first}-{last}{step}", f"{first}{step}", f"*{step}"))))
    return ",".join(parts)


@given(crons())
def test_eventbridge_s_fields_mean_what_was_written(when: str) -> None:
    """Read by the table of https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html."""
    expression = triggers.expression(when)
    fields = expression.removeprefix("cron(").removesuffix(")").split()
    assert (len(fields), fields[5], [fields[2], fields[4]].count("?")) == (6, "*", 1)
    meant = [schedules.numbers(field, *of) for field, of in zip(schedules.read(when).cron, FIELDS, strict=True)]
    for index, (least, most) in enumerate(((0, 59), (0, 23), (1, 31), (1, 12), (1, 7))):
        wanted = {number + 1 for number in meant[4]} if index == 4 else meant[index]
        read = set(range(least, most + 1)) if fields[index] == "?" else _read(fields[index], least, most)
        assert read == wanted, (when, expression)


def _read(field: str, least: int, most: int) -> set[int]:
    """Of one field: numbers, ranges and steps from a number on."""
    found: set[int] = set()
    for part in field.split(","):
        if "/" in part:
            first, step = map(int, part.split("/"))
            assert least <= first <= most
            found |= set(range(first, most + 1, step))
        elif part == "*":
            found |= set(range(least, most + 1))
        else:
            first, _, last = part.partition("-")  # type: ignore[assignment]
            assert least <= int(first) <= int(last or first) <= most
            found |= set(range(int(first), int(last or first) + 1))
    return found
