"""An object of a cluster as a resource's body, and back: what hyfn says of it, without what others add. Pure.

A body has labels, annotations and all other fields of an object but its name. Lists whose items have names are mappings
in it, so that a difference is one of an item's. The object keeps its body in an annotation: that is what is compared,
field by field, with what the object has by now; values that the cluster writes otherwise are the same to it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hyfn.resource import Stage, digest

Json = Mapping[str, Any]

APPLIED = "hyfn-applied"
"""The annotation with the body."""
OWNER = "hyfn-key"
"""The annotation of what belongs to a thing: of which."""
MANAGER = "hyfn"
NAMED = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath", "ports": "name"}
"""Lists of a pod or a Service, and by what their items are told apart."""
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set"""
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi|)")
"""https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/"""
SCALES = {"m": Decimal("0.001"), "": Decimal(1), "k": Decimal(1000), "M": Decimal(10**6), "G": Decimal(10**9)}
SCALES |= {"Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30)}


def tags(stage: Stage) -> dict[str, str]:
    """The stage's tags as labels."""
    return {name.replace(":", "-"): label(value) for name, value in stage.tags.items()}


def label(value: str) -> str:
    """The value where a label may be so, else a readable form of it with a digest."""
    if LABEL.fullmatch(value):
        return value
    words = re.sub(r"[^A-Za-z0-9_.-]+", "-", value).strip("-_.")[:50].rstrip("-_.")
    return f"{words or 'x'}-{hashlib.sha256(value.encode()).hexdigest()[:8]}"


def is_ours(found: Json, stage: Stage) -> bool:
    labels = found["metadata"].get("labels") or {}
    return all(labels.get(name) == value for name, value in tags(stage).items())


def body(manifest: Json) -> dict[str, Any]:
    """What a manifest says of an object."""
    metadata = manifest.get("metadata", {})
    found = {name: dict(metadata[name]) for name in ("labels", "annotations") if metadata.get(name)}
    rest = {name: each for name, each in manifest.items() if name not in ("apiVersion", "kind", "metadata")}
    return {**found, **_mapped(rest)}


OURS = ("edges", "endpoints")
"""What a body says beside its object."""


def stated(body: Json, stage: Stage, annotations: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The object that a body is of, to apply. Its annotations hold the body."""
    rest = {name: each for name, each in body.items() if name not in ("labels", "annotations", *OURS)}
    noted = {**body.get("annotations", {}), APPLIED: dumped(body), **(annotations or {})}
    labels = {**body.get("labels", {}), **tags(stage)}
    found: dict[str, Any] = {"metadata": {"labels": labels, "annotations": noted}, **_listed(rest)}
    return found


def dumped(body: Json) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def applied(found: Json) -> dict[str, Any] | None:
    """The body that was applied, None for an object of somebody else's."""
    text = (found["metadata"].get("annotations") or {}).get(APPLIED)
    try:
        document = json.loads(text) if text else None
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def observed(found: Json) -> dict[str, Any]:
    """The body as the object has it by now: {} for an object of somebody else's."""
    before = applied(found)
    if before is None:
        return {}
    now = {**body(found), **{name: before[name] for name in OURS if name in before}}
    return {name: _now(each, now[name]) for name, each in before.items() if name in now or _is_nothing(each)}


def etag(found: Json, view: Any) -> str:
    """Which object, and what it has of a view. Its resourceVersion changes with every report on how it does."""
    return f"{found['metadata'].get('uid', '')} {digest(view)[:24]}"


def _mapped(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _mapped(each, str(key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        by = NAMED.get(name)
        if by and value and all(isinstance(each, Mapping) and isinstance(each.get(by), str) for each in value):
            return {each[by]: _mapped({key: item for key, item in each.items() if key != by}) for each in value}
        return [_mapped(each) for each in value]
    return value


def _listed(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        by = NAMED.get(name)
        if by and value and all(isinstance(each, Mapping) for each in value.values()):
            return [{by: key, **_listed(each)} for key, each in value.items()]
        return {key: _listed(each, str(key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(each) for each in value]
    return value


def _now(before: Any, now: Any) -> Any:
    """What `now` says in place of `before`: `before` itself where they mean the same."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        return {name: _now(each, now.get(name)) for name, each in before.items() if name in now or _is_nothing(each)}
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [_now(old, new) for old, new in zip(before, now, strict=True)]
    if _is_nothing(before) and now is None:
        return before
    return before if _is_same(before, now) else now


def _is_nothing(value: Any) -> bool:
    """What a cluster does not keep."""
    return value is None or value in ("", {}, [])


def _is_same(before: Any, now: Any) -> bool:
    if before == now:
        return True
    if not isinstance(before, str) or not isinstance(now, str):
        return False
    amounts = [QUANTITY.fullmatch(each) for each in (before, now)]
    old, new = [Decimal(each[1]) * SCALES[each[2]] if each else None for each in amounts]
    return old is not None and old == new
