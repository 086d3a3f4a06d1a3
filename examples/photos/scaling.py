"""Decoding and scaling, with Pillow, on AWS."""

from __future__ import annotations

from io import BytesIO

from picture import Pixels, Thumbnail
from PIL import Image

from hyfn import aws


@aws(region="eu-west-1", memory=1024, idempotent=True)
def thumbnail(jpeg: bytes, edge: int = 160) -> Thumbnail:
    """The picture with no side longer than `edge` pixels."""
    image = scaled(jpeg, edge)
    out = BytesIO()
    image.save(out, "JPEG", quality=85)
    return Thumbnail(image.width, image.height, out.getvalue())


@aws(region="eu-west-1", memory=1024, idempotent=True)
def pixels(jpeg: bytes, edge: int = 512) -> Pixels:
    """The picture decoded, with no side longer than `edge` pixels."""
    image = scaled(jpeg, edge)
    return Pixels(image.width, image.height, image.tobytes())


def scaled(jpeg: bytes, edge: int) -> Image.Image:
    image = Image.open(BytesIO(jpeg)).convert("RGB")
    image.thumbnail((edge, edge))
    return image
