"""Why a source distribution cannot become a wheel."""

from __future__ import annotations

from hyfn.errors import BuildError
from hyfn.model import Runtime, Wheel


class Unbuildable(BuildError):
    """`source` cannot become a wheel. Who knows where it was declared sets `where`, and a better `hint`."""

    def __init__(self, source: Wheel, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.source = source


class Native(Unbuildable):
    """It is made of more than Python: a wheel of it would be for this machine, not for the runtime."""

    def __init__(self, source: Wheel, runtime: Runtime, sign: str) -> None:
        super().__init__(
            source,
            f"{source.name} {source.version} comes only as source for CPython {runtime.python} on {runtime.machine} "
            f"and needs a compiler ({sign})",
        )
