from __future__ import annotations

# left out here: dataclass, field, Decimal

from enum import Enum

# left out here: numpy


class Kind(Enum):
    BILL = "bill"
    PRAISE = "praise"


# left out here: Letter, Line, Histogram

















