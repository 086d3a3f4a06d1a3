"""The steps that a letter goes through."""

from __future__ import annotations

# left out here: Path
from typing import TYPE_CHECKING

# left out here: httpx

from hyfn import azure; from hyfn.declare import stub as hyfn_stub

# left out here: pages, Unanswerable, Unreadable

from .models import Letter

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 2_000
"""Characters of a letter."""


# Reading

# left out here: ocr, classify, as_lines


















@hyfn_stub("azure", raises=("letters.errors:Unreadable",))
async def ingest(id: str, page: bytes) -> Letter:
    """Take in a letter."""
    ...






# Answering


# left out here: rendered



@hyfn_stub("knative", "aws", raises=("letters.errors:Unanswerable",))
def answer(letter: Letter, *, name: str = "Sir or Madam") -> str:
    """Say something "kind"."""
    ...









@azure
async def whole(id: str, page: bytes) -> str:
    return answer(await ingest(id, page))


# left out here: the __main__ block

