"""What AWS Lambda can do, by the figures that the packer and the caller refuse by."""

from __future__ import annotations

from hyfn.clouds.aws import pack
from hyfn.clouds.aws.call import MAX_REQUEST
from hyfn.model import Ability, Capabilities, Evidence, Figure, Span, Target

MAX_EVENT = 2**20
"""Bytes of an asynchronous invocation's event."""
MANAGED = "the API takes 32,768 too, it seems for Lambda Managed Instances, which hyfn does not use; not verified"
"""MemorySize in botocore 1.44.5, whose words on Timeout tell such instances apart; those on MemorySize do not."""
DOCS = "https://docs.aws.amazon.com/lambda/latest/dg"


def capabilities(target: Target) -> Capabilities:
    limits = pack.packer.limits(target)
    return Capabilities(
        limits,
        {python: limits.retirements.get(python) for python in pack.PYTHONS},
        Span(pack.MIN_MEMORY, pack.MAX_MEMORY, pack.MEMORY, "MB", f"{DOCS}/configuration-memory.html", MANAGED),
        Span(1, pack.MAX_TIMEOUT, pack.TIMEOUT, "s", pack.QUOTAS),
        Figure(MAX_REQUEST, "B", pack.QUOTAS, "by a function URL it travels as base64"),
        Figure(MAX_REQUEST, "B", pack.QUOTAS, "by a function URL it travels as base64"),
        Figure(MAX_EVENT, "B", f"{DOCS}/API_Invoke.html"),
        f"1 to {pack.MAX_NAME} letters, digits, - and _",
        Ability(False, f"{DOCS}/configuration-response-streaming.html", "Lambda streams for Node.js, not for Python"),
        Ability(True, f"{DOCS}/invocation-async.html"),
        pack.packer.offers(target),
        Evidence("runtime", "awslambdaric"),
    )
