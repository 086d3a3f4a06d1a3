"""The steps that a letter goes through."""

from __future__ import annotations

# left out here: Path
from typing import TYPE_CHECKING

# left out here: httpx

from hyfn import gcp

# left out here: pages, Unanswerable, Unreadable

from .models import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 2_000
"""Characters of a letter."""


# Reading

# left out here: ocr








# Sorting

@gcp
def classify(text: str, longest: int = LONGEST) -> Kind: return Kind.BILL if "pay" in text[:longest] else Kind.PRAISE


# left out here: as_lines, ingest, rendered, answer, whole, the __main__ block








































