"""Base images of registries: what is asked for by tag is asked each time, what has a digest is fetched once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hyfn.errors import BuildError, ConfigError
from hyfn.pack.image import blobs, config, layout, media
from hyfn.pack.image.media import Json
from hyfn.pack.image.model import ARCHITECTURES, Base, Descriptor
from hyfn.pack.image.reference import Reference
from hyfn.pack.image.registry import Registry, Unreachable
from hyfn.toolchain import cache
from hyfn.toolchain.workers import Workers

ACCEPT = {"Accept": ", ".join((*media.INDEXES, *media.MANIFESTS))}
PARALLEL = 4
MAX_DEPTH = 3
"""Indexes inside each other."""

Watch = Callable[[int, int], None]
"""Hears of the bytes that are there, and of those that are wanted in all."""


def pull(reference: Reference, machine: str, *, is_plain: bool = False) -> Base:
    """The image of a registry as a base for `machine`, without its layers. Kept in the user's cache.

    By a digest that was seen before, no registry is asked. By a tag the registry is asked each time; where it cannot be
    reached, the last answer counts, and `note` says how old that is. Raises Unauthorised, NoSuchImage, Unreachable,
    ConfigError where the image is not there for `machine`, BuildError where what comes is not what it says it is.
    """
    with Registry(reference, [pulling(reference)], is_plain) as registry:
        top, note = _top(registry)
        one, manifest = _for_machine(registry, top, machine)
        name = f"the image {reference}"
        found = media.descriptor(manifest.get("config"), name)
        said = media.read(_fetched(registry, found, media.MAX_CONFIG), f"the config of {reference}")
        if said.get("architecture") != ARCHITECTURES[machine] or said.get("os", "linux") != "linux":
            raise _not_for(reference, machine, [f"{said.get('os')}/{said.get('architecture')}"])
        base_name = f"{reference.name}:{reference.tag}" if reference.tag else reference.name
        return Base(base_name, one.digest, machine, said, media.layers(manifest, name), None, note)


def pulling(reference: Reference) -> str:
    """The scope of a token."""
    return f"repository:{reference.repository}:pull"


def _top(registry: Registry) -> tuple[Descriptor, str]:
    """What the reference names: by its digest what is kept, by its tag what the registry says now."""
    reference = registry.reference
    if not reference.digest:
        return _by_tag(registry)
    kept = blobs.path(blobs.shelf(), reference.digest)
    if not kept.exists():
        return _asked(registry, reference.digest), ""
    content = kept.read_bytes()
    return Descriptor(_media_type(content, ""), reference.digest, len(content)), ""


def _by_tag(registry: Registry) -> tuple[Descriptor, str]:
    remembered = cache.home() / "images" / "tags" / f"{cache.key(str(registry.reference))}.json"
    try:
        one = _asked(registry, registry.reference.tag)
    except Unreachable:
        if not remembered.exists():
            raise
        return _last(remembered, registry.reference)
    facts = {"media_type": one.media_type, "digest": one.digest, "size": one.size, "asked": time.time()}
    cache.put(remembered, json.dumps(facts).encode())
    return one, ""


def _last(remembered: Path, reference: Reference) -> tuple[Descriptor, str]:
    facts = json.loads(remembered.read_text())
    hours = (time.time() - facts["asked"]) / 3600
    age = f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours" if hours >= 1 else "less than an hour"
    note = f"{reference.registry} cannot be reached: {reference} is taken as it was {age} ago"
    return Descriptor(facts["media_type"], facts["digest"], facts["size"]), note


def _asked(registry: Registry, wanted: str) -> Descriptor:
    """The manifest or index that the registry has now, which is kept."""
    answer = registry.ask("GET", registry.url(f"manifests/{wanted}"), ACCEPT, limit=media.MAX_MANIFEST)
    if answer.status != 200:
        raise registry.refusal(answer, "pull")
    digest = media.digest_of(answer.body)
    if wanted.startswith("sha256:") and wanted != digest:
        raise BuildError(f"{registry.reference.registry} gave {digest} where {wanted} was asked for")
    one = Descriptor(_media_type(answer.body, answer.headers.get("content-type", "")), digest, len(answer.body))
    blobs.keep(blobs.shelf(), one, [answer.body])
    return one


def _media_type(content: bytes, said: str) -> str:
    """What a manifest is, by itself, else by its content type: OCI's may leave `mediaType` out."""
    manifest = media.read(content, "the manifest")
    found = manifest.get("mediaType") or said.partition(";")[0].strip()
    if found in (*media.INDEXES, *media.MANIFESTS):
        return str(found)
    if "manifests" in manifest or "layers" in manifest:
        return media.INDEX if "manifests" in manifest else media.MANIFEST
    raise BuildError(f"the manifest is of the type {found!r}", hint="push the image again by a newer tool")


