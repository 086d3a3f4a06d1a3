"""Manifests for Knative and OpenShift: what of them Knative and Kubernetes would refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hyfn.clouds.knative.pack import packer
from hyfn.model import FunctionSpec, Place, Signature, Target
from tests.kubernetes_objects import knative_problems

pytestmark = pytest.mark.runtime

PLACE = Place("app.py", 3)
OPTIONS: list[dict[str, Any]] = [
    {},
    {"runtime": "func", "namespace": "shop", "env": {"A": "1"}},
    {"min_instances": 1, "max_instances": 3, "concurrency": 80, "timeout": 0.5 + 1, "cpu": 0.5, "memory": 0},
]


def manifest(platform: str, options: Mapping[str, Any]) -> dict[str, Any]:
    target = Target("knative", platform, options, PLACE)
    function = FunctionSpec("app:settle", "app", "settle", PLACE, Signature((), None), None, False, (target,))
    [service] = packer.manifest(function, target, "settle", "ghcr.io/acme/settle:1")["items"]
    assert isinstance(service, dict)
    return service


@pytest.mark.parametrize("platform", ["knative", "openshift"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_knative_takes_a_manifest_as_it_is(platform: str, options: dict[str, Any]) -> None:
    assert knative_problems(manifest(platform, options)) == []


def _set(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda revision: revision.update({name: value})


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_set("containerConcurrency", -1), "containerConcurrency is -1"),
        (_set("timeoutSeconds", 6000), "timeoutSeconds is 6000"),
        (_set("nodeSelector", {"a": "b"}), "spec.template.spec.nodeSelector is unknown"),
        (lambda revision: revision["containers"][0].update(memory=1), "container.memory is unknown"),
        (lambda revision: revision["containers"][0].update(image=1), "1 is not of type 'string'"),
        (lambda revision: revision["volumes"].append({"name": "tmp", "emptyDir": {}}), "volume.emptyDir is unknown"),
    ],
    ids=str,
)
def test_what_knative_would_refuse_is_seen(spoil: Callable[[dict[str, Any]], None], said: str) -> None:
    service = manifest("knative", {})
    spoil(service["spec"]["template"]["spec"])
    assert said in "\n".join(knative_problems(service))
