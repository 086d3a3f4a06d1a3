"""Artifacts for Knative: an image with everything that the function needs under /app."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hyfn.clouds.knative import eventing
from hyfn.errors import BuildError
from hyfn.model import Container, FunctionSpec, Limits, Offer, Problem, Runtime, Staged, Target, Tree
from hyfn.pack import contained, naming, pods

HOST = "hyfn.clouds.knative.host"
"""The container runs `python3 -m` this, in /app."""
FUNC_MODULE = "function"
"""The package in which func-python's scaffolding looks for `new`."""
FUNC = f'"""What Knative\'s func-python serves."""\n\nfrom {HOST} import new\n\n__all__ = ["new"]\n'
SCAFFOLD = f"from func_python.http import serve; from {FUNC_MODULE} import new; serve(new)"
"""What func's own build starts."""
READINESS = "/health/readiness"
"""Both hosts answer it."""
PYTHONS = contained.PYTHONS
RUNTIMES = ("hyfn", "func")
OFFERED = {**contained.OFFERED, "runtime": RUNTIMES}
MEMORY, TIMEOUT = 256, 60
LIMITS: contained.Ranges = {
    "memory": (0, 1024 * 1024, "MiB of memory"),
    "cpu": (0, 1024, "cores"),
    "timeout": (1, 600, "seconds for a call"),
    "min_instances": (0, 1000, "instances kept ready"),
    "max_instances": (0, 1000, "instances"),
    "concurrency": (0, 1000, "calls at a time in one instance"),
}
"""600 is max-revision-timeout-seconds and 1000 container-concurrency-max-limit in Knative's config-defaults.
OpenShift's routes wait as long: the operator gives them that very figure (ingress/resources/route.go
in openshift-knative/serverless-operator)."""
RESERVED = ("K_SERVICE", "K_CONFIGURATION", "K_REVISION", "PORT")
"""Those that a revision is refused for (reservedEnvVars in knative.dev/serving/pkg/apis/serving/k8s_validation.go)."""
SCALES = {"min_instances": "autoscaling.knative.dev/min-scale", "max_instances": "autoscaling.knative.dev/max-scale"}
"""https://knative.dev/docs/serving/autoscaling/scale-bounds/"""

OPENSHIFT = "openshift"
IN_ROOT_GROUP = "65532:0"
"""OpenShift runs every image by a high number of its project's own, in the group 0, whatever user the image names; it
asks that this be a number nonetheless, by which it sees that the image wants no root. With that group an image has on
other machines just the rights that it has there. It never writes to its own files, so that none has to be that group's.
https://docs.openshift.com/container-platform/4.11/openshift_images/create-images.html"""
REDIRECTED = {"networking.knative.dev/http-protocol": "redirected"}
"""OpenShift's route for a service takes plain HTTP too, unless it is told to send it on to HTTPS.
https://docs.openshift.com/serverless/1.34/knative-serving/http-configuration/https-redirect-per-service.html"""
MAX_DERIVED = 50
"""Of a name that nobody gave: `hyfn ship` names revisions by it and 13 letters more, which are a DNS label too."""
MAX_UNPLACED = 40
"""Of a name on OpenShift whose namespace is not known yet, which then has 22 letters left."""
NOT_A_PROJECT = re.compile(r"(openshift|kube)-.*|default|openshift")
"""Where OpenShift hosts its own components: https://docs.okd.io/latest/applications/projects/working-with-projects.html"""


