"""Microsoft Azure: Azure Functions."""

from __future__ import annotations

from hyfn.declare import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal


@platform
def azure(
    *,
    name: str = "",
    region: str = "",
    resource_group: str = "",
    memory: Literal[512, 2048, 4096] = 2048,
    timeout: float = 60,
    python: str = "",
    auth_level: Literal["function", "anonymous"] = "function",
    idempotent: bool = False,
    group: str = "",
    env: Mapping[str, str] = {},
    calls: Sequence[str] = (),
) -> None:
    """Run this function on Azure Functions, in the Flex Consumption plan.

    `region` and `resource_group` say where it is shipped. `memory` is an instance's, in MB; `timeout` in seconds, at
    most 230: its front end waits no longer; `python` a version such as "3.13". `auth_level` says whether Azure asks
    callers for a function key; hyfn checks each call in either case. `idempotent` says that running it twice does no
    harm. Functions of one `group` share an artifact. `env` are plain environment variables, never secrets. `calls`
    names functions that it calls where reading cannot tell.
    """
