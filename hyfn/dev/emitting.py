"""Events of a developer's making, delivered as the functions' own platforms would deliver them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hyfn import clouds
from hyfn.call import transport
from hyfn.cloud import Emitter, Running
from hyfn.dev.occurring import Occurred
from hyfn.errors import MachineError, NoSuchFunction
from hyfn.event import matches
from hyfn.model import Trigger
from hyfn.project import Unit

TIMEOUT = 300.0
"""Seconds that a function may take for one notification."""


@dataclass(frozen=True, slots=True)
class Emitted:
    """What became of it at one artifact: the ids that its platform delivered, and those of them that failed."""

    party: str
    delivered: Sequence[str]
    failed: Sequence[str]


def emit(what: Occurred, running: Mapping[str, tuple[Unit, Running]]) -> list[Emitted]:
    """Deliver it to every artifact that waits for it, each in its platform's own way. `running` by party.

    Raises NoSuchFunction where none waits for it, and a CallError where a runtime does not answer.
    """
    found = [(party, unit, up, trigger) for party, (unit, up) in running.items() for trigger in _distinct(unit, what)]
    if not found:
        raise NoSuchFunction(
            f"no function waits for the {what.kind} {what.resource}", hint=_waiting(what.kind, running)
        )
    return [_emit(party, unit, up, trigger, what) for party, unit, up, trigger in found]


def _distinct(unit: Unit, what: Occurred) -> list[Trigger]:
    """The unit's triggers that wait for it, each once: a group's functions share what a platform notifies."""
    waiting = [trigger for function in unit.functions for trigger in function.triggers]
    wanted = [trigger for trigger in waiting if _wanted(trigger, what)]
    return list({(trigger.kind, str(trigger.options)): trigger for trigger in wanted}.values())


def _wanted(trigger: Trigger, what: Occurred) -> list[Mapping[str, Any]]:
    said = {"kind": trigger.kind, **trigger.options}
    return [event for event in what.events if matches(said, what.kind, what.resource, event)]


def _emit(party: str, unit: Unit, up: Running, trigger: Trigger, what: Occurred) -> Emitted:
    if up.events is None:
        raise MachineError(f"nothing here brings events to {party}")
    emitter: Emitter = clouds.get(unit.target.cloud, "emit").emitter
    delivered: list[str] = []
    failed: list[str] = []
    for notification in emitter.notify(up.events, trigger, _wanted(trigger, what)):
        response = transport.default().send(notification.request, TIMEOUT)
        delivered += notification.ids
        failed += emitter.failed(notification, response)
    return Emitted(party, delivered, failed)


def _waiting(kind: str, running: Mapping[str, tuple[Unit, Running]]) -> str:
    known = sorted(_known(kind, running))
    return f"waiting are: {', '.join(known)}" if known else f"no function has @on.{kind}"


def _known(kind: str, running: Mapping[str, tuple[Unit, Running]]) -> Iterator[str]:
    for unit, _ in running.values():
        for function in unit.functions:
            yield from (trigger.resource for trigger in function.triggers if trigger.kind == kind)