class KnativePacker:
    def runtimes(self, target: Target) -> Sequence[Runtime]:
        """Options that `check` refuses give a runtime nonetheless, of the default kind."""
        return contained.runtimes(target)

    def check(self, function: FunctionSpec, target: Target) -> Iterable[Problem]:
        """What Knative would refuse, each with the limit and what was given; on OpenShift what is refused there."""
        advice = f"it is an option of @{target.platform} on {function.qualname}"
        for said in (*contained.wrong(target, "Knative", LIMITS, OFFERED), *_crossed(target)):
            yield Problem("error", said, target.place, advice)
        for said, mending in (*contained.misnamed(target.options, "Knative"), *_misplaced(target)):
            yield Problem("error", said, target.place, mending)
        yield from eventing.problems(function)

    def limits(self, target: Target) -> Limits:
        """A cluster has no limit of an image's size, and it brings its own Python."""
        return Limits("OpenShift Serverless" if is_openshift(target) else "Knative", reserved=RESERVED)

    def platform_name(self, app: str, stage: str, function: FunctionSpec, target: Target) -> str:
        """`name=`, or one derived from app, stage and function: the same on every machine."""
        return str(target.options.get("name") or naming.derived(app, stage, function.name, _longest(target)))

    def tree(self, staged: Staged) -> Tree:
        """Raises BuildError where the code has func's own name for itself."""
        files = {**staged.own, **staged.code}
        if is_func(staged.target):
            _refuse_shadowed(staged)
            files[f"{FUNC_MODULE}/__init__.py"] = FUNC.encode()
        return Tree(files)

    def container(self, target: Target) -> Container | None:
        """With runtime="func" it stands on no base by itself: func-python must be in the one that is named."""
        user = IN_ROOT_GROUP if is_openshift(target) else contained.NOBODY
        if is_func(target):
            return Container(contained.ROOT, "", ["python3", "-c", SCAFFOLD], [], {}, user, contained.PORT)
        return contained.container(target, HOST, user)

    def roots(self, unpacked: Path) -> list[Path]:
        return contained.roots(unpacked)

    def provided(self, target: Target) -> Sequence[str]:
        """What func's own build puts into its image."""
        return ("func-python",) if is_func(target) else ()

    def entry(self, target: Target) -> str:
        """As the container's process does, but for listening."""
        return f"from {FUNC_MODULE if is_func(target) else HOST} import new; new()"

    def manifest(self, function: FunctionSpec, target: Target, name: str, image: str) -> Mapping[str, Any]:
        """A Service of serving.knative.dev/v1, for `kubectl apply` and `oc apply`; for triggers a second one, which is
        private and takes events alone, and the objects of Knative Eventing that send to it.

        It names no user, so that OpenShift can choose one, and nothing that a cluster has to be told to allow first: no
        node, no volume but a Secret (docs.knative.dev, "Feature and extension flags"). On OpenShift plain HTTP is sent
        on to HTTPS; the route there waits as long as any timeout that is taken here.
        """
        annotations = REDIRECTED if is_openshift(target) else None
        service = {
            "apiVersion": "serving.knative.dev/v1",
            "kind": "Service",
            "metadata": pods.metadata(name, target, annotations),
            "spec": {"template": _revision(target, name, image)},
        }
        if not eventing.waiting(function):
            return pods.listed(service)
        private = pods.for_events(name)
        return pods.listed(service, eventing.private(service, private), *eventing.sources(function, target, private))

    def offers(self, target: Target) -> Mapping[str, Offer]:  # noqa: ARG002
        return eventing.OFFERS


packer = KnativePacker()


def is_func(target: Target) -> bool:
    return target.options.get("runtime") == "func"


def is_openshift(target: Target) -> bool:
    return target.platform == OPENSHIFT


def _crossed(target: Target) -> Iterator[str]:
    fewest, most = target.options.get("min_instances", 0), target.options.get("max_instances", 0)
    if 0 < most < fewest:
        yield f"min_instances={fewest} is more than max_instances={most}"


def _longest(target: Target) -> int:
    """Of a derived name. On OpenShift it is one label of the host's name together with the namespace, for the router's
    wildcard certificate covers just one (DefaultDomainTemplate in openshift-knative/serverless-operator)."""
    if not is_openshift(target):
        return MAX_DERIVED
    namespace = str(target.options.get("namespace") or "")
    # Longer namespaces leave no room for the digest that tells functions apart: `check` refuses them.
    left = max(contained.MAX_LABEL - 1 - len(namespace), 16)
    return min(left, MAX_DERIVED) if namespace else MAX_UNPLACED


def _misplaced(target: Target) -> Iterator[tuple[str, str]]:
    """What is wrong with the name and the namespace on OpenShift, and how to mend it."""
    name, namespace = (str(target.options.get(option) or "") for option in ("name", "namespace"))
    if not is_openshift(target):
        return
    if NOT_A_PROJECT.fullmatch(namespace):
        yield f"namespace={namespace!r} is one of OpenShift's own projects", "oc new-project makes one of yours"
    longest = contained.MAX_LABEL - 1 - len(namespace)
    if namespace and len(name or "x" * 16) > longest:
        said = f"on OpenShift name and namespace make one DNS label, which leaves {longest} letters for the name"
        yield f"{said} beside namespace={namespace!r}", "shorten the one or the other"


def _revision(target: Target, name: str, image: str) -> pods.Json:
    options = target.options
    scales = {SCALES[option]: str(options[option]) for option in SCALES if options.get(option)}
    spec: pods.Json = {
        "containers": [_container(target, image)],
        "enableServiceLinks": False,
        "timeoutSeconds": math.ceil(options.get("timeout", TIMEOUT)),
        "volumes": [pods.volume(name)],
    }
    if concurrency := options.get("concurrency"):
        spec["containerConcurrency"] = concurrency
    return {"metadata": {"annotations": scales}, "spec": spec} if scales else {"spec": spec}


def _container(target: Target, image: str) -> pods.Json:
    resources = pods.resources(target.options.get("memory", MEMORY), target.options.get("cpu", 0))
    container = pods.container(target, image, contained.PORT, resources, resources)
    return {**container, "readinessProbe": pods.probe(READINESS, contained.PORT)}


def _refuse_shadowed(staged: Staged) -> None:
    for name in staged.code:
        if name == f"{FUNC_MODULE}.py" or name.startswith(f"{FUNC_MODULE}/"):
            raise BuildError(
                f"{name} has the name of the package in which func-python looks for the function",
                where=str(staged.target.place),
                hint=f'rename it, or leave runtime="func" out on {staged.function.qualname}',
            )
