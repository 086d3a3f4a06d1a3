"""The steps that a letter goes through."""

from __future__ import annotations

# left out here: Path
from typing import TYPE_CHECKING

# left out here: httpx

from hyfn import azure; from hyfn.declare import stub as hyfn_stub

# left out here: pages
from .errors import Unreadable
from .models import Kind, Letter, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 2_000
"""Characters of a letter."""


# Reading

@hyfn_stub("aws", raises=("letters.errors:Unreadable",))
def ocr(page: bytes) -> str:
    """Read the text on a page."""
    ...





# Sorting

@hyfn_stub("gcp")
def classify(text: str, longest: int = LONGEST) -> Kind: ...


def as_lines(text: str) -> Sequence[Line]:
    return [Line(line) for line in text.splitlines()]


@azure(region="westeurope")
async def ingest(id: str, page: bytes) -> Letter:
    """Take in a letter."""
    try:
        text = await ocr.aio(page)
    except Unreadable:  # somebody will look at it
        text = ""
    return Letter(id, await classify.aio(text), [*as_lines(text)])


# Answering


# left out here: rendered, answer, whole, the __main__ block























