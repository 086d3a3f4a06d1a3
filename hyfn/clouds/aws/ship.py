"""Shipping to AWS, by boto3: what is wanted is in stack.py, what is there in live.py, how it changes in changes.py."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from hyfn.clouds.aws import changes, stack
from hyfn.clouds.aws import live as lives
from hyfn.clouds.aws.control import GONE, refused
from hyfn.clouds.aws.stack import function_of
from hyfn.clouds.aws.waking import scheduler
from hyfn.errors import ConfigError, MachineError, ShipError
from hyfn.resource import Key, Live, Order, Resource, Stage, Wanted

AT_ONCE = 10
RETRIES = {"mode": "standard", "max_attempts": 5}
"""boto3's own, for throttling and for what failed on the way."""


class AwsShipper:
    """See hyfn.cloud.Shipper."""

    def resources(self, wanted: Wanted) -> Sequence[Resource]:
        return stack.resources(wanted, _region(wanted))

    def observe(self, stage: Stage, keys: Collection[Key]) -> Iterable[Live]:
        """What belongs to one function is read together. Functions of the stage that no key names are found by their
        tags."""
        known: dict[str, dict[str, list[Key]]] = {}
        for key in keys:
            known.setdefault(key.scope, {}).setdefault(function_of(key), []).append(key)
        for region, names in known.items():
            aws = _aws(region)
            lost = set(_tagged(aws, stage)) - names.keys()
            wanted = [*names.items(), *((name, None) for each in sorted(lost) for name in (each, scheduler(each)))]
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hyfn-aws") as pool:
                for found in pool.map(lambda one, aws=aws: list(lives.read(aws, stage, *one)), wanted):
                    yield from found

    def put(self, order: Order) -> Live:
        return changes.put(_aws(order.resource.key.scope), order)

    def remove(self, live: Live) -> None:
        changes.remove(_aws(live.key.scope), live)


shipper = AwsShipper()


def _sdk() -> Any:
    try:
        import boto3  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise MachineError("shipping to AWS needs the package boto3", hint="pip install 'hyfn[aws]'") from error
    return boto3


def credentials() -> tuple[str, str, str] | None:
    """Key, secret and token by which AWS's own tools would sign now; None where there are none."""
    found = _session().get_credentials()
    frozen = found and found.get_frozen_credentials()
    return (frozen.access_key, frozen.secret_key, frozen.token or "") if frozen else None


@cache
def _session() -> Any:
    """One for all calls: it renews what expires."""
    return _sdk().session.Session()


def _region(wanted: Wanted) -> str:
    """The function's option, or what AWS's own tools would use."""
    region = wanted.target.options.get("region") or os.environ.get("AWS_REGION") or _session().region_name
    if not region:
        said = f"no region is named for {wanted.function.qualname} on AWS"
        raise ConfigError(said, where=str(wanted.target.place), hint='region="eu-west-1", or AWS_REGION')
    return str(region)


def _aws(region: str) -> Boto:
    """One for each place and account that the environment names."""
    return _connected(region, *(os.environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE")))


@cache
def _connected(region: str, *_: str | None) -> Boto:
    return Boto(region)


class Boto:
    """One region by boto3, with the credentials of AWS's own chain. See hyfn.clouds.aws.control.Aws."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._session = _sdk().session.Session(region_name=region)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        caller = self.call("sts", "get_caller_identity")
        self.account = str(caller["Account"])
        self.partition = str(caller["Arn"]).split(":")[1]

    def call(self, service: str, operation: str, **arguments: Any) -> Any:
        return self._asked(f"{service}:{operation}", lambda: getattr(self._client(service), operation)(**arguments))

    def pages(self, service: str, operation: str, under: str, **arguments: Any) -> Iterator[Any]:
        def read() -> list[Any]:
            pages = self._client(service).get_paginator(operation).paginate(**arguments)
            return [each for page in pages for each in page.get(under, ())]

        try:
            yield from self._asked(f"{service}:{operation}", read)
        except ShipError as error:
            if getattr(error, "code", "") not in GONE:
                raise

    def url(self, service: str) -> str:
        return str(self._client(service).meta.endpoint_url)

    def _client(self, service: str) -> Any:
        """boto3's clients are safe in many threads, and making them is not."""
        from botocore.config import Config  # type: ignore[import-untyped,unused-ignore]

        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(service, config=Config(retries=RETRIES))
            return self._clients[service]

    def _asked(self, what: str, ask: Any) -> Any:
        from botocore import exceptions  # type: ignore[import-untyped,unused-ignore]

        try:
            return ask()
        except exceptions.ClientError as error:
            said: Mapping[str, str] = error.response.get("Error", {})
            raise refused(what, said.get("Code", "?"), said.get("Message", "")) from error
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
            raise MachineError(f"AWS: {error}", hint="aws configure, or AWS_PROFILE") from error
        except exceptions.BotoCoreError as error:
            raise ShipError(f"{what}: {' '.join(str(error).split())}") from error


def _tagged(aws: Boto, stage: Stage) -> Iterator[str]:
    """The functions with the stage's tags."""
    filters = [{"Key": name, "Values": [value]} for name, value in stage.tags.items()]
    given = {"TagFilters": filters, "ResourceTypeFilters": ["lambda:function"]}
    for found in aws.pages("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", **given):
        yield found["ResourceARN"].split(":")[6]
