"""Kubernetes' options, names, manifest and answers, without starting anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from hyfn.clouds.kubernetes import host, kubernetes
from hyfn.clouds.kubernetes.call import caller
from hyfn.clouds.kubernetes.pack import packer
from hyfn.errors import NOT_EXECUTED, UNKNOWN, CallError, NoSuchFunction, OutcomeUnknown, Overloaded, Unavailable
from hyfn.host import container
from hyfn.model import FunctionSpec, Place, Signature, Target
from hyfn.wire.carrier import Endpoint, Response
from hyfn.wire.frame import CONTENT_TYPE

PLACE = Place("app.py", 3)
IMAGE = f"ghcr.io/acme/settle@sha256:{'0' * 64}"
NGINX = (
    b"<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>\r\n<hr><center>nginx</center>"
)
HAPROXY = (
    b"<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n"
)


def target(**options: Any) -> Target:
    return Target("kubernetes", "kubernetes", options, PLACE)


def function() -> FunctionSpec:
    return FunctionSpec("app:settle", "app", "settle", PLACE, Signature((), None), None, False, (target(),))


def objects(**options: Any) -> Mapping[str, Any]:
    """Those of the manifest, by kind."""
    document = packer.manifest(function(), target(**options), "settle", IMAGE)
    assert (document["apiVersion"], document["kind"]) == ("v1", "List")
    return {each["kind"]: each for each in document["items"]}


def pod(**options: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = objects(**options)["Deployment"]["spec"]["template"]["spec"]
    return found


def only(**options: Any) -> Mapping[str, Any]:
    """The container of the pod."""
    [found] = pod(**options)["containers"]
    return dict(found)


def test_it_is_a_cloud_by_itself() -> None:
    assert (kubernetes.cloud, kubernetes.name) == ("kubernetes", "kubernetes")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"timeout": 3600, "memory": 4096, "cpu": 0.5, "min_instances": 1, "max_instances": 3},
        {"name": "settle", "namespace": "0shop", "python": "3.12", "architecture": "multi"},
        {"min_instances": 3, "max_instances": 0},
        {"virtual_node": True},
        {"virtual_node": True, "virtual_provider": "aci"},
    ],
)
def test_what_kubernetes_takes_is_no_problem(options: dict[str, Any]) -> None:
    assert list(packer.check(function(), target(**options))) == []


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": "60"},
        {"memory": -1},
        {"cpu": -0.5},
        {"min_instances": 0},
        {"min_instances": 3, "max_instances": 2},
        {"name": "Settle"},
        {"name": "a" * 64},
        {"name": "9lives"},
        {"namespace": "my shop"},
        {"python": "3.9"},
        {"architecture": "s390x"},
        {"virtual_node": True, "virtual_provider": "fargate"},
        {"virtual_provider": "aci"},
    ],
    ids=str,
)
def test_what_kubernetes_refuses_is_a_problem_at_its_line(options: dict[str, Any]) -> None:
    [problem] = packer.check(function(), target(**options))
    assert (problem.level, problem.place) == ("error", PLACE)
    assert problem.hint


def test_a_derived_name_is_one_that_a_service_may_have() -> None:
    long = FunctionSpec("app:Settle_It", "app", "S" * 90, PLACE, Signature((), None), None, False, ())
    name = packer.platform_name("9 Apps", "prod", long, target())
    assert list(packer.check(function(), target(name=name))) == []
    assert packer.platform_name("9 Apps", "prod", long, target(name="mine")) == "mine"


def test_all_objects_find_each_other_by_the_functions_name() -> None:
    found = objects(namespace="shop", max_instances=4)
    assert {(each["metadata"]["name"], each["metadata"]["namespace"]) for each in found.values()} == {
        ("settle", "shop")
    }
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (found["Deployment"]["spec"]["selector"]["matchLabels"], found["Service"]["spec"]["selector"]):
        assert selector.items() <= labels.items()
    assert found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "settle"


def test_without_a_namespace_it_goes_where_its_user_is() -> None:
    assert "namespace" not in json.dumps(objects())


def test_the_service_leads_to_the_port_of_the_container() -> None:
    [port] = objects()["Service"]["spec"]["ports"]
    [listening] = only()["ports"]
    assert (port["port"], port["targetPort"]) == (80, listening["containerPort"])


@pytest.mark.parametrize(("fewest", "most", "replicas"), [(2, 0, 2), (2, 2, 2), (1, 3, None)])
def test_either_the_deployment_says_how_many_there_are_or_the_autoscaler(
    fewest: int, most: int, replicas: int | None
) -> None:
    found = objects(min_instances=fewest, max_instances=most)
    assert found["Deployment"]["spec"].get("replicas") == replicas
    scaler = found.get("HorizontalPodAutoscaler", {"spec": {}})["spec"]
    assert (scaler.get("minReplicas"), scaler.get("maxReplicas")) == ((None, None) if replicas else (fewest, most))


def test_a_share_of_cpu_is_asked_for_where_none_is_given() -> None:
    assert only()["resources"] == {
        "requests": {"cpu": "100m", "memory": "256Mi"},
        "limits": {"memory": "256Mi"},
    }
    assert only(cpu=0.25, memory=0)["resources"] == {"requests": {"cpu": "250m"}, "limits": {"cpu": "250m"}}


def test_a_pod_has_few_rights() -> None:
    security = only()["securityContext"]
    assert (security["runAsNonRoot"], security["readOnlyRootFilesystem"]) == (True, True)
    assert "runAsUser" not in security
    assert pod()["automountServiceAccountToken"] is False


def test_the_only_folder_to_write_to_is_tmp() -> None:
    mounts = {each["mountPath"]: each.get("readOnly", False) for each in only()["volumeMounts"]}
    assert mounts == {"/etc/hyfn": True, "/tmp": False}


def test_a_pod_has_its_hosts_grace_and_more() -> None:
    assert pod()["terminationGracePeriodSeconds"] > container.GRACE


def test_the_wiring_is_in_a_secret_that_is_named_and_not_held() -> None:
    [volume] = [each for each in pod()["volumes"] if "secret" in each]
    assert volume["secret"]["secretName"] == "settle"
    assert {"name": "HYFN_WIRING", "value": "/etc/hyfn/wiring.json"} in only()["env"]
    assert "Secret" not in objects()


def test_variables_come_as_they_are_written() -> None:
    env = {
        each["name"]: each["value"] for each in only(env={"A": "$(HYFN_WIRING)", "B": "a $5 note", "C": "$$"})["env"]
    }
    assert (env["A"], env["B"], env["C"]) == ("$$(HYFN_WIRING)", "a $5 note", "$$$$")
    assert [each["name"] for each in only(env={"Z": "", "A": ""})["env"]] == ["A", "HYFN_HOST", "HYFN_WIRING", "Z"]


def test_an_image_runs_on_the_processor_that_it_is_for() -> None:
    assert pod()["nodeSelector"] == {"kubernetes.io/arch": "amd64"}
    assert pod(architecture="arm64")["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
    assert "nodeSelector" not in pod(architecture="multi")


ACI = {
    "labels": {"type": "virtual-kubelet", "kubernetes.io/role": "agent", "kubernetes.io/os": "linux"},
    "taints": [("virtual-kubelet.io/provider", "azure", "NoSchedule"), ("azure.com/aci", "", "NoSchedule")],
}
ACK = {"labels": {"type": "virtual-kubelet"}, "taints": [("virtual-kubelet.io/provider", "alibabacloud", "NoSchedule")]}
VNODE = {"labels": {"k8s.aliyun.com/vnode": "true"}, "taints": [("k8s.aliyun.com/vnode", "true", "NoSchedule")]}
INTERLINK = {
    "labels": {"virtual-node.interlink/type": "virtual-kubelet", "kubernetes.io/os": "virtual-kubelet"},
    "taints": [("virtual-node.interlink/no-schedule", "true", "NoSchedule")],
}
PLAIN = {"labels": {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}, "taints": []}
NODES: Mapping[str, Mapping[str, Any]] = {
    "aci": ACI,
    "ack": ACK,
    "vnode": VNODE,
    "interlink": INTERLINK,
    "plain": PLAIN,
}
"""As their providers say that they are (see hyfn/clouds/kubernetes/virtual.py)."""


@pytest.mark.parametrize(
    ("options", "there"),
    [
        ({}, {"plain"}),
        ({"virtual_node": True}, {"aci", "ack", "vnode", "interlink"}),
        ({"virtual_node": True, "virtual_provider": "aci"}, {"aci"}),
        ({"virtual_node": True, "virtual_provider": "eci"}, {"ack", "vnode"}),
        ({"virtual_node": True, "virtual_provider": "interlink"}, {"interlink"}),
    ],
    ids=str,
)
def test_a_pod_runs_on_the_nodes_that_are_meant_and_on_no_others(options: dict[str, Any], there: set[str]) -> None:
    found = pod(**options)
    assert {name for name, node in NODES.items() if _is_taken(found, node)} == there


def _is_taken(pod: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    """By the scheduler's rules: every label of the selector, or all of one of its terms, and every taint tolerated."""
    terms = [pod.get("nodeSelector", {}).items()]
    if "affinity" in pod:
        required = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        terms = [
            {each["key"]: each["values"][0] for each in term["matchExpressions"]}.items()
            for term in required["nodeSelectorTerms"]
        ]
    is_meant = any(term <= node["labels"].items() for term in terms)
    return is_meant and all(_is_tolerated(taint, pod.get("tolerations", [])) for taint in node["taints"])


