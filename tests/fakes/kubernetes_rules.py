"""What a cluster refuses of an object, for the fake of one: core kinds by Kubernetes' own schemas, Knative's by name.

Names and labels: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and .../labels/
Knative: pkg/apis/serving/v1/{service,revision,route}_validation.go in knative/serving.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Any

from tests.kubernetes_objects import CONTAINER, KNATIVE, OWN, RELEASES, SECURITY, SOURCES, problems

Json = Mapping[str, Any]
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
LABEL_NAME = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
DNS_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
TAG = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
MAX_ANNOTATIONS = 256 * 1024
CORE = ("Secret", "Service", "Deployment", "CronJob", "HorizontalPodAutoscaler")
EVENTING: Mapping[str, tuple[set[str], set[str]]] = {
    "PingSource": ({"schedule", "sink"}, {"timezone", "contentType", "data", "dataBase64", "ceOverrides"}),
    "Trigger": ({"broker", "subscriber"}, {"filter", "filters", "delivery"}),
    "KafkaSource": ({"bootstrapServers", "topics", "sink"}, {"consumerGroup", "initialOffset", "delivery", "net"}),
    "RabbitmqSource": ({"rabbitmqClusterReference", "rabbitmqResourcesConfig", "sink"}, {"delivery"}),
}
"""By kind, the fields of its spec that must be there, and those that may be."""


def wrong(found: Json, before: Json | None) -> list[str]:
    """What is wrong with an object that is to be stored in place of `before`."""
    return [*_metadata(found), *_kind(found), *_immutable(found, before)]


def _metadata(found: Json) -> Iterator[str]:
    metadata, kind = found["metadata"], found["kind"]
    rule = DNS_LABEL if kind == "Service" else SUBDOMAIN
    if not rule.fullmatch(metadata["name"]):
        yield f"metadata.name: Invalid value: {metadata['name']!r}"
    if kind == "CronJob" and len(metadata["name"]) > 52:
        yield "metadata.name: must be no more than 52 characters"
    yield from _labels("metadata.labels", metadata.get("labels") or {})
    notes = metadata.get("annotations") or {}
    yield from (f"metadata.annotations: Invalid value: {name!r}" for name in notes if not LABEL_NAME.fullmatch(name))
    if sum(len(name) + len(value) for name, value in notes.items()) > MAX_ANNOTATIONS:
        yield "metadata.annotations: Too long: must have at most 262144 bytes"


def _labels(path: str, labels: Mapping[str, str]) -> Iterator[str]:
    for name, value in labels.items():
        if not LABEL_NAME.fullmatch(name) or not isinstance(value, str) or not LABEL_VALUE.fullmatch(value):
            yield f"{path}: Invalid value: {name}={value!r}"


def _kind(found: Json) -> Iterator[str]:
    kind = found["kind"]
    if found["apiVersion"].startswith("serving.knative.dev"):
        yield from _serving(found)
    elif kind in EVENTING:
        yield from _eventing(found)
    else:
        bare = {name: each for name, each in found.items() if name != "status"}
        bare["metadata"] = {"name": "a"}  # `_metadata` has looked at it
        yield from _schema(json.dumps(bare, sort_keys=True))
        yield from {"Secret": _secret, "Deployment": _deployment, "CronJob": _cron}.get(kind, lambda _: iter(()))(found)


@functools.lru_cache(maxsize=4096)
def _schema(text: str) -> list[str]:
    """What Kubernetes' own schemas say; tests send the same objects many times."""
    return problems([json.loads(text)], RELEASES[-1])


def _secret(found: Json) -> Iterator[str]:
    for name, value in (found.get("data") or {}).items():
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            yield f"data[{name}]: illegal base64 data"


def _deployment(found: Json) -> Iterator[str]:
    wanted = found["spec"]["selector"].get("matchLabels") or {}
    labels = found["spec"]["template"].get("metadata", {}).get("labels") or {}
    yield from _labels("spec.template.metadata.labels", labels)
    if not wanted or any(labels.get(name) != value for name, value in wanted.items()):
        yield "spec.template.metadata.labels: `selector` does not match template `labels`"
    yield from _pod(found["spec"]["template"]["spec"])


def _pod(spec: Json) -> Iterator[str]:
    volumes = {each["name"] for each in spec.get("volumes") or []}
    for each in spec["containers"]:
        if not each.get("image"):
            yield "spec.containers[0].image: Required value"
        for mount in each.get("volumeMounts") or []:
            if mount["name"] not in volumes:
                yield f"spec.containers[0].volumeMounts: Not found: {mount['name']!r}"
    for each in spec.get("volumes") or []:
        if "secret" in each and not each["secret"].get("secretName"):
            yield "spec.volumes[0].secret.secretName: Required value"


