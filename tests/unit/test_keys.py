"""Edge keys: one for each edge, each telling nothing of another's."""

from __future__ import annotations

from itertools import combinations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hyfn.trust.keys import derive

SECRET = bytes(range(32))
EDGES = [
    ("app", "dev", "a@aws", "b@gcp", 1),
    ("app", "dev", "b@gcp", "a@aws", 1),
    ("app", "prod", "a@aws", "b@gcp", 1),
    ("ap", "pdev", "a@aws", "b@gcp", 1),
    ("app", "dev", "a@aws", "b@gcp", 2),
    ("app", "dev", "a@awsb@", "gcp", 1),
]


def test_every_part_of_an_edge_changes_key_and_id() -> None:
    keys = [derive(SECRET, *edge) for edge in EDGES]
    for one, other in combinations(keys, 2):
        assert one.secret != other.secret
        assert one.id != other.id


def test_the_key_is_hkdf_as_rfc_5869_has_it() -> None:
    parts = [part.encode() for part in ("app", "dev", "a@aws", "b@gcp", "1")]
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    expected = HKDF(SHA256(), 40, b"hyfn/1 edge", info).derive(SECRET)
    key = derive(SECRET, *EDGES[0])
    assert key.secret + key.id == expected


def test_a_key_does_not_show_its_secret() -> None:
    key = derive(SECRET, *EDGES[0])
    assert key.secret.hex() not in repr(key)
