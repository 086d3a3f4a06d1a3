"""Google Cloud: Cloud Run functions."""

from __future__ import annotations

from hyfn.declare import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@platform
def gcp(
    *,
    name: str = "",
    region: str = "",
    project: str = "",
    memory: int = 256,
    timeout: float = 60,
    python: str = "",
    min_instances: int = 0,
    max_instances: int = 100,
    concurrency: int = 1,
    idempotent: bool = False,
    group: str = "",
    env: Mapping[str, str] = {},
    calls: Sequence[str] = (),
) -> None:
    """Run this function on Google Cloud Run functions.

    `project` is the id of the Google Cloud project to ship to; without it GOOGLE_CLOUD_PROJECT or the credentials say.
    `memory` is in MiB, 128 to 32768; `timeout` in seconds, at most 3600; `python` a version such as "3.13". One
    instance runs `concurrency` calls at a time, each in a thread. `idempotent` says that running it twice does no harm.
    Functions of one `group` share an artifact. `env` are plain environment variables, never secrets. `calls` names what
    it calls where reading cannot tell.
    """
