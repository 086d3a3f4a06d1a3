from decimal import Decimal

import hyfn
from app import instalments


def test_no_cent_is_lost() -> None:
    with hyfn.local():
        paid = instalments(Decimal("100.00"), 3)
    assert sum(paid) == Decimal("100.00")
    assert max(paid) - min(paid) < Decimal("0.03")
