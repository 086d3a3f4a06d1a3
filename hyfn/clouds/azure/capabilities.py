"""What Azure Functions can do in the Flex Consumption plan, by the figures that the packer and the caller refuse by."""

from __future__ import annotations

from hyfn.clouds.azure import pack
from hyfn.clouds.azure.call import MAX_REQUEST
from hyfn.model import Ability, Capabilities, Evidence, Figure, Span, Target

SCALE = "https://learn.microsoft.com/azure/azure-functions/functions-scale"
MEMORY = "https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#instance-memory"
STREAMS = "https://learn.microsoft.com/azure/azure-functions/functions-reference-python#http-streams"
DEFAULT_MEMORY = 2048


def capabilities(target: Target) -> Capabilities:
    limits, memories = pack.packer.limits(target), pack.MEMORIES
    return Capabilities(
        limits,
        {python: limits.retirements.get(python) for python in pack.PYTHONS},
        Span(memories[0], memories[-1], DEFAULT_MEMORY, "MB", MEMORY, only=memories),
        Span(1, pack.MAX_TIMEOUT, pack.TIMEOUT, "s", f"{SCALE}#timeout", "as long as its front end waits"),
        Figure(MAX_REQUEST, "B", f"{SCALE}#service-limits"),
        None,
        None,
        "2 to 60 letters, digits and hyphens, no hyphen at either end",
        Ability(True, STREAMS, "for Python by a library of Microsoft's, which hyfn does not use"),
        None,
        pack.packer.offers(target),
        Evidence("runtime", "azure-functions-runtime"),
    )
