"""Many threads may be the first to call a function: a map starts them all at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest

from hyfn import contract

THREADS = 6


@dataclass
class Line:
    text: str
    at: datetime


@dataclass
class Note:
    lines: list[Line]
    first: Line


def fresh() -> Callable[[Note], Note]:
    """A function that nothing was made for yet."""

    def function(note: Note) -> Note:
        return note

    return function


@pytest.fixture
def hurried() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hurried")
def test_threads_that_are_first_at_once_agree_on_the_contract() -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        seen = {digest for _ in range(200) for digest in at_once(pool, contract.digest, fresh())}

    assert seen == {contract.digest(fresh())}


def at_once(pool: ThreadPoolExecutor, act: Callable[[Any], bytes], function: object) -> list[bytes]:
    barrier = Barrier(THREADS)

    def one(_: int) -> bytes:
        barrier.wait()
        return act(function)

    return list(pool.map(one, range(THREADS)))
