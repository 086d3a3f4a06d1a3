"""Freight is priced on Alibaba Cloud."""

from dataclasses import dataclass
from decimal import Decimal

from hyfn import alibaba


@dataclass(frozen=True)
class Parcel:
    """Centimetres and kilograms."""

    length: int
    width: int
    height: int
    weight: Decimal


@alibaba(memory=256)
def freight(parcels: list[Parcel], per_kilogram: Decimal) -> Decimal:
    """By weight, or by volume where that is more: 5000 cubic centimetres count as a kilogram."""
    total = Decimal(0)
    for parcel in parcels:
        volume = Decimal(parcel.length * parcel.width * parcel.height) / 5000
        total += max(parcel.weight, volume) * per_kilogram
    return total.quantize(Decimal("0.01"))


if __name__ == "__main__":
    print(freight([Parcel(40, 30, 25, Decimal("2.5")), Parcel(20, 10, 5, Decimal("4"))], Decimal("6.80")))
