"""Alibaba Cloud: Function Compute 3.0, in its custom runtime."""

from __future__ import annotations

from hyfn.declare import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@platform
def alibaba(
    *,
    name: str = "",
    region: str = "",
    memory: int = 256,
    cpu: float = 0,
    timeout: float = 60,
    python: str = "",
    concurrency: int = 1,
    url: bool = False,
    idempotent: bool = False,
    group: str = "",
    env: Mapping[str, str] = {},
    calls: Sequence[str] = (),
) -> None:
    """Run this function on Alibaba Cloud's Function Compute.

    `memory` is in MB, 128 to 32768 in steps of 64; `cpu` in vCPUs, 0.05 to 16 in steps of 0.05 and one for every 1 to 4
    GB, 0 for the platform's own choice; `timeout` in seconds, at most 86400; `python` "3.11" or "3.12". One instance
    runs `concurrency` calls at a time, at most 200, each in a thread. `url` gives it an HTTP trigger, by which it is
    then called, instead of the InvokeFunction API. `idempotent` says that running it twice does no harm. Functions of
    one `group` share an artifact. `env` are plain environment variables, never secrets. `calls` names what it calls
    where reading cannot tell.
    """
