"""The steps that a letter goes through."""

from __future__ import annotations

# left out here: Path
from typing import TYPE_CHECKING

# left out here: httpx

from hyfn import aws

from . import pages
# left out here: Unanswerable, Unreadable, Kind, Letter, Line


if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 2_000
"""Characters of a letter."""


# Reading

@aws(region="eu-west-1", memory=1024)
def ocr(page: bytes) -> str:
    """Read the text on a page.

    It may be a photograph.
    """
    return str(pages.histogram(page).values)


# Sorting

# left out here: classify, as_lines, ingest, rendered, answer, whole, the __main__ block












































