"""The decorator. Every module of a user imports it, inside every platform: it imports next to nothing."""

from __future__ import annotations

from hyfn.declare import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@platform
def hello(
    *,
    name: str = "",
    memory: int = 256,
    timeout: float = 60,
    python: str = "",
    idempotent: bool = False,
    group: str = "",
    env: Mapping[str, str] = {},
    calls: Sequence[str] = (),
) -> None:
    """Run this function on the platform.

    `memory` is in MiB, `timeout` in seconds, `python` a version such as "3.13". `idempotent` says that running it twice
    does no harm. Functions of one `group` share an artifact. `env` are plain environment variables, never secrets.
    `calls` names what it calls where reading cannot tell.
    """
