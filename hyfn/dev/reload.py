"""What wakes `hyfn dev`: a file of the project that changed."""

from __future__ import annotations

import queue
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from watchfiles import watch

from hyfn.errors import MachineError

SETTINGS = frozenset({"pyproject.toml", "uv.toml", "uv.lock"})
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
def watched(root: Path, data_folders: Callable[[], Collection[Path]]) -> Iterator[Changes]:
    """Watch what can change the project below `root`: modules, settings, and files in `data_folders()`, where the
    functions' own files stand. What functions write elsewhere, and what hyfn writes, is no change."""
    # In a thread of its own: in the main one the watcher would swallow the signal that ends the command.
    seen: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
    over = Event()
    thread = Thread(target=_look, args=(root, data_folders, seen, over), name="hyfn-watch", daemon=True)
    thread.start()
    try:
        yield Changes(seen)
    finally:
        over.set()
        thread.join()


def _look(
    root: Path,
    data_folders: Callable[[], Collection[Path]],
    seen: queue.SimpleQueue[Exception | None],
    over: Event,
) -> None:
    def matters(change: object, path: str) -> bool:  # noqa: ARG001  (the watcher's signature)
        return is_relevant(Path(path), root, data_folders())

    try:
        for _ in watch(root, watch_filter=matters, stop_event=over, debounce=DEBOUNCE, ignore_permission_denied=True):
            seen.put(None)
    except Exception as error:  # noqa: BLE001  (it is raised where changes are waited for)
        seen.put(error)


def is_relevant(path: Path, root: Path, data_folders: Collection[Path]) -> bool:
    """Whether a change of `path` can change what a build of the project at `root` makes."""
    if path.parent in data_folders:
        return True
    if path.parent == root and (path.name in SETTINGS or path.suffix == ".txt"):
        return True
    return path.suffix == ".py" and all(part.isidentifier() for part in path.parent.relative_to(root).parts)
