"""Globs of paths with /: * stays in one part, ** spans any number, and what names a folder means all in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import takewhile


def matching(globs: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path is matched by one of the globs. They are compiled once, and kept."""
    return _matching(tuple(globs))


@lru_cache(maxsize=256)
def _matching(globs: tuple[str, ...]) -> Callable[[str], bool]:
    if not globs:
        return lambda path: False  # noqa: ARG005
    alternatives = "|".join(_expression(glob.removeprefix("./").rstrip("/")) for glob in globs)
    fullmatch = re.compile(rf"(?s:(?:{alternatives})(?:/.*)?)").fullmatch
    return lambda path: fullmatch(path) is not None


def fixed(glob: str) -> str:
    """The parts of a glob before the first that has a pattern: where to begin to look."""
    return "/".join(takewhile(lambda part: not re.search(r"[*?\[]", part), glob.split("/")))


def _expression(glob: str) -> str:
    parts = glob.split("/")
    pieces = [_part(part) + "/" if part != "**" else "(?:[^/]+/)*" for part in parts[:-1]]
    return "".join(pieces) + (".+" if parts[-1] == "**" else _part(parts[-1]))


_TOKEN = re.compile(r"(?P<any>\*+)|(?P<one>\?)|\[(?P<not>[!^]?)(?P<set>\]?[^\]/]*)\]|(?P<plain>.)", re.DOTALL)


def _part(text: str) -> str:
    return "".join(map(_token, _TOKEN.finditer(text)))


def _token(found: re.Match[str]) -> str:
    if found["any"]:
        return "[^/]*"
    if found["one"]:
        return "[^/]"
    if found["set"]:
        characters = re.sub(r"([\\\[\]&~|^])", r"\\\1", found["set"])
        return f"[^/{characters}]" if found["not"] else f"[{characters}]"
    return re.escape(found["plain"] or found[0])
