"""What Kubernetes' own schemas say of objects, by PyPI's kubernetes-validate in an environment of its own."""

from __future__ import annotations

import atexit
import functools
import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from hyfn.errors import MachineError
from hyfn.toolchain import environments
from tests.registry import lacking

VALIDATOR = "kubernetes-validate==1.37.0"
"""108 MB: too much for everybody who tests hyfn, and only its schemas matter."""
RELEASES = ("1.30", "1.37")
PROGRAM = """
import json, sys
import kubernetes_validate

for line in sys.stdin:
    release, *objects = json.loads(line)
    said = []
    for each in objects:
        try:
            kubernetes_validate.validate(each, release, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(map(str, error.path))
            said.append(f"{each['kind']} {path} {error.message.splitlines()[0]}")
    print(json.dumps(said), flush=True)
"""
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def problems(objects: Sequence[Mapping[str, Any]], release: str) -> list[str]:
    """What that release of Kubernetes would refuse: wrong types, missing and unknown fields. Skips at home where the
    schemas cannot be had, fails on CI."""
    with _ASKING:
        process = validator()
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps([release, *objects]) + "\n")
        process.stdin.flush()
        said: list[str] = json.loads(process.stdout.readline())
    return said


_ASKING = threading.Lock()


@functools.cache
def validator() -> subprocess.Popen[str]:
    """One for the whole run of tests: it takes a while to start. Skips at home where the schemas cannot be had."""
    process = subprocess.Popen([_python(), "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end() -> None:
        with process:
            assert process.stdin
            process.stdin.close()

    atexit.register(end)
    return process


def _python() -> str:
    try:
        found = environments.environment("kubernetes-validate", [VALIDATOR], PYTHON, lambda _: None)
    except MachineError as error:
        lacking(str(error))
        pytest.fail("unreachable")
    return str(found.python)


KNATIVE: Mapping[str, frozenset[str]] = {
    "": frozenset({"apiVersion", "kind", "metadata", "spec"}),
    "spec": frozenset({"template", "traffic"}),
    "spec.template": frozenset({"metadata", "spec"}),
    "spec.template.metadata": frozenset({"annotations", "labels", "name"}),
    "spec.template.spec": frozenset(
        {
            *("containerConcurrency", "timeoutSeconds", "responseStartTimeoutSeconds", "idleTimeoutSeconds"),
            *("containers", "volumes", "serviceAccountName", "imagePullSecrets", "enableServiceLinks"),
        }
    ),
}
"""The fields of a Service of serving.knative.dev/v1 that no cluster has to be told to allow: ServiceSpec, RevisionSpec
and PodSpecMask in pkg/apis/serving of knative/serving."""
CONTAINER = frozenset(
    {
        *("name", "args", "command", "env", "workingDir", "envFrom", "image", "imagePullPolicy", "livenessProbe"),
        *("ports", "readinessProbe", "startupProbe", "resources", "securityContext", "terminationMessagePath"),
        *("terminationMessagePolicy", "volumeMounts"),
    }
)
"""ContainerMask there."""
SECURITY = frozenset(
    {
        *("capabilities", "readOnlyRootFilesystem", "runAsUser", "runAsGroup", "runAsNonRoot"),
        *("allowPrivilegeEscalation", "seccompProfile"),
    }
)
"""securityContext of a container in config/core/300-resources/service.yaml there."""
SOURCES = frozenset({"secret", "configMap", "projected", "name"})
OWN = ("containerConcurrency", "timeoutSeconds", "responseStartTimeoutSeconds", "idleTimeoutSeconds")
"""Fields of a revision that no pod has."""


def knative_problems(service: Mapping[str, Any]) -> list[str]:
    """What Knative would refuse of a Service: fields that it does not know or has switched off, and figures out of the
    range of config-defaults; the rest of its pod is asked of Kubernetes' schema. Our own check, written from the names
    above: Knative's webhook runs only in a cluster."""
    revision = service["spec"]["template"]["spec"]
    pod = {name: value for name, value in revision.items() if name not in OWN}
    kubernetes = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod}
    return [*_unknown(service), *_out_of_range(revision), *problems([kubernetes], RELEASES[-1])]


def _unknown(service: Mapping[str, Any]) -> list[str]:
    said = []
    for path, known in KNATIVE.items():
        found: Any = service
        for part in path.split(".") if path else ():
            found = found.get(part, {})
        said += [f"{path}.{name} is unknown" for name in found.keys() - known]
    revision = service["spec"]["template"]["spec"]
    for container in revision["containers"]:
        said += [f"container.{name} is unknown" for name in container.keys() - CONTAINER]
        said += [f"securityContext.{name} is unknown" for name in container["securityContext"].keys() - SECURITY]
    return said + [f"volume.{name} is unknown" for each in revision["volumes"] for name in each.keys() - SOURCES]


def _out_of_range(revision: Mapping[str, Any]) -> list[str]:
    ranges = {"containerConcurrency": (0, 1000), "timeoutSeconds": (1, 600)}
    return [
        f"{name} is {revision[name]!r}"
        for name, (least, most) in ranges.items()
        if name in revision and not (type(revision[name]) is int and least <= revision[name] <= most)
    ]
