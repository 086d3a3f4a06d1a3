"""Which clouds an artifact must know: the others stay at home. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from hyfn.model import Cloud, Project

ALL = re.compile(r"\bfrom\s+hyfn\s+import\s*\(?\s*\*")
"""Brings every decorator of hyfn's own."""


def clouds(project: Project, files: Mapping[str, bytes]) -> list[Cloud]:
    """Those that a function of the project lives on, and those that its modules, or Python `files` of an artifact, may
    import: that name one of their decorators anywhere, be it in a comment."""
    homes = {target.cloud for function in project.functions for target in function.targets}
    names = frozenset(name for cloud in project.clouds.values() for name in (cloud.name, *cloud.platforms))
    words = {word for text in _texts(project, files) for word in _named(text, names)}
    is_any = any(_has_all(text) for text in _texts(project, files))
    return [
        cloud
        for cloud in project.clouds.values()
        if cloud.name in homes or words & {cloud.name, *cloud.platforms} or (is_any and cloud.is_own)
    ]


def _texts(project: Project, files: Mapping[str, bytes]) -> Iterator[str]:
    yield from (source.text for source in project.sources.values())
    yield from (content.decode(errors="replace") for path, content in files.items() if path.endswith(".py"))


@lru_cache(maxsize=4096)
def _named(text: str, names: frozenset[str]) -> frozenset[str]:
    return names & set(re.findall(r"\w+", text))


@lru_cache(maxsize=4096)
def _has_all(text: str) -> bool:
    return bool(ALL.search(text))
