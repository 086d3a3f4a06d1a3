"""Event source mappings, by which Lambda fetches messages for a function: as they are there, and how they change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hyfn.clouds.aws.control import ALIAS, Aws, Refused, filled, found, general, until
from hyfn.clouds.aws.stack import CLOUD, function_of
from hyfn.resource import Key, Live, Order

MAPPING = "event-source-mapping"
MAPPED = ("BatchSize", "FunctionResponseTypes", "MaximumBatchingWindowInSeconds", "StartingPosition")
"""What is compared of one, beside whether it is enabled."""
FIXED = ("EventSourceArn", "StartingPosition")
"""What UpdateEventSourceMapping does not take."""
UNREAD = "execution role does not have permissions"


def read(aws: Aws, name: str) -> Iterator[Live]:
    """Those of the function `name`."""
    given = {"FunctionName": f"{name}:{ALIAS}"}
    for made in aws.pages("lambda", "list_event_source_mappings", "EventSourceMappings", **given):
        source = general(made["EventSourceArn"], aws)
        kind = "queue" if source.split(":")[2] == "sqs" else "stream"
        resource = source.rpartition(":")[2].rpartition("/")[2]
        body = {name: made[name] for name in MAPPED if name in made} | {"EventSourceArn": source}
        body["Enabled"] = made["State"] not in ("Disabling", "Disabled")
        key = Key(CLOUD, aws.region, MAPPING, f"{name}/{kind}-{resource}")
        yield Live(key, body, {"uuid": made["UUID"]})


def put(aws: Aws, order: Order) -> None:
    """Make it, or change it; what Lambda cannot change is made anew."""
    body = filled(dict(order.body), aws)
    name = f"{function_of(order.resource.key)}:{ALIAS}"
    there = order.live
    if there is not None and any(there.body.get(part) != order.body.get(part) for part in FIXED):
        remove(aws, there)
        there = None
    if there is None:
        uuid = until(lambda: _listen(aws, name, body), f"letting the role of {name} read")
    else:
        uuid = there.outputs["uuid"]
        changed = {part: value for part, value in body.items() if part not in FIXED}
        aws.call("lambda", "update_event_source_mapping", UUID=uuid, FunctionName=name, **changed)

    def look() -> Any:
        state = aws.call("lambda", "get_event_source_mapping", UUID=uuid)["State"]
        return None if state in ("Creating", "Enabling", "Updating") else True

    until(look, f"listening for {name}")


def _listen(aws: Aws, name: str, body: Mapping[str, Any]) -> Any:
    """The mapping's id, as soon as it is known everywhere what the function's role may do."""
    try:
        return aws.call("lambda", "create_event_source_mapping", FunctionName=name, **body)["UUID"]
    except Refused as error:
        if error.code == "InvalidParameterValueException" and UNREAD in str(error):
            return None
        raise


def remove(aws: Aws, live: Live) -> None:
    """Take it away. What is not there is no error."""
    until(lambda: _is_gone(aws, live.outputs["uuid"]), f"listening no more for {function_of(live.key)}")


def _is_gone(aws: Aws, uuid: str) -> Any:
    """Ask for it, too: one that is being changed cannot go yet."""
    try:
        return True if found(lambda: aws.call("lambda", "delete_event_source_mapping", UUID=uuid)) is None else None
    except Refused as error:
        if error.code == "ResourceInUseException":
            return None
        raise
