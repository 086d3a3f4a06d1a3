"""What travels in the newsroom."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """A file that an agency sent: articles, with an empty line between two of them."""

    name: str
    text: str


@dataclass(frozen=True)
class Article:
    """Its first line is the title. `id` is the file's name and the article's number in it."""

    id: str
    text: str


@dataclass(frozen=True)
class Summary:
    id: str
    title: str
    words: int


@dataclass(frozen=True)
class Click:
    """A reader opened an article."""

    article: str


@dataclass(frozen=True)
class Headline:
    """A line of the front page."""

    title: str
    readers: int
    words: int
