"""The call that is being run here, as a context variable: what its nested calls inherit."""

from __future__ import annotations

from _contextvars import ContextVar  # `contextvars` only names it again

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class Current:
    """`deadline` is on time.monotonic(), in seconds; `hop` counts from 0; `root` is the first call's id, 16 bytes."""

    __slots__ = ("deadline", "function", "hop", "root", "traceparent")

    def __init__(self, function: str, deadline: float, hop: int, root: bytes, traceparent: str) -> None:
        self.function = function
        self.deadline = deadline
        self.hop = hop
        self.root = root
        self.traceparent = traceparent


current: Final[ContextVar[Current | None]] = ContextVar("hyfn.current", default=None)
is_local: Final[ContextVar[bool]] = ContextVar("hyfn.is_local", default=False)
"""True inside `with hyfn.local():`, where bodies run in this process."""
