from __future__ import annotations

from dataclasses import dataclass
# left out here: Decimal, Enum


import numpy as np


# left out here: Kind, Letter, Line

















@dataclass
class Histogram:
    """Only ocr looks at it."""

    values: np.ndarray
