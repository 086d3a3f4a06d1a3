"""What brings events to a Lambda on AWS: services as moto has them, and the pollers that Lambda puts before functions.

The pollers do what Lambda's event source mappings do with FunctionResponseTypes ["ReportBatchItemFailures"]: nothing of
a batch is deleted or passed over unless the function said so in the right form.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

import http.client
import json
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from hyfn.toolchain import environments, pythons
from hyfn.toolchain.processes import Process, clean_env, free_port, wait_until

REQUIREMENTS = ("moto[server]==5.2.5", "cfn-lint==1.58.0")
PYTHONS = ("3.11", "3.12", "3.13")
REGION, ACCOUNT = "us-east-1", "123456789012"
"""Moto's own account."""
AGENT = """
import base64, boto3, datetime, json, sys

def plain(value):
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return value.timestamp() if isinstance(value, datetime.datetime) else str(value)

def read(pairs):
    return base64.b64decode(pairs["base64"]) if pairs.keys() == {"base64"} else pairs

clients = {}
for line in sys.stdin:
    service, operation, arguments = json.loads(line, object_hook=read)
    client = clients.get(service) or clients.setdefault(service, boto3.client(service, endpoint_url=sys.argv[1]))
    answer = getattr(client, operation)(**arguments)
    answer.pop("ResponseMetadata", None)
    answer.pop("Body", None)
    print(json.dumps(answer, default=plain), flush=True)
"""
"""AWS's own client, for who has it not in this environment: a line asks, a line answers."""

Json = dict[str, Any]
Invoke = Callable[[Json], tuple[bool, Any]]
"""Invokes the function with an event: whether that went well, and what it gave."""


def environment() -> environments.Environment:
    """Moto and cfn-lint, in the user's cache."""
    python, _ = pythons.nearest(PYTHONS[-1], PYTHONS)
    return environments.environment("moto", REQUIREMENTS, python, lambda text: None)


