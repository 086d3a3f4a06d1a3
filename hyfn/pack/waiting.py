"""Which triggers a platform has not, and what comes nearest there. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

from hyfn import on
from hyfn.model import FunctionSpec, Offer, Problem, Target, Trigger

NEAREST: Mapping[str, tuple[str, ...]] = {
    "http": ("event", "queue"),
    "schedule": ("event", "http"),
    "blob": ("event", "queue", "stream", "http"),
    "queue": ("topic", "stream", "event", "http"),
    "topic": ("event", "queue", "stream", "http"),
    "stream": ("queue", "topic", "event", "http"),
    "event": ("topic", "queue", "stream", "http"),
}
"""What may stand for a kind, the most alike first."""


def problems(function: FunctionSpec, target: Target, offers: Mapping[str, Offer]) -> Iterator[Problem]:
    """What `target`'s platform would refuse of the function's triggers."""
    for trigger in function.triggers:
        offer = offers.get(trigger.kind)
        if offer is None:
            said = f"{function.qualname} has @on.{trigger.kind}, which @{target.platform} has not"
            yield Problem("error", said, trigger.place, _nearest(trigger.kind, offers))
            continue
        for option in _unknown(trigger, offer):
            said = f"{offer.name} ({target.platform}) has no {option}={trigger.options[option]!r}"
            known = ", ".join(offer.options)
            yield Problem("error", said, trigger.place, f"it has {known}" if known else f"leave {option}= out")


def _nearest(kind: str, offers: Mapping[str, Offer]) -> str:
    near = next((other for other in NEAREST[kind] if other in offers), None)
    if near is None:
        return "it is woken by calls alone"
    return f"the nearest that it has is @on.{near}: {offers[near].name}"


def _unknown(trigger: Trigger, offer: Offer) -> Iterator[str]:
    parameters = list(inspect.signature(getattr(on, trigger.kind)).parameters.values())
    for parameter in parameters[1:]:
        is_default = trigger.options[parameter.name] == parameter.default
        if not is_default and parameter.name not in offer.options:
            yield parameter.name
