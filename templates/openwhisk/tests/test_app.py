import hyfn
from app import pseudonymise


def test_a_name_within_a_word_stays() -> None:
    with hyfn.local():
        assert pseudonymise("Ann met Anna.", ["Ann"]) == "person 1 met Anna."
