"""A photo is scaled on AWS and measured on Google, put together on Azure and catalogued in one's own cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path

from measuring import study
from picture import Card, Light, Photo
from scaling import thumbnail

from hyfn import azure, knative


@azure(region="westeurope")
async def describe(name: str, jpeg: bytes) -> Photo:
    """The photo with its thumbnail and its light: both are made at once."""
    small, light = await asyncio.gather(thumbnail.aio(jpeg), study.aio(jpeg))  # Azure → AWS, Azure → Google → AWS
    return Photo(name, small, light)


@knative(min_instances=0)
async def catalogue(name: str, jpeg: bytes) -> Card:
    """The photo's card. Only the card stays here: the picture itself is not kept."""
    photo = await describe(name, jpeg)  # private → public
    return Card(name.removesuffix(".jpg").replace("-", " ").title(), mood(photo.light), photo)


def mood(light: Light) -> str:
    if light.mean > 0.4:
        return "a bright day"
    return "a starry night" if light.stars > 50 else "a dark place"


async def main() -> None:
    file = Path(__file__).with_name("night.jpg")
    card = await catalogue(file.name, file.read_bytes())
    small, light = card.photo.thumbnail, card.photo.light
    print(f"{card.title}: {card.mood}")
    print(f"thumbnail: {small.width} × {small.height}, {len(small.jpeg)} bytes")
    print(f"brightness {light.mean:.3f}, colour #{bytes(light.colour).hex()}, {light.stars} stars")
    print("dark to bright:", *light.histogram)


if __name__ == "__main__":
    asyncio.run(main())
