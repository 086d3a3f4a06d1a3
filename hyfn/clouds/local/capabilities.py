"""What this machine can do: whatever it has room for."""

from __future__ import annotations

from hyfn.clouds.local import pack
from hyfn.model import Capabilities, Evidence, Target


def capabilities(target: Target) -> Capabilities:
    return Capabilities(
        pack.packer.limits(target),
        dict.fromkeys(pack.PYTHONS),
        None,
        None,
        None,
        None,
        None,
        "derived",
        None,
        None,
        pack.packer.offers(target),
        Evidence("runtime", "hyfn's host: this is where it lives"),
    )
