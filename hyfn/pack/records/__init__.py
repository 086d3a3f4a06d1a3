"""What archives are made of, read strictly: an archive that tools understand differently is not to be trusted."""

from __future__ import annotations


class Untrusted(ValueError):
    """What is wrong with an archive, said of "it". `hyfn.pack.extract.readable` names the archive."""
