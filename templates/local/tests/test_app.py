import hyfn
from app import factors


def test_the_factors_of_many_numbers() -> None:
    with hyfn.local():
        assert list(factors.map([12, 97, 1])) == [[2, 2, 3], [97], []]
