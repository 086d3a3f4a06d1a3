"""Fn Project, and Oracle Functions as a profile of it."""

from __future__ import annotations

from hyfn.declare import Platform, platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal


@platform
def fn(
    *,
    name: str = "",
    app: str = "",
    memory: int = 128,
    timeout: float = 30,
    python: str = "",
    architecture: Literal["x86_64", "arm64", "multi"] = "x86_64",
    idempotent: bool = False,
    group: str = "",
    env: Mapping[str, str] = {},
    calls: Sequence[str] = (),
) -> None:
    """Run this function on Fn, in a container that takes one call at a time.

    `app` is the Fn application that it belongs to, the project's name unless it is given. `memory` is in MB: 1 to 8192,
    on Oracle Functions one of 128, 256, 512, 1024, 2048 and 3072; `timeout` in seconds, at most 300; `python` a version
    such as "3.12"; `architecture` "multi" makes one image for both. `idempotent` says that running it twice does no
    harm. Functions of one `group` share an artifact. `env` is its configuration, never secrets. `calls` names what it
    calls where reading cannot tell.
    """


oracle = Platform(fn.accepts, "oracle")
