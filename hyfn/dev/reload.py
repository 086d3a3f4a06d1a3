"""What wakes `hyfn dev`: a file of the project that changed."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from watchfiles import DefaultFilter, watch

from hyfn.errors import MachineError
from hyfn.pack import delivery

DEBOUNCE = 200
"""Milliseconds that changes may go on before what there is of them is looked at."""


class Changes:
    """Iterating waits for changes, for ever. Those made since the watch began, or while the last one was dealt with,
    count as one. Raises MachineError where the folder cannot be watched."""

    def __init__(self, seen: queue.SimpleQueue[Exception | None]) -> None:
        self._seen = seen

    def __iter__(self) -> Iterator[None]:
        while True:
            news = [self._seen.get()]
            while not self._seen.empty():
                news.append(self._seen.get())
            for error in filter(None, news):
                raise MachineError(f"changes are not seen: {error}") from error
            yield


@contextmanager
def watched(root: Path) -> Iterator[Changes]:
    """Watch everything below `root` but hyfn's own folder, environments, caches and version control."""
    # In a thread of its own: in the main one the watcher would swallow the signal that ends the command.
    seen: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
    over = Event()
    thread = Thread(target=_look, args=(root, seen, over), name="hyfn-watch", daemon=True)
    thread.start()
    try:
        yield Changes(seen)
    finally:
        over.set()
        thread.join()


def _look(root: Path, seen: queue.SimpleQueue[Exception | None], over: Event) -> None:
    try:
        for _ in watch(root, watch_filter=_Filter(), stop_event=over, debounce=DEBOUNCE, ignore_permission_denied=True):
            seen.put(None)
    except Exception as error:  # noqa: BLE001  (it is raised where changes are waited for)
        seen.put(error)


class _Filter(DefaultFilter):
    """Ours is no change of the project."""

    ignore_dirs = (*DefaultFilter.ignore_dirs, delivery.OWN)
