"""Amazon Web Services: AWS Lambda."""

from __future__ import annotations

from hyfn.declare import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal


@platform
def aws(
    *,
    name: str = "",
    region: str = "",
    memory: int = 128,
    timeout: float = 60,
    python: str = "",
    architecture: Literal["x86_64", "arm64"] = "x86_64",
    package: Literal["zip", "image"] = "zip",
    url: bool = False,
    idempotent: bool = False,
    group: str = "",
    env: Mapping[str, str] = {},
    calls: Sequence[str] = (),
) -> None:
    """Run this function on AWS Lambda.

    `memory` is in MB, 128 to 10240; `timeout` in seconds, at most 900; `python` a version such as "3.13". `package`
    "image" makes a container image, for what is larger than a zip may be. `url` gives it a function URL, by which it is
    then called, instead of the Invoke API. `idempotent` says that running it twice does no harm. Functions of one
    `group` share an artifact. `env` are plain environment variables, never secrets. `calls` names what it calls where
    reading cannot tell.
    """
