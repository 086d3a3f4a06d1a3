"""Asking AWS's control plane: one call at a time, with its refusals as errors of hyfn's. Knows no SDK: see ship.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from hyfn.errors import Changed, ShipError

PATIENCE = 300.0
"""Seconds for which AWS may be busy with a function: an image of 10 GB takes minutes."""
FIRST, LONGEST = 0.1, 2.0
"""Seconds between two looks, growing."""
CHANGED = frozenset(("PreconditionFailedException",))
GONE = frozenset(("ResourceNotFoundException", "NoSuchEntity", "NotFound"))
THERE = frozenset(("ResourceConflictException", "EntityAlreadyExists", "ResourceAlreadyExistsException"))


ALIAS = "live"
"""Where a function's traffic goes: callers and events name it, never a version."""


class Refused(ShipError):
    """AWS said no. `code` is its own word for why."""

    def __init__(self, message: str, code: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Aws(Protocol):
    """One region, by one account."""

    region: str
    account: str
    partition: str

    def call(self, service: str, operation: str, **arguments: Any) -> Any:
        """The answer of an operation, by boto3's name of it. Raises Refused, Changed, MachineError or ShipError."""
        ...

    def pages(self, service: str, operation: str, under: str, **arguments: Any) -> Iterator[Any]:
        """Everything that an operation lists, page by page, `under` that name."""
        ...

    def url(self, service: str) -> str:
        """The origin of a service's API."""
        ...


def refused(operation: str, code: str, message: str, hint: str | None = None) -> ShipError:
    """The error for AWS's answer."""
    text = f"AWS refused {operation}: {code}: {' '.join(message.split())}"
    return Changed(text, hint="run it again") if code in CHANGED else Refused(text, code, hint)


def found(ask: Callable[[], Any]) -> Any:
    """What it gives, None for what is not there."""
    try:
        return ask()
    except Refused as error:
        if error.code in GONE:
            return None
        raise


def gone(aws: Aws, service: str, operation: str, **arguments: Any) -> None:
    """Have something taken away, which may be gone already."""
    found(lambda: aws.call(service, operation, **arguments))


def until(ask: Callable[[], Any], what: str) -> Any:
    """What `ask` gives as soon as that is not None. Raises ShipError."""
    deadline, pause = time.monotonic() + PATIENCE, FIRST
    while (answer := ask()) is None:
        if time.monotonic() > deadline:
            raise ShipError(f"AWS did not end {what} in {PATIENCE:.0f} s", hint="run it again: it goes on from there")
        time.sleep(pause)
        pause = min(LONGEST, 2 * pause)
    return answer


def arn(service: str, name: str) -> str:
    """Of something in the caller's own account and region."""
    return f"arn:{{partition}}:{service}:{{region}}:{{account}}:{name}"


def filled(value: Any, aws: Aws) -> Any:
    """The value with the caller's partition, region and account where it names them."""
    if isinstance(value, str):
        for name in ("partition", "region", "account"):
            value = value.replace(f"{{{name}}}", getattr(aws, name))
        return value
    if isinstance(value, dict):
        return {name: filled(each, aws) for name, each in value.items()}
    return [filled(each, aws) for each in value] if isinstance(value, list) else value


def general(arn: str, aws: Aws) -> str:
    """The inverse, of one ARN."""
    parts = arn.split(":", 5)
    own = {1: ("partition", aws.partition), 3: ("region", aws.region), 4: ("account", aws.account)}
    for place, (name, value) in own.items():
        if len(parts) > place and parts[place] == value:
            parts[place] = f"{{{name}}}"
    return ":".join(parts)
