"""What Alibaba's Function Compute can do, by the figures that the packer and the caller refuse by."""

from __future__ import annotations

from hyfn.clouds.alibaba import pack
from hyfn.clouds.alibaba.call import MAX_REQUEST
from hyfn.model import Ability, Capabilities, Evidence, Figure, Span, Target

USAGE = pack.PACKED.source
CLIENT = "https://pypi.org/project/alibabacloud-fc20230330/4.8.3/"
"""CreateFunctionInput in Alibaba's own client."""
MAX_EVENT = 128 * 1024
"""Bytes of an asynchronous invocation's body."""


def capabilities(target: Target) -> Capabilities:
    limits = pack.packer.limits(target)
    (least, most, *_), (shortest, longest, *_) = pack.LIMITS["memory"], pack.LIMITS["timeout"]
    return Capabilities(
        limits,
        dict.fromkeys(pack.RUNTIMES),
        Span(least, most, pack.MEMORY, "MB", CLIENT, f"in steps of {pack.MEMORY_STEP}"),
        Span(shortest, longest, pack.TIMEOUT, "s", CLIENT),
        Figure(MAX_REQUEST, "B", USAGE),
        None,
        Figure(MAX_EVENT, "B", USAGE),
        f"1 to {pack.MAX_NAME} letters, digits, - and _, from a letter or _",
        None,
        Ability(True, USAGE),
        pack.packer.offers(target),
        Evidence("spec", "hyfn's host, as in production; the platform is stood in for"),
    )
