"""Knative Serving, and OpenShift Serverless as a profile of it."""

from __future__ import annotations

from hyfn.declare import Platform, platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal


@platform
def knative(
    *,
    name: str = "",
    namespace: str = "",
    context: str = "",
    memory: int = 256,
    cpu: float = 0,
    timeout: float = 60,
    python: str = "",
    architecture: Literal["x86_64", "arm64", "multi"] = "x86_64",
    runtime: Literal["hyfn", "func"] = "hyfn",
    min_instances: int = 0,
    max_instances: int = 0,
    concurrency: int = 0,
    idempotent: bool = False,
    group: str = "",
    env: Mapping[str, str] = {},
    calls: Sequence[str] = (),
) -> None:
    """Run this function on Knative Serving, in one's own cluster.

    `context` is the one of kubeconfig that `hyfn ship` goes to, "" for the current one. `memory` is in MiB and `cpu` in
    cores, 0 for no limit; `timeout` in seconds, at most 600; `python` a version such as "3.13"; `architecture` "multi"
    makes one image for both. Of `max_instances` and `concurrency` (calls at a time in one instance) 0 leaves it to the
    cluster. `runtime` "hyfn" is hyfn's own small HTTP host, "func" Knative's func-python. `idempotent` says that
    running it twice does no harm. Functions of one `group` share an artifact. `env` are plain environment variables,
    never secrets. `calls` names what it calls where reading cannot tell.
    """


openshift = Platform(knative.accepts, "openshift")
