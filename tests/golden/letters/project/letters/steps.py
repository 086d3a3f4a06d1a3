"""The steps that a letter goes through."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from hyfn import aws, azure, gcp, knative

from . import pages
from .errors import Unanswerable, Unreadable
from .models import Kind, Letter, Line

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

@gcp
def classify(text: str, longest: int = LONGEST) -> Kind: return Kind.BILL if "pay" in text[:longest] else Kind.PRAISE


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


@azure
async def whole(id: str, page: bytes) -> str:
    return answer(await ingest(id, page))


if __name__ == "__main__":
    print(classify("please pay"))
