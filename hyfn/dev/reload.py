"""The project each time that its files change."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from watchfiles import DefaultFilter, watch

from hyfn import project
from hyfn.errors import HyfnError
from hyfn.model import Project

log = logging.getLogger(__name__)


def changes(path: Path, read: Project) -> Iterator[Project | HyfnError]:
    """The project anew after each change below its root, or what is wrong with it. Ends with the process."""
    for _ in watch(read.root, watch_filter=_Filter(), raise_interrupt=True):
        try:
            yield project.read(path)
        except HyfnError as error:
            yield error


class _Filter(DefaultFilter):
    """hyfn's own folder in a project is no change of the project."""

    ignore_dirs = (*DefaultFilter.ignore_dirs, ".hyfn")
