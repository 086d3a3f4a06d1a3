import hyfn
from app import fingerprint


def test_papers_that_differ_have_fingerprints_that_differ() -> None:
    with hyfn.local():
        assert fingerprint(b"yes") == fingerprint(b"yes") != fingerprint(b"no")
