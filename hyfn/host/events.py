"""What a platform notified, as calls of this artifact's functions, and which of its items they could not take.

A cloud's module `on` translates: its `delivery(notification)` makes a Delivery of the platform's own form, and its
`answer(outcome)` tells the platform, in the platform's own form, what failed.
"""

from __future__ import annotations

from time import monotonic

from hyfn.errors import NOT_EXECUTED, CallError, DeadlineExceeded, Malformed, NoSuchFunction, PartialFailure
from hyfn.event import matches
from hyfn.wire.message import new_id
from hyfn.wire.packing import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from typing import Any, TypeAlias

    from hyfn.host.run import Hosted, Runner
    from hyfn.wire.form import Form

    Triggers: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]

REMAINING = 60.0
"""Seconds that a function has where the platform does not tell."""


class Item:
    """One event of a delivery, as hyfn.event.occurrence makes it. `key` is how the platform knows it; of the items of
    one `group` ("" for none) a later one does not run once an earlier one has failed."""

    __slots__ = ("event", "group", "key")

    def __init__(self, key: str, event: dict[str, Any], group: str = "") -> None:
        self.key = key
        self.event = event
        self.group = group


class Delivery:
    """What came at once. `kind` is one of hyfn.on, `resource` where from, "" where the platform does not tell;
    `function` names the function that it is for where the platform tells."""

    __slots__ = ("function", "items", "kind", "resource")

    def __init__(self, kind: str, resource: str, items: Sequence[Item], function: str = "") -> None:
        self.kind = kind
        self.resource = resource
        self.items = items
        self.function = function


class Outcome:
    """`failed` are the keys of the items that the platform must deliver again, each with why; `skipped` those that did
    not run because one before them failed. `values` are what functions returned, by key."""

    __slots__ = ("failed", "skipped", "stopped", "values")

    def __init__(self) -> None:
        self.failed: dict[str, Exception] = {}
        self.skipped: list[str] = []
        self.stopped: set[str] = set()
        """Groups of which one failed."""
        self.values: dict[str, Any] = {}

    @property
    def error(self) -> Exception | None:
        """Why the first of them failed, None where all went well: for a platform that knows only yes and no."""
        return next(iter(self.failed.values()), None)


class Step:
    """One call of a function, for the runner. `header` is what hyfn's own protocol would have said."""

    __slots__ = ("args", "deadline", "function", "header", "kwargs")

    def __init__(self, function: Hosted, items: Sequence[Item], deadline: float) -> None:
        """Raises Malformed where the events' data does not fit the function."""
        self.function = function
        self.deadline = deadline
        traceparent = items[0].event.get("traceparent")
        self.header: Mapping[str, Any] = {
            "hop": 0,
            "root": new_id(),
            "tp": traceparent if isinstance(traceparent, str) else "",
        }
        self.args, self.kwargs = function.arguments.unpack(_body(function, items), is_json=True)


def deliver(runner: Runner, delivery: Delivery, remaining: float = REMAINING) -> Outcome:
    """Run the functions that wait for this, `remaining` seconds at most. Never raises.

    The caller answers for it that the platform itself sent it.
    """
    calls = steps(runner.functions, runner.triggers, delivery, remaining)
    try:
        step = next(calls)
        while True:
            step = calls.send(runner.attempt(step))
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome


async def adeliver(runner: Runner, delivery: Delivery, remaining: float = REMAINING) -> Outcome:
    """The same on the running event loop; bodies that are not async run in a thread."""
    calls = steps(runner.functions, runner.triggers, delivery, remaining)
    try:
        step = next(calls)
        while True:
            step = calls.send(await runner.aattempt(step))
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome


def steps(
    functions: Mapping[str, Hosted], triggers: Triggers, delivery: Delivery, remaining: float = REMAINING
) -> Generator[Step, tuple[Any, Exception | None], Outcome]:
    """The calls that `delivery` makes, one after another. Each is answered with its value and what it raised.

    Gives the Outcome at its end. Never raises: an item that cannot be given to a function has failed, and so have those
    for which no time is left.
    """
    outcome = Outcome()
    deadline = monotonic() + remaining
    for function, items in _calls(functions, triggers, delivery, outcome):
        wanted = _readable(function, _unstopped(items, outcome), outcome)
        if not wanted:
            continue
        if monotonic() >= deadline:
            _fail(outcome, wanted, DeadlineExceeded("there was no time left for it", executed=NOT_EXECUTED))
            continue
        value, error = yield Step(function, wanted, deadline)
        if error is None:
            outcome.values |= dict.fromkeys((item.key for item in wanted), value)
        else:
            _report(error)
            _fail(outcome, _failed(wanted, error), error)
    return outcome


