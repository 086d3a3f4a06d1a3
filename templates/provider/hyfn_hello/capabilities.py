"""What the platform can do, by the figures that the packer refuses by."""

from __future__ import annotations

from hyfn.model import Capabilities, Evidence, Span, Target
from hyfn.pack import contained
from hyfn_hello import pack

SOURCE = "https://example.com/limits"
"""The page of its vendor that publishes the figures: each one names its own."""


def capabilities(target: Target) -> Capabilities:
    """None where the vendor publishes nothing."""
    (least, most, _), (shortest, longest, _) = pack.RANGES["memory"], pack.RANGES["timeout"]
    return Capabilities(
        limits=pack.packer.limits(target),
        pythons=dict.fromkeys(contained.PYTHONS),
        memory=Span(least, most, 256, "MB", SOURCE),
        timeout=Span(shortest, longest, 60, "s", SOURCE),
        request=None,
        response=None,
        event=None,
        name="a DNS label that begins with a letter: 1 to 63 of a-z, 0-9 and -",
        streaming=None,
        asynchronous=None,
        triggers=pack.packer.offers(target),
        evidence=Evidence("spec", "hyfn's host, as in production; the platform is stood in for"),
    )
