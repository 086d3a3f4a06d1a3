"""The media types of images, and the JSON that they name: written the same each time, and read with suspicion."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from hyfn.errors import BuildError
from hyfn.pack.image.model import ARCHITECTURES, Descriptor

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = (INDEX, DOCKER_INDEX)
MANIFESTS = (MANIFEST, DOCKER_MANIFEST)
LAYERS = {
    LAYER: LAYER,
    "application/vnd.oci.image.layer.v1.tar": "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": LAYER,
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar.zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
}
"""A layer's type in a base → the same in an OCI manifest: the bytes are the same."""

MAX_MANIFEST = 4 * 1024**2
"""Bytes of a manifest: what a registry must take at least (distribution-spec 1.1, "Pushing Manifests")."""
MAX_CONFIG = 8 * 1024**2
MAX_LAYERS = 1000
MAX_BLOB = 32 * 1024**3
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

Json = dict[str, Any]


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def written(value: Mapping[str, Any]) -> bytes:
    """`value` as JSON: one form for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def read(content: bytes, name: str) -> Json:
    """The JSON object `content`. BuildError, which calls it `name`, where it is none."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BuildError(f"{name} is no JSON") from error
    if not isinstance(value, dict):
        raise BuildError(f"{name} is no JSON object")
    return value


def listed(value: Mapping[str, Any], key: str, kind: type, name: str) -> list[Any]:
    """The list `key` of `value`, all of whose items are of `kind`; empty where it is missing or null."""
    found = value.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, kind) for each in found):
        raise BuildError(f"{name} has a {key!r} that is no list of {kind.__name__}")
    return found


def table(value: Mapping[str, Any], key: str, name: str) -> Json:
    """The object `key` of `value`, empty where it is missing or null."""
    found = value.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BuildError(f"{name} has a {key!r} that is no object")
    return found


def descriptor(value: Any, name: str) -> Descriptor:
    """A descriptor that `name` holds. BuildError where its digest or size cannot be."""
    if not isinstance(value, dict):
        raise BuildError(f"{name} holds a descriptor that is no object")
    digest, size = value.get("digest"), value.get("size")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise BuildError(f"{name} names a blob by {digest!r}, which is no SHA-256 digest")
    if type(size) is not int or not 0 <= size <= MAX_BLOB:
        raise BuildError(f"{name} gives {digest} the size {size!r}")
    annotations = {key: said for key, said in table(value, "annotations", name).items() if isinstance(said, str)}
    return Descriptor(str(value.get("mediaType") or ""), digest, size, annotations)


def as_json(one: Descriptor) -> Json:
    value: Json = {"mediaType": one.media_type, "digest": one.digest, "size": one.size}
    return {**value, "annotations": dict(one.annotations)} if one.annotations else value


def layers(manifest: Mapping[str, Any], name: str) -> list[Descriptor]:
    """A manifest's layers, by OCI's media types. BuildError for a kind of layer that no image of Linux has."""
    found = [descriptor(each, name) for each in listed(manifest, "layers", dict, name)]
    if len(found) > MAX_LAYERS:
        raise BuildError(f"{name} has more than {MAX_LAYERS} layers")
    for one in found:
        if one.media_type not in LAYERS:
            raise BuildError(f"{name} has a layer of the type {one.media_type!r}, which hyfn does not know")
    return [Descriptor(LAYERS[one.media_type], one.digest, one.size, one.annotations) for one in found]


def choose(index: Mapping[str, Any], machine: str, name: str) -> Descriptor | None:
    """The manifest, or inner index, for Linux on `machine` in an index. One that says no platform is for all."""
    for each in listed(index, "manifests", dict, name):
        platform = each.get("platform")
        if not platform or _is_for(platform, machine):
            return descriptor(each, name)
    return None


def machines(index: Mapping[str, Any], name: str) -> Sequence[str]:
    """What an index offers, for a message: "linux/amd64"."""
    platforms = [table(each, "platform", name) for each in listed(index, "manifests", dict, name)]
    offered = [f"{each.get('os')}/{each.get('architecture')}" for each in platforms if each]
    return [each for each in dict.fromkeys(offered) if "unknown" not in each]


def _is_for(platform: Any, machine: str) -> bool:
    if not isinstance(platform, dict):
        return False
    wanted = {"os": "linux", "architecture": ARCHITECTURES[machine]}
    is_plain = platform.get("variant") in (None, "", "v8") and not platform.get("os.features")
    return is_plain and all(platform.get(key) == value for key, value in wanted.items())