def _cron(found: Json) -> Iterator[str]:
    if len(found["spec"]["schedule"].split()) != 5:
        yield "spec.schedule: Invalid value: expected exactly 5 fields"
    if found["spec"].get("timeZone", "UTC") not in zoneinfo.available_timezones():
        yield "spec.timeZone: unknown time zone"


def _eventing(found: Json) -> Iterator[str]:
    needed, known = EVENTING[found["kind"]]
    spec = found.get("spec") or {}
    yield from (f"missing field(s): spec.{name}" for name in sorted(needed - spec.keys()))
    yield from (f'unknown field "spec.{name}"' for name in sorted(spec.keys() - needed - known))


def _serving(found: Json) -> Iterator[str]:
    if found["kind"] == "Revision":
        return
    for path, known in KNATIVE.items():
        inner: Any = found
        for part in path.split(".") if path else ():
            inner = inner.get(part) or {}
        extra = {"status"} if not path else set()
        yield from (f'unknown field "{path}.{name}"' for name in sorted(inner.keys() - known - extra))
    yield from _template(found)
    yield from _traffic(found)


def _template(found: Json) -> Iterator[str]:
    template = found["spec"].get("template") or {}
    spec, metadata = template.get("spec") or {}, template.get("metadata") or {}
    yield from _labels("spec.template.metadata.labels", metadata.get("labels") or {})
    name, prefix = metadata.get("name", ""), f"{found['metadata']['name']}-"
    if name and not (name.startswith(prefix) and DNS_LABEL.fullmatch(name)):
        yield f"invalid value: {name!r} must have prefix {prefix!r}: spec.template.metadata.name"
    if len(spec.get("containers") or []) != 1:
        yield "missing field(s): spec.template.spec.containers"
        return
    [container] = spec["containers"]
    yield from (f'unknown field "container.{each}"' for each in sorted(container.keys() - CONTAINER))
    security = container.get("securityContext") or {}
    yield from (f'unknown field "securityContext.{each}"' for each in sorted(security.keys() - SECURITY))
    for volume in spec.get("volumes") or []:
        yield from (f'unknown field "volumes.{each}"' for each in sorted(volume.keys() - SOURCES))
    if not 0 <= spec.get("containerConcurrency", 0) <= 1000 or not 1 <= spec.get("timeoutSeconds", 300) <= 600:
        yield "expected 0 <= containerConcurrency <= 1000, 1 <= timeoutSeconds <= 600"
    pod = {name: each for name, each in spec.items() if name not in OWN}
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod}
    yield from _schema(json.dumps(bare, sort_keys=True))
    yield from _pod(spec)


def _traffic(found: Json) -> Iterator[str]:
    entries = found["spec"].get("traffic") or []
    if entries and sum(each.get("percent") or 0 for each in entries) != 100:
        yield "invalid value: Traffic targets sum to not 100, want 100: spec.traffic"
    tags = [each["tag"] for each in entries if each.get("tag")]
    if len(set(tags)) < len(tags):
        yield "Multiple definitions for: spec.traffic.tag"
    for each in entries:
        if each.keys() - {"revisionName", "latestRevision", "percent", "tag"}:
            yield f"must not set the field(s): {sorted(each)}: spec.traffic"
        if bool(each.get("revisionName")) == bool(each.get("latestRevision")):
            yield "may not set revisionName and latestRevision, and one is needed: spec.traffic"
        tag = each.get("tag", "")
        if tag and (not TAG.fullmatch(tag) or len(f"{tag}-{found['metadata']['name']}") > 63):
            yield f"invalid value: {tag}: spec.traffic.tag"


def _immutable(found: Json, before: Json | None) -> Iterator[str]:
    if before is None:
        return
    kind = found["kind"]
    if kind == "Deployment" and found["spec"]["selector"] != before["spec"]["selector"]:
        yield "spec.selector: Invalid value: field is immutable"
    if kind == "Secret" and before.get("immutable") and found.get("data") != before.get("data"):
        yield "data: Forbidden: field is immutable when `immutable` is set"
    if kind == "Secret" and found.get("type") != before.get("type"):
        yield "type: Invalid value: field is immutable"
    if kind == "Revision" and found["spec"] != before["spec"]:
        yield "Immutable fields changed (-old +new): spec"
    if kind == "Service" and "template" in before["spec"]:
        yield from _same_revision(found["spec"]["template"], before["spec"]["template"])


def _same_revision(template: Json, before: Json) -> Iterator[str]:
    """A named template may only change together with its name."""
    name = (before.get("metadata") or {}).get("name")
    if name and (template.get("metadata") or {}).get("name") == name and template != before:
        yield f"Saw the following changes without a name change (-old +new): {name}: spec.template.metadata.name"
