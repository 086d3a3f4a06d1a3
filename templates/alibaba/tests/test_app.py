from decimal import Decimal

import hyfn
from app import Parcel, freight


def test_a_light_parcel_is_paid_by_volume_and_a_heavy_one_by_weight() -> None:
    parcels = [Parcel(40, 30, 25, Decimal("2.5")), Parcel(20, 10, 5, Decimal(4))]
    with hyfn.local():
        assert freight(parcels, Decimal("6.80")) == Decimal("68.00")
