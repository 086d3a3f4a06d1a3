"""Nodes that a Virtual Kubelet provides: which labels each provider's have, and which taints keep other pods away.

Virtual Kubelet's own command labels a node `type=virtual-kubelet` and taints it `virtual-kubelet.io/provider` with the
provider's name (internal/commands/root/node.go and opts/opts.go in virtual-kubelet/node-cli); providers that do not use
it have labels of their own. What a provider cannot do it passes over: Azure's has no probes of its own in some versions
(README.md in virtual-kubelet/azure-aci, "Limitations").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hyfn.pack import pods

PROVIDER = "virtual-kubelet.io/provider"
KUBELET = {"type": "virtual-kubelet"}


@dataclass(frozen=True, slots=True)
class Profile:
    """`labels` are the sets of labels that such nodes may have, one for each way to set them up."""

    labels: Sequence[Mapping[str, str]]
    tolerations: Sequence[pods.Json]


def _tolerated(key: str, value: str = "", effect: str = "NoSchedule") -> pods.Json:
    """The taint `key`, with that value or with whatever value."""
    found = {"key": key, "operator": "Equal", "value": value} if value else {"key": key, "operator": "Exists"}
    return {**found, "effect": effect} if effect else found


ACI = Profile(
    [{"kubernetes.io/role": "agent", "kubernetes.io/os": "linux", **KUBELET}],
    [_tolerated(PROVIDER, effect=""), _tolerated("azure.com/aci")],
)
"""https://learn.microsoft.com/azure/aks/virtual-nodes-cli, with the stable label of the operating system, which such a
node has as well (node-cli). `azure.com/aci` is the taint of older nodes (Azure/aks-engine, the ACI connector)."""
ECI = Profile(
    [KUBELET, {"k8s.aliyun.com/vnode": "true"}],
    [_tolerated(PROVIDER, "alibabacloud"), _tolerated("k8s.aliyun.com/vnode", "true")],
)
"""Virtual nodes of ACK: https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/configure-eci-scaling
VNodes of a cluster of one's own: https://help.aliyun.com/en/eci/user-guide/schedule-pods-to-a-vnode"""
INTERLINK = Profile(
    [{"virtual-node.interlink/type": "virtual-kubelet"}],
    [_tolerated("virtual-node.interlink/no-schedule")],
)
"""The node that interLink's provider makes of itself (`lbls` and `taints` in pkg/virtualkubelet/virtualkubelet.go of
interlink-hq/interLink)."""
ANY = Profile(
    [KUBELET, *ECI.labels[1:], *INTERLINK.labels],
    [_tolerated(PROVIDER, effect=""), *ACI.tolerations[1:], *ECI.tolerations[1:], *INTERLINK.tolerations],
)
PROFILES: Mapping[str, Profile] = {"any": ANY, "aci": ACI, "eci": ECI, "interlink": INTERLINK}
