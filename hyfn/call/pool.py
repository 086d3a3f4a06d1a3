"""Calls under way: futures for `spawn`, bounded fan-out for `map`."""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from uuid import uuid4

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
    from typing import Any

SPAWNED_AT_ONCE = 256


class Started:
    """A call under way on a thread of its own: hyfn.Call."""

    def __init__(self, future: Future[Any]) -> None:
        self._future = future
        self.id = uuid4().hex

    def result(self, timeout: float | None = None) -> Any:
        return self._future.result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        return self._future.exception(timeout)

    def done(self) -> bool:
        return self._future.done()

    def cancel(self) -> bool:
        return self._future.cancel()

    def __await__(self) -> Generator[Any, Any, Any]:
        from asyncio import wrap_future

        return wrap_future(self._future).__await__()


_spawned = ThreadPoolExecutor(SPAWNED_AT_ONCE, "hyfn-spawn")


def start(run: Callable[..., Any], *args: Any) -> Started:
    """Run it on a thread, in a copy of the caller's context."""
    return Started(_spawned.submit(copy_context().run, run, *args))


class Mapping:
    """The results of one call for each item, at most `concurrency` under way. Items are read as results are taken."""

    def __init__(
        self,
        one: Callable[[Any], Any],
        one_async: Callable[[Any], Coroutine[Any, Any, Any]],
        items: Iterable[Any],
        is_ordered: bool,
        return_exceptions: bool,
        concurrency: int,
    ) -> None:
        if concurrency < 1:
            raise ValueError("concurrency must be at least 1")
        self._one = one
        self._one_async = one_async
        self._items = items
        self._is_ordered = is_ordered
        self._return_exceptions = return_exceptions
        self._concurrency = concurrency

    def __iter__(self) -> Iterator[Any]:
        pool = ThreadPoolExecutor(self._concurrency, "hyfn-map")
        waiting: deque[Future[Any]] = deque()
        items = iter(self._items)
        try:
            while True:
                while len(waiting) < self._concurrency and (item := next(items, _END)) is not _END:
                    waiting.append(pool.submit(copy_context().run, self._one, item))
                if not waiting:
                    return
                yield self._outcome(self._next(waiting))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _next(self, waiting: deque[Future[Any]]) -> Future[Any]:
        if self._is_ordered:
            first = waiting.popleft()
        else:
            first = wait(waiting, return_when=FIRST_COMPLETED).done.pop()
            waiting.remove(first)
        wait([first])
        return first

    def _outcome(self, ended: Future[Any] | Task[Any]) -> Any:
        error = ended.exception()
        if error is None:
            return ended.result()
        if self._return_exceptions:
            return error
        raise error

    async def __aiter__(self) -> AsyncIterator[Any]:
        import asyncio

        waiting: deque[Task[Any]] = deque()
        items = iter(self._items)
        try:
            while True:
                while len(waiting) < self._concurrency and (item := next(items, _END)) is not _END:
                    waiting.append(asyncio.ensure_future(self._one_async(item)))
                if not waiting:
                    return
                mode = asyncio.FIRST_COMPLETED
                ended, _ = await asyncio.wait([waiting[0]] if self._is_ordered else waiting, return_when=mode)
                first = ended.pop()
                waiting.remove(first)
                yield self._outcome(first)
        finally:
            for task in waiting:
                task.cancel()


_END = object()
