from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

# left out here: numpy


class Kind(Enum):
    BILL = "bill"
    PRAISE = "praise"


@dataclass
class Letter:
    id: str
    kind: Kind
    lines: list[Line] = field(default_factory=list)


@dataclass
class Line:
    text: str
    amount: Decimal = Decimal(0)


# left out here: Histogram