@dataclass(frozen=True)
class Aws:
    """Some services of AWS, by AWS's own client."""

    agent: subprocess.Popen[str]
    lock: Lock
    url: str

    def ask(self, service: str, operation: str, **arguments: Any) -> Json:
        """What boto3's `operation` of `service` gave."""
        assert self.agent.stdin is not None
        assert self.agent.stdout is not None
        with self.lock:
            self.agent.stdin.write(json.dumps([service, operation, arguments], default=_base64) + "\n")
            self.agent.stdin.flush()
            line = self.agent.stdout.readline()
        assert line, f"{service} refused {operation}"
        answer: Json = json.loads(line)
        return answer

    def queue(self, name: str, **attributes: str) -> Queue:
        url = self.ask("sqs", "create_queue", QueueName=name, Attributes=attributes)["QueueUrl"]
        return Queue(self, url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")


def _base64(value: bytes) -> Json:
    return {"base64": b64encode(value).decode()}


@contextmanager
def aws(folder: Path) -> Iterator[Aws]:
    """Moto's server, installed into the user's cache when it is first used."""
    made, port = environment(), free_port()
    env = clean_env(
        {
            "AWS_ACCESS_KEY_ID": "hyfn",
            "AWS_SECRET_ACCESS_KEY": "hyfn",
            "AWS_DEFAULT_REGION": REGION,
            "HOME": str(folder),
        }
    )
    argv: list[str | Path] = [made.bin / "moto_server", "-H", "127.0.0.1", "-p", str(port)]
    server = Process.start(argv, env=env, cwd=folder, log=folder / "moto.log")
    try:
        wait_until(lambda: _answers(port), server, 60)
        with subprocess.Popen(
            [made.python, "-c", AGENT, f"http://127.0.0.1:{port}"],
            env=env,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as agent:
            yield Aws(agent, Lock(), f"http://127.0.0.1:{port}")
    finally:
        server.stop()


def _answers(port: int) -> bool:
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/moto-api/")
            return connection.getresponse().status == 200
    except OSError:
        return False


@dataclass(frozen=True)
class Queue:
    aws: Aws
    url: str
    arn: str

    def send(self, body: str, **more: Any) -> str:
        """The message's id."""
        sent: str = self.aws.ask("sqs", "send_message", QueueUrl=self.url, MessageBody=body, **more)["MessageId"]
        return sent

    def receive(self, most: int = 10, wait: int = 0) -> list[Json]:
        """Messages that are visible, or become so within `wait` seconds; then they are not, as long as the queue has
        it."""
        asked = {"QueueUrl": self.url, "MaxNumberOfMessages": most, "WaitTimeSeconds": wait}
        every = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        messages: list[Json] = self.aws.ask("sqs", "receive_message", **asked, **every).get("Messages", [])
        return messages

    def delete(self, message: Mapping[str, Any]) -> None:
        self.aws.ask("sqs", "delete_message", QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def taken(self) -> list[Json]:
        """What is in it, in JSON, which then is not any more."""
        bodies = []
        while messages := self.receive():
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                self.delete(message)
        return bodies

    def left(self) -> int:
        """How many it holds, those that are hidden too."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.aws.ask("sqs", "get_queue_attributes", QueueUrl=self.url, AttributeNames=names)
        return sum(int(told["Attributes"][name]) for name in names)


@dataclass(frozen=True)
class QueuePoller:
    """Lambda's poller of a queue."""

    queue: Queue
    invoke: Invoke
    batch: int = 10

    def poll(self, wait: int = 0) -> list[str]:
        """Bring one batch, of those that come within `wait` seconds; the bodies of those that stay in the queue."""
        messages = self.queue.receive(self.batch, wait)
        if not messages:
            return []
        went_well, answer = self.invoke({"Records": [self._record(message) for message in messages]})
        ids = [message["MessageId"] for message in messages]
        failed = failures(answer, ids) if went_well else ids
        for message in messages:
            if message["MessageId"] not in failed:
                self.queue.delete(message)
        return [message["Body"] for message in messages if message["MessageId"] in failed]

    def _record(self, message: Mapping[str, Any]) -> Json:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {
                name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.queue.arn,
            "awsRegion": REGION,
        }


def _attribute(value: Mapping[str, Any]) -> Json:
    bytes_value = {"binaryValue": value["BinaryValue"]["base64"]} if "BinaryValue" in value else {}
    text_value = {"stringValue": value["StringValue"]} if "StringValue" in value else {}
    return {**text_value, **bytes_value, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}


def failures(answer: object, known: Sequence[str]) -> list[str]:
    """Those of the batch that Lambda keeps: all of it for an answer that it cannot read."""
    if answer is None or answer == {}:
        return []
    if not isinstance(answer, dict) or "batchItemFailures" not in answer:
        return list(known)
    named = [each.get("itemIdentifier") for each in answer["batchItemFailures"] or []]
    return list(known) if not set(named) <= set(known) else [each for each in known if each in named]


@dataclass
class ShardPoller:
    """Lambda's poller of the one shard of a stream. It keeps a place, and goes back to the first that failed."""

    aws: Aws
    stream: str
    invoke: Invoke
    batch: int = 100
    place: str = ""

    def put(self, data: bytes, key: str) -> None:
        self.aws.ask("kinesis", "put_record", StreamName=self.stream, Data=data, PartitionKey=key)

    def poll(self) -> list[str]:
        """Bring one batch; the sequence numbers of those that will come again."""
        [shard] = self.aws.ask("kinesis", "describe_stream", StreamName=self.stream)["StreamDescription"]["Shards"]
        place = {"ShardIteratorType": "TRIM_HORIZON"}
        if self.place:
            place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self.place}
        asked = {"StreamName": self.stream, "ShardId": shard["ShardId"]}
        iterator = self.aws.ask("kinesis", "get_shard_iterator", **asked, **place)["ShardIterator"]
        records = self.aws.ask("kinesis", "get_records", ShardIterator=iterator, Limit=self.batch)["Records"]
        return self._bring(shard["ShardId"], records) if records else []

    def _bring(self, shard: str, records: Sequence[Json]) -> list[str]:
        went_well, answer = self.invoke({"Records": [self._record(shard, record) for record in records]})
        numbers = [record["SequenceNumber"] for record in records]
        failed = failures(answer, numbers) if went_well else numbers
        first = numbers.index(failed[0]) if failed else len(numbers)
        self.place = numbers[first - 1] if first else self.place
        return numbers[first:]

    def _record(self, shard: str, record: Json) -> Json:
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": record["SequenceNumber"],
                "data": record["Data"]["base64"],
                "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard}:{record['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/hyfn",
            "awsRegion": REGION,
            "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{self.stream}",
        }


def notified(envelope: Mapping[str, Any]) -> Json:
    """A message of SNS as a Lambda gets it, from what a queue got of it: the same but for the names of two URLs."""
    told = {name.replace("URL", "Url"): value for name, value in envelope.items()}
    source = {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": f"{envelope['TopicArn']}:1"}
    return {"Records": [{**source, "Sns": {"Subject": None, "MessageAttributes": {}, **told}}]}
