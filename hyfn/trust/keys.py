"""One key for each edge of the call graph, derived from the stage's secret."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

_SALT = b"hyfn/1 edge"


@dataclass(frozen=True, slots=True)
class EdgeKey:
    """`id` (8 bytes) stands in frames; `secret` (32 bytes) signs them."""

    id: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"EdgeKey({self.id.hex()})"


def derive(secret: bytes, app: str, stage: str, caller: str, callee: str, generation: int = 1) -> EdgeKey:
    """The key of the edge from `caller` to `callee` (each "function@placement").

    HKDF-SHA256 (RFC 5869) with one info string for each edge and generation: no edge's key tells anything of another's.
    """
    info = b"".join(_framed(part) for part in (app, stage, caller, callee, str(generation)))
    pseudorandom = hmac.digest(_SALT, secret, "sha256")
    first = hmac.digest(pseudorandom, info + b"\x01", "sha256")
    second = hmac.digest(pseudorandom, first + info + b"\x02", "sha256")
    return EdgeKey(second[:8], first)


def _framed(part: str) -> bytes:
    """Length before text: no two lists of parts give the same bytes."""
    encoded = part.encode()
    return len(encoded).to_bytes(4, "big") + encoded
