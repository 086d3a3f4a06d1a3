"""Distances are computed on Google Cloud."""

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from hyfn import gcp


@dataclass(frozen=True)
class Place:
    """Degrees; north and east are positive."""

    name: str
    latitude: float
    longitude: float


@gcp(memory=256)
def distance(a: Place, b: Place) -> float:
    """Kilometres between two places, on a sphere of the Earth's mean radius."""
    south, north = radians(a.latitude), radians(b.latitude)
    across = sin((north - south) / 2) ** 2
    along = cos(south) * cos(north) * sin(radians(b.longitude - a.longitude) / 2) ** 2
    return 2 * 6371 * asin(sqrt(across + along))


if __name__ == "__main__":
    print(round(distance(Place("Oslo", 59.91, 10.75), Place("Rome", 41.89, 12.49))), "km")
