"""What travels between the clouds: an invoice, and the error of one that nobody can read."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Invoice:
    """`kind` is what the words say it is; `total` is None where no line names one."""

    id: str
    kind: str
    text: str
    total: Decimal | None


class Unreadable(Exception):
    """Too much of a page could not be read. `share` is how much of it, between 0 and 1."""

    def __init__(self, id: str, share: float) -> None:
        super().__init__(f"invoice {id}: {share:.0%} of its page cannot be read")
        self.id = id
        self.share = share
