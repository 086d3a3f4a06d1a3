import hyfn
from app import Place, distance


def test_oslo_is_two_thousand_kilometres_from_rome() -> None:
    with hyfn.local():
        assert round(distance(Place("Oslo", 59.91, 10.75), Place("Rome", 41.89, 12.49)), -1) == 2010
