"""What of hyfn.on AWS has for a Lambda, what of it AWS would refuse, and how AWS writes times. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from hyfn.clouds.aws.on import S3_CHANGES
from hyfn.discover import schedules
from hyfn.model import FunctionSpec, Offer, Problem, Trigger

DOCS = "https://docs.aws.amazon.com/lambda/latest/dg"
OFFERS: Mapping[str, Offer] = {
    "http": Offer("a function URL", f"{DOCS}/urls-invocation.html", ("methods", "mount")),
    "schedule": Offer("EventBridge Scheduler", f"{DOCS}/with-eventbridge-scheduler.html", ("timezone",)),
    "blob": Offer("S3 events, by EventBridge", f"{DOCS}/with-s3.html", ("prefix", "suffix", "change")),
    "queue": Offer("Amazon SQS", f"{DOCS}/with-sqs.html", ("batch",)),
    "topic": Offer("Amazon SNS", f"{DOCS}/with-sns.html"),
    "stream": Offer("Kinesis, or Kafka", f"{DOCS}/with-kinesis.html", ("batch", "start", "via", "connection")),
    "event": Offer("EventBridge", f"{DOCS}/services-eventbridge.html", ("source",)),
}
UNWINDOWED = 10
"""A batch of more messages of SQS than this wants a window of a second at least, which a FIFO queue cannot have.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html"""
FIFO = ".fifo"
NAMES = {
    "blob": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket has 3 to 63 lower-case letters, digits, dots and hyphens"),
    "queue": (r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo", "a queue has at most 80 letters, digits, - and _"),
    "topic": (r"[A-Za-z0-9_-]{1,256}", "a topic has at most 256 letters, digits, - and _"),
    "stream": (r"[A-Za-z0-9._-]{1,128}", "a stream has at most 128 letters, digits, dots, - and _"),
}
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and CreateQueue, CreateTopic and
CreateStream in the API references of SQS, SNS and Kinesis."""


def problems(function: FunctionSpec) -> Iterator[Problem]:
    """What AWS would refuse of the function's triggers, beyond what it has not."""
    for trigger in function.triggers:
        for said, hint in _wrong(trigger):
            yield Problem("error", said, trigger.place, hint)


def _wrong(trigger: Trigger) -> Iterator[tuple[str, str]]:
    name = trigger.resource
    if trigger.kind == "topic" and name.endswith(FIFO):
        yield "SNS brings messages of a FIFO topic to queues only", "subscribe a queue to it, and use @on.queue"
    elif trigger.kind in NAMES and not is_kafka(trigger) and not re.fullmatch(NAMES[trigger.kind][0], name):
        yield f"{name!r} names no {trigger.kind} on AWS", NAMES[trigger.kind][1]
    if trigger.kind == "queue" and name.endswith(FIFO) and trigger.options["batch"] > UNWINDOWED:
        yield f"SQS hands over {UNWINDOWED} messages of a FIFO queue at most", f"batch={UNWINDOWED}"
    if trigger.kind == "event" and name in S3_CHANGES:
        yield f"{name!r} is what S3 tells EventBridge, which arrives as a blob", '@on.blob("...")'
    if is_kafka(trigger) and not trigger.options["connection"]:
        said = f"Lambda wants the bootstrap servers of the Kafka that has {name}"
        yield said, 'connection="kafka.example:9092", or the ARN of a cluster of Amazon MSK'


def is_kafka(trigger: Trigger) -> bool:
    return trigger.options.get("via") == "kafka"


def expression(when: str) -> str:
    """A schedule as EventBridge has it: six fields, of which one day is "?", and days of the week from 1, Sunday.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """
    schedule = schedules.read(when)
    if schedule.minutes:
        return _rate(schedule.minutes)
    minute, hour, day, month, weekday = map(_spelt, schedule.cron, (0, 0, 1, 1, 0), (59, 23, 31, 12, 6))
    if weekday == "*":
        return f"cron({minute} {hour} {day} {month} ? *)"
    days = sorted({number % 7 + 1 for number in schedules.numbers(schedule.cron[4], 0, 6)})
    return f"cron({minute} {hour} ? {month} {','.join(map(str, days))} *)"


def _rate(minutes: int) -> str:
    unit, length = next(each for each in (("day", 1440), ("hour", 60), ("minute", 1)) if minutes % each[1] == 0)
    count = minutes // length
    return f"rate({count} {unit}{'s' if count > 1 else ''})"


def _spelt(field: str, least: int, most: int) -> str:
    """EventBridge has steps only from a first number on: others are spelt out."""
    if field.startswith("*/") and "," not in field:
        return f"{least}{field[1:]}"
    return ",".join(map(str, sorted(schedules.numbers(field, least, most)))) if "/" in field else field
