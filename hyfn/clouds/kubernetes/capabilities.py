"""What a plain Kubernetes can do. It sets no sizes: nodes and whatever leads to its services do."""

from __future__ import annotations

from hyfn.clouds.kubernetes import pack
from hyfn.model import Capabilities, Evidence, Target


def capabilities(target: Target) -> Capabilities:
    """What `check` refuses of memory and timeout are hyfn's own bounds against slips, no figures of Kubernetes."""
    return Capabilities(
        pack.packer.limits(target),
        dict.fromkeys(pack.PYTHONS),
        None,
        None,
        None,
        None,
        None,
        "a DNS label that begins with a letter: 1 to 63 of a-z, 0-9 and -",
        None,
        None,
        pack.packer.offers(target),
        Evidence("spec", "hyfn's host, as in production; the cluster is stood in for"),
    )
