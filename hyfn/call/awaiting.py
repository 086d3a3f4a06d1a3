"""The procedures of a connection on an event loop. Loaded when the first call is awaited."""

from __future__ import annotations

import asyncio
from select import POLLIN, POLLOUT
from time import monotonic

from hyfn.call.origin import literal, unresolved
from hyfn.errors import NOT_EXECUTED, DeadlineExceeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hyfn.call.connection import Steps, T
    from hyfn.call.origin import Address, Origin


async def drive(steps: Steps[T]) -> T:
    """What `steps` returns. A cancellation ends them where they wait."""
    loop = asyncio.get_running_loop()
    try:
        wait = next(steps)
        while True:
            wait = steps.send(await _ready(loop, *wait))
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        steps.close()


async def resolve(origin: Origin, seconds: float) -> list[Address]:
    """As hyfn.call.origin.resolve."""
    from socket import SOCK_STREAM

    addresses = literal(origin)
    if addresses:
        return addresses
    try:
        async with asyncio.timeout(seconds):
            rows = await asyncio.get_running_loop().getaddrinfo(origin.host, origin.port, type=SOCK_STREAM)
    except TimeoutError:
        raise DeadlineExceeded(f"the name {origin.host} was not resolved in time", executed=NOT_EXECUTED) from None
    except (OSError, UnicodeError) as error:
        raise unresolved(origin, error) from error
    return [(row[0], row[4]) for row in rows]


async def _ready(loop: asyncio.AbstractEventLoop, descriptor: int, events: int, deadline: float) -> int:
    """The events that came, or 0 at the deadline."""
    came: asyncio.Future[int] = loop.create_future()
    timer = loop.call_later(deadline - monotonic(), _tell, came, 0)
    if events & POLLIN:
        loop.add_reader(descriptor, _tell, came, POLLIN)
    if events & POLLOUT:
        loop.add_writer(descriptor, _tell, came, POLLOUT)
    try:
        return await came
    finally:
        timer.cancel()
        if events & POLLIN:
            loop.remove_reader(descriptor)
        if events & POLLOUT:
            loop.remove_writer(descriptor)


def _tell(came: asyncio.Future[int], event: int) -> None:
    if not came.done():
        came.set_result(event)