def _for_machine(registry: Registry, one: Descriptor, machine: str) -> tuple[Descriptor, Json]:
    for _ in range(MAX_DEPTH):
        name = f"the image {registry.reference}"
        value = media.read(_manifest(registry, one), name)
        if one.media_type not in media.INDEXES:
            return one, value
        found = media.choose(value, machine, name)
        if found is None:
            raise _not_for(registry.reference, machine, media.machines(value, name))
        one = found
    raise BuildError(f"the image {registry.reference} is an index of indexes of indexes")


def _manifest(registry: Registry, one: Descriptor) -> bytes:
    kept = blobs.path(blobs.shelf(), one.digest)
    if not kept.exists():
        _asked(registry, one.digest)
    return blobs.content(blobs.shelf(), one, media.MAX_MANIFEST)


def _fetched(registry: Registry, one: Descriptor, limit: int) -> bytes:
    if one.size > limit:
        raise BuildError(f"the config of {registry.reference} has {one.size} bytes, and {limit} are read at most")
    if not blobs.path(blobs.shelf(), one.digest).exists():
        blobs.keep(blobs.shelf(), one, registry.stream(one.digest, one.size))
    return blobs.content(blobs.shelf(), one, limit)


def _not_for(reference: Reference, machine: str, offered: object) -> ConfigError:
    listed = ", ".join(offered) if isinstance(offered, list) else ""
    said = f"the image {reference} is not there for linux/{ARCHITECTURES[machine]}"
    return ConfigError(said + (f", only for {listed}" if listed else ""), hint="name another base, or another machine")


def layer(reference: Reference, one: Descriptor, *, is_plain: bool = False) -> Path:
    """A layer of a base as a file in the user's cache, fetched from its registry where it is not there. Verified."""
    kept = blobs.path(blobs.shelf(), one.digest)
    if kept.exists():
        return kept
    with Registry(reference, [pulling(reference)], is_plain) as registry:
        return _retried(registry, one)


def _retried(registry: Registry, one: Descriptor) -> Path:
    for _ in range(2):
        try:
            return blobs.keep(blobs.shelf(), one, registry.stream(one.digest, one.size))
        except Unreachable:
            continue
    return blobs.keep(blobs.shelf(), one, registry.stream(one.digest, one.size))


def complete(folder: Path, watch: Watch, *, is_plain: bool = False) -> None:
    """Fetch what the layout lacks: layers of a base that its registry has. For an engine on this machine."""
    missing = foreign(folder)
    wanted, there = sum(one.size for one in missing), 0
    with Workers(PARALLEL, "hyfn-pull") as workers:
        jobs = {one: workers.submit(layer, reference, one, is_plain=is_plain) for one, reference in missing.items()}
        for one, job in jobs.items():
            blobs.link(job.result(), blobs.path(folder / layout.BLOBS, one.digest))
            watch(there := there + one.size, wanted)


def foreign(folder: Path) -> dict[Descriptor, Reference]:
    """The layers that a layout names and does not hold, and where they are. BuildError where it does not say."""
    found: dict[Descriptor, Reference] = {}
    for one in layout.manifests(folder).values():
        manifest = layout.manifest_of(folder, one)
        base = origin(manifest)
        for each in media.layers(manifest, f"the manifest {one.digest}"):
            if not blobs.path(folder / layout.BLOBS, each.digest).exists():
                if base is None:
                    raise BuildError(f"{folder} lacks the layer {each.digest}", hint="make it anew")
                found[each] = base
    return found


def origin(manifest: Mapping[str, Any]) -> Reference | None:
    """The base that the image of a manifest stands on, where that is a registry's."""
    base = media.table(manifest, "annotations", "its manifest").get(config.BASE_NAME)
    return Reference.parse(base) if isinstance(base, str) else None
