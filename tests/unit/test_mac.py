"""The interpreter's own SHA-256 and OpenSSL's are the same function."""

from __future__ import annotations

import hashlib
import hmac
import os

import pytest

from hyfn.wire import mac


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 1000, mac.LARGE - 1, mac.LARGE, mac.LARGE + 1])
def test_both_ways_of_signing_agree(size: int) -> None:
    key, data = os.urandom(32), os.urandom(size)
    assert mac.hmac_sha256(key, data) == hmac.digest(key, data, "sha256")
    assert mac.hmac_sha256(key, memoryview(data)) == hmac.digest(key, data, "sha256")
    assert mac.sha256(data) == hashlib.sha256(data).digest()
