"""What Google Cloud Run functions can do, by the figures that the packer and the caller refuse by."""

from __future__ import annotations

from hyfn.clouds.gcp import pack
from hyfn.clouds.gcp.call import MAX_REQUEST
from hyfn.model import Ability, Capabilities, Evidence, Figure, Span, Target

QUOTAS = "https://cloud.google.com/functions/quotas"
TIMEOUT = "https://cloud.google.com/run/docs/configuring/request-timeout"
MAX_EVENT = 512 * 1024
"""Bytes of an event by Eventarc."""


def capabilities(target: Target) -> Capabilities:
    limits = pack.packer.limits(target)
    (least, most, _), (shortest, longest, _) = pack.LIMITS["memory"], pack.LIMITS["timeout"]
    return Capabilities(
        limits,
        {python: limits.retirements.get(python) for python in pack.PYTHONS},
        Span(least, most, pack.MEMORY, "MB", QUOTAS, "the least was not verified"),
        Span(shortest, longest, pack.TIMEOUT, "s", TIMEOUT, "a function that an event wakes may have less"),
        Figure(MAX_REQUEST, "B", QUOTAS),
        Figure(MAX_REQUEST, "B", QUOTAS, "10 MB where it is streamed"),
        Figure(MAX_EVENT, "B", QUOTAS, "of Eventarc"),
        f"1 to {pack.MAX_NAME} of a-z, 0-9 and -, from a letter",
        Ability(True, QUOTAS),
        None,
        pack.packer.offers(target),
        Evidence("runtime", pack.FRAMEWORK.partition("==")[0]),
    )
