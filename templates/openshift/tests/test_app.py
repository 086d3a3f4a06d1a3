import hyfn
from app import mask


def test_long_numbers_are_hidden_and_years_are_not() -> None:
    with hyfn.local():
        assert mask("In 2025, charge 1234567890.") == "In 2025, charge ******7890."
