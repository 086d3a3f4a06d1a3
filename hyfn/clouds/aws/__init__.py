"""Amazon Web Services: AWS Lambda."""

from __future__ import annotations

from hyfn.declare import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
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
    idempotent: bool = False,
    calls: Sequence[str] = (),
) -> None:
    """Run this function on AWS Lambda."""
