"""Counting light, with numpy, on Google. It decodes nothing: the pixels come from AWS, where Pillow is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from picture import Light, Pixels
from scaling import pixels

from hyfn import gcp

BINS = 8


@gcp(region="europe-west1", memory=512, idempotent=True)
def study(jpeg: bytes) -> Light:
    """How bright the picture is, and how many stars are on it."""
    return light(pixels(jpeg))  # Google → AWS


def light(picture: Pixels) -> Light:
    """The measuring itself: no call leaves from here."""
    rgb = np.frombuffer(picture.rgb, np.uint8).reshape(picture.height, picture.width, 3)
    brightness: NDArray[np.float64] = rgb @ np.array([0.2126, 0.7152, 0.0722]) / 255
    histogram, _ = np.histogram(brightness, bins=BINS, range=(0, 1))
    red, green, blue = (round(float(mean)) for mean in rgb.mean(axis=(0, 1)))
    return Light(float(brightness.mean()), histogram.tolist(), (red, green, blue), stars(brightness))


def stars(brightness: NDArray[np.float64]) -> int:
    """Pixels brighter than each of their eight neighbours, and much brighter than those are together."""
    middle = brightness[1:-1, 1:-1]
    rows, columns = brightness.shape
    around = np.array(
        [
            brightness[1 + down : rows - 1 + down, 1 + right : columns - 1 + right]
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
            if (down, right) != (0, 0)
        ]
    )
    return int(np.sum((middle > around.max(axis=0)) & (middle > around.mean(axis=0) + 0.15)))