def _unstopped(items: Sequence[Item], outcome: Outcome) -> list[Item]:
    """Those of whose group none has failed."""
    outcome.skipped += [item.key for item in items if item.group in outcome.stopped]
    return [item for item in items if item.group not in outcome.stopped and item.key not in outcome.failed]


def _readable(function: Hosted, items: Sequence[Item], outcome: Outcome) -> list[Item]:
    """Those whose data fits the function. The others have failed, and what follows them in their group is skipped."""
    readable: list[Item] = []
    for item in items:
        if item.group in outcome.stopped:
            outcome.skipped.append(item.key)
            continue
        try:
            Step(function, [item], 0)
        except CallError as error:
            _report(error)
            _fail(outcome, [item], error)
        else:
            readable.append(item)
    return readable


def _fail(outcome: Outcome, items: Sequence[Item], error: Exception) -> None:
    outcome.failed |= dict.fromkeys((item.key for item in items), error)
    outcome.stopped |= {item.group for item in items if item.group}


def _calls(
    functions: Mapping[str, Hosted], triggers: Triggers, delivery: Delivery, outcome: Outcome
) -> list[tuple[Hosted, list[Item]]]:
    """Which function gets which items: a list of them where it takes a list."""
    calls: list[tuple[Hosted, list[Item]]] = []
    unwanted = {item.key for item in delivery.items}
    for name, function in functions.items():
        if delivery.function not in ("", name):
            continue
        own = [item for item in delivery.items if _is_for(triggers.get(name, ()), delivery, item)]
        unwanted -= {item.key for item in own}
        is_list = _takes(function)[1]
        calls += [(function, own)] if is_list and own else [(function, [item]) for item in own]
    for key in unwanted:
        outcome.failed[key] = NoSuchFunction(f"no function here waits for this {delivery.kind} of {delivery.resource}")
    return calls


def _is_for(triggers: Sequence[Mapping[str, Any]], delivery: Delivery, item: Item) -> bool:
    return any(matches(trigger, delivery.kind, delivery.resource, item.event) for trigger in triggers)


def _takes(function: Hosted) -> tuple[str, bool]:
    """The parameter that takes an event, "" where there is none, and whether it takes a list of them."""
    for name, form in function.arguments.forms.items():
        if form.name == "Event":
            return name, False
        if _is_list(form):
            return name, True
    return "", False


def _is_list(form: Form) -> bool:
    shape = form.shape
    return isinstance(shape, list) and shape[0] == "list" and getattr(shape[1], "name", "") == "Event"


def _body(function: Hosted, items: Sequence[Item]) -> bytes:
    """The body of the call that brings these events. Raises Malformed."""
    name, is_list = _takes(function)
    try:
        if name:
            events = [item.event for item in items]
            return pack([[], {name: events if is_list else events[0]}])
        return pack([[], _fields(function, items[0].event)])
    except (TypeError, ValueError, OverflowError) as error:
        raise Malformed(f"the event cannot be read: {error}") from error


def _fields(function: Hosted, event: dict[str, Any]) -> dict[str, Any]:
    """The event's data as arguments by name. Raises Malformed unless it is an object."""
    data = event.get("data")
    if "data_base64" in event:
        from hyfn.wire import json_text

        try:
            data = json_text.read(event["data_base64"].decode())
        except (ValueError, AttributeError) as error:
            raise Malformed("the event's data is not JSON") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise Malformed(f"{function.name} takes the fields of the event's data by name, and it is no object")
    return data


def _failed(items: Sequence[Item], error: Exception) -> Sequence[Item]:
    """The items that failed: those that the function names, else all that it was given."""
    if not isinstance(error, PartialFailure):
        return items
    ids = {getattr(event, "id", event) for event in error.failed}
    return [item for item in items if item.event["id"] in ids] or items


def _report(error: Exception) -> None:
    """To the function's log: nobody else hears of what an event's function raised."""
    import sys
    import traceback

    traceback.print_exception(error, file=sys.stderr)
