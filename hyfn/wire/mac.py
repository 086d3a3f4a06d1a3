"""HMAC-SHA256 and SHA-256 at the least cold start.

`hmac` and `hashlib` load OpenSSL, which costs a cold start 4 ms; the interpreter's own SHA-256 costs 0.2 ms and is as
fast for a frame of a few hundred bytes. Larger messages go to OpenSSL, which uses the processor's SHA instructions.
"""

from __future__ import annotations

from _operator import _compare_digest as compare_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

try:
    from _sha2 import sha256 as _sha256  # CPython 3.12 and later
except ImportError:
    try:
        from _sha256 import sha256 as _sha256  # CPython 3.11
    except ImportError:
        from hashlib import sha256 as _sha256

__all__ = ["compare_digest", "hmac_sha256", "sha256"]

LARGE = 16 * 1024
"""Bytes from which OpenSSL is worth its import."""
_BLOCK = 64
_INNER = bytes(x ^ 0x36 for x in range(256))
_OUTER = bytes(x ^ 0x5C for x in range(256))


def sha256(data: bytes) -> bytes:
    """The SHA-256 digest, 32 bytes."""
    digest: bytes = _sha256(data).digest()
    return digest


def hmac_sha256(key: bytes, data: bytes | memoryview) -> bytes:
    """HMAC-SHA256 (RFC 2104), 32 bytes. Keys are at most 64 bytes."""
    if len(data) >= LARGE:
        return _openssl()(key, data, "sha256")
    padded = key.ljust(_BLOCK, b"\0")
    inner: Any = _sha256(padded.translate(_INNER))
    inner.update(data)
    digest: bytes = _sha256(padded.translate(_OUTER) + inner.digest()).digest()
    return digest


def _openssl() -> Callable[[bytes, bytes | memoryview, str], bytes]:
    from hmac import digest

    return digest
