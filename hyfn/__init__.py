"""One Python application whose functions live on several serverless platforms. The public names, nothing else."""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hyfn.clouds.aws import aws
