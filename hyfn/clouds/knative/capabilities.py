"""What Knative and OpenShift Serverless can do, by the figures that the packer refuses by."""

from __future__ import annotations

from hyfn.clouds.knative import pack
from hyfn.model import Ability, Capabilities, Evidence, Span, Target

DEFAULTS = "https://knative.dev/docs/serving/configuration/config-defaults/"


def capabilities(target: Target) -> Capabilities:
    """A cluster has as much memory as its nodes have, and Knative limits no size."""
    shortest, longest, _ = pack.LIMITS["timeout"]
    note = "max-revision-timeout-seconds as Knative is delivered; an operator may allow more"
    by_func = Evidence("runtime", "func-python")
    return Capabilities(
        pack.packer.limits(target),
        dict.fromkeys(pack.PYTHONS),
        None,
        Span(shortest, longest, pack.TIMEOUT, "s", DEFAULTS, note),
        None,
        None,
        None,
        "a DNS label that begins with a letter: 1 to 63 of a-z, 0-9 and -",
        Ability(True, DEFAULTS, "its timeouts tell the answer's start from its end"),
        None,
        pack.packer.offers(target),
        by_func
        if pack.is_func(target)
        else Evidence("spec", "hyfn's host, as in production; the platform is stood in for"),
    )
