"""What travels between the clouds: plain dataclasses, so that no side needs the other's libraries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pixels:
    """An RGB picture: 3 bytes a pixel, row by row."""

    width: int
    height: int
    rgb: bytes


@dataclass(frozen=True)
class Thumbnail:
    """A small JPEG."""

    width: int
    height: int
    jpeg: bytes


@dataclass(frozen=True)
class Light:
    """How bright a picture is. Brightness is between 0 and 1; `histogram` counts pixels from the darkest to the
    brightest; `stars` are the points that stand out of the dark."""

    mean: float
    histogram: list[int]
    colour: tuple[int, int, int]
    stars: int


@dataclass(frozen=True)
class Photo:
    """A picture and what is known of it."""

    name: str
    thumbnail: Thumbnail
    light: Light


@dataclass(frozen=True)
class Card:
    """A photo's entry in the private catalogue."""

    title: str
    mood: str
    photo: Photo
