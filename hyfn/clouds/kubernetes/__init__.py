"""Kubernetes without Knative: a plain Deployment and Service, also on nodes that a Virtual Kubelet provides."""

from __future__ import annotations

from hyfn.declare import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal


@platform
def kubernetes(
    *,
    name: str = "",
    namespace: str = "",
    context: str = "",
    memory: int = 256,
    cpu: float = 0,
    timeout: float = 60,
    python: str = "",
    architecture: Literal["x86_64", "arm64", "multi"] = "x86_64",
    min_instances: int = 1,
    max_instances: int = 0,
    virtual_node: bool = False,
    virtual_provider: Literal["any", "aci", "eci", "interlink"] = "any",
    idempotent: bool = False,
    group: str = "",
    env: Mapping[str, str] = {},
    calls: Sequence[str] = (),
) -> None:
    """Run this function on Kubernetes, in whatever cluster.

    `context` is the one of kubeconfig that `hyfn ship` goes to, "" for the current one. `memory` is in MiB, 0 for no
    limit; `cpu` in cores, where 0 asks for a tenth of one and sets no limit; `timeout` in seconds, for a caller to
    wait: the cluster itself ends no call. `python` is a version such as "3.13"; `architecture` "multi" makes one image
    for both. Between `min_instances` (at least 1) and a larger `max_instances` the cluster's autoscaler chooses, by the
    CPU that is used. With `virtual_node` it runs on nodes that a Virtual Kubelet provides and on no others:
    `virtual_provider` "aci" for Azure Container Instances, "eci" for Alibaba's Elastic Container Instances, "interlink"
    for interLink, "any" for whichever is there. `idempotent` says that running it twice does no harm. Functions of one
    `group` share an artifact. `env` are plain environment variables, never secrets. `calls` names what it calls where
    reading cannot tell.
    """