def _is_tolerated(taint: tuple[str, str, str], tolerations: list[Mapping[str, str]]) -> bool:
    key, value, effect = taint
    return any(
        each["key"] == key
        and each.get("effect", effect) == effect
        and (each["operator"] == "Exists" or each["value"] == value)
        for each in tolerations
    )


@pytest.mark.parametrize(
    ("status", "kind", "body", "error", "executed"),
    [
        (503, "text/html", NGINX % ((b"503 Service Temporarily Unavailable",) * 2), Unavailable, NOT_EXECUTED),
        (503, "text/html", HAPROXY, Unavailable, NOT_EXECUTED),
        (503, "text/plain; charset=utf-8", b"no available server\n", Unavailable, NOT_EXECUTED),
        (503, "text/plain", b"no healthy upstream", Unavailable, NOT_EXECUTED),
        (404, "text/plain", b"default backend - 404", NoSuchFunction, NOT_EXECUTED),
        (503, "text/plain", b"OVERLOADED", Overloaded, NOT_EXECUTED),
        (502, "text/html", NGINX % ((b"502 Bad Gateway",) * 2), OutcomeUnknown, UNKNOWN),
        (504, "text/html", NGINX % ((b"504 Gateway Time-out",) * 2), OutcomeUnknown, UNKNOWN),
        (503, "text/plain", b"upstream connect error or disconnect/reset before headers", OutcomeUnknown, UNKNOWN),
        (503, "application/json", b"no available server", OutcomeUnknown, UNKNOWN),
        (500, "text/plain", b"no available server", OutcomeUnknown, UNKNOWN),
    ],
    ids=str,
)
def test_an_answer_of_an_ingress_tells_what_ran(
    status: int, kind: str, body: bytes, error: type[CallError], executed: int
) -> None:
    with pytest.raises(error) as raised:
        caller.reply(Response(status, {"content-type": kind}, body))
    assert (type(raised.value), raised.value.executed) == (error, executed)


def test_a_reply_comes_back_whatever_its_status() -> None:
    sealed = b"no available server is what this frame happens to begin with"
    assert caller.reply(Response(503, {"content-type": CONTENT_TYPE}, sealed)) == sealed


def test_a_request_goes_to_the_endpoint_as_it_is() -> None:
    request = caller.request(Endpoint("kubernetes", "app:settle", "https://settle.example.com/"), b"frame")
    assert (request.method, request.url, request.body) == ("POST", "https://settle.example.com/", b"frame")


@pytest.mark.parametrize(
    ("environ", "address"), [({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "0.0.0.0"), ({}, "127.0.0.1")]
)
def test_it_listens_to_others_in_a_cluster_only(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], address: str
) -> None:
    told: list[str] = []
    monkeypatch.setattr(container, "main", told.append)
    monkeypatch.setattr(host, "environ", environ)
    host.main()
    assert told == [address]
