"""Apache OpenWhisk, and IBM's hosted descendant of it (Code Engine functions) as a profile."""

from __future__ import annotations

from hyfn.declare import Platform, platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@platform
def openwhisk(
    *,
    name: str = "",
    namespace: str = "",
    package: str = "",
    memory: int = 256,
    timeout: float = 60,
    python: str = "",
    web: bool = False,
    idempotent: bool = False,
    group: str = "",
    env: Mapping[str, str] = {},
    calls: Sequence[str] = (),
) -> None:
    """Run this function on Apache OpenWhisk.

    `memory` is in MB, 128 to 512; `timeout` in seconds, 0.1 to 300, of which OpenWhisk lets a caller wait for 60;
    `python` a version such as "3.12". `web` makes it a raw web action, which is then called by its public URL instead
    of the API with a key. `idempotent` says that running it twice does no harm. Functions of one `group` share an
    artifact. `env` are plain environment variables, never secrets. `calls` names what it calls where reading cannot
    tell.

    With @ibm the function runs on IBM Cloud Code Engine, which took the place of IBM's hosted OpenWhisk: `memory` is
    1024, 2048 or 4096, `timeout` at most 120; it always has a URL, and neither namespace nor package.
    """


ibm = Platform(openwhisk.accepts, "ibm")
