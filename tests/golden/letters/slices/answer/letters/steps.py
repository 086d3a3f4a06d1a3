"""The steps that a letter goes through."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from hyfn import aws, knative

# left out here: pages
from .errors import Unanswerable
from .models import Kind, Letter

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 2_000
"""Characters of a letter."""


# Reading

# left out here: ocr, classify, as_lines, ingest




























# Answering


def rendered(name: str) -> str:
    return (Path(__file__).parent / "answer.html").read_text().format(name=name)


@knative
@aws(region="eu-west-1")
def answer(
    letter: Letter,
    *,
    name: str = "Sir or Madam",
) -> str:
    """Say something "kind"."""
    if letter.kind is Kind.PRAISE:
        raise Unanswerable(letter.id)
    return httpx.post("https://example.org", content=rendered(name)).text


# left out here: whole, the __main__ block






