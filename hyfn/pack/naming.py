"""What a function is called on its platform. Pure."""

from __future__ import annotations

import hashlib
import re


def derived(app: str, stage: str, identity: str, limit: int) -> str:
    """A name of lower-case letters, digits and single hyphens, from a letter to a digit or letter, of `limit` at most.

    Readable in front, and in the end a digest of all three: two functions never share one. The same on every machine.
    """
    digest = hashlib.sha256("\0".join((app, stage, identity)).encode()).hexdigest()[:6]
    words = f"{app}-{stage}-{identity.rpartition(':')[2]}".lower()
    readable = re.sub(r"[^a-z0-9]+", "-", words).strip("-")
    if not readable[:1].isalpha():
        readable = f"f-{readable}"
    return f"{readable[: limit - 7].rstrip('-')}-{digest}"
