"""Images as a folder: the OCI image layout, with one manifest, or one index for several machines."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from hyfn.errors import BuildError, ConfigError
from hyfn.pack import extract
from hyfn.pack.image import blobs, config, media
from hyfn.pack.image.layer import Layer
from hyfn.pack.image.media import Json
from hyfn.pack.image.model import ARCHITECTURES, Base, Descriptor, Image
from hyfn.toolchain import scratch

MACHINES = {architecture: machine for machine, architecture in ARCHITECTURES.items()}
BLOBS, INDEX, VERSION = "blobs", "index.json", "oci-layout"


def write(images: Sequence[Image], into: Path) -> Descriptor:
    """The images, one for each machine, in the folder `into`, which is made. What a registry would hold of them.

    One image is its manifest, several are an index. Blobs are links to the user's cache where that is possible.
    Layers of a base that only its registry has are left out: `pull.complete` brings them. Same images, same digest.
    """
    found = {image.machine: _manifest(image, into) for image in images}
    if not images or len(found) != len(images):
        raise BuildError("an image layout needs one image for each machine")
    root = next(iter(found.values())) if len(found) == 1 else _index(found, into)
    value = {"schemaVersion": 2, "mediaType": media.INDEX, "manifests": [media.as_json(root)]}
    (into / VERSION).write_text('{"imageLayoutVersion":"1.0.0"}')
    (into / INDEX).write_bytes(media.written(value))
    return root


def _manifest(image: Image, into: Path) -> Descriptor:
    for layer in image.layers.values():
        blobs.link(layer.path, blobs.path(into / BLOBS, layer.digest))
    if image.base and image.base.blobs:
        for one in image.base.layers:
            blobs.link(blobs.path(image.base.blobs, one.digest), blobs.path(into / BLOBS, one.digest))
    said = config.config(image)
    _put(media.CONFIG, said, into)
    return _put(media.MANIFEST, config.manifest(image, said), into)


def _index(found: Mapping[str, Descriptor], into: Path) -> Descriptor:
    manifests = []
    for machine in sorted(found):
        platform = {"os": "linux", "architecture": ARCHITECTURES[machine]}
        manifests.append({**media.as_json(found[machine]), "platform": platform})
    value = {"schemaVersion": 2, "mediaType": media.INDEX, "manifests": manifests}
    return _put(media.INDEX, media.written(value), into)


def _put(media_type: str, content: bytes, into: Path) -> Descriptor:
    one = Descriptor(media_type, media.digest_of(content), len(content))
    blobs.keep(into / BLOBS, one, [content])
    return one


def root(layout: Path) -> Descriptor:
    """What the layout is: a manifest or an index. ConfigError where the folder holds none, or several."""
    name = f"the image layout {layout}"
    try:
        content = (layout / INDEX).read_bytes()
    except OSError as error:
        raise ConfigError(f"{layout} is no OCI image layout: {INDEX}: {error.strerror}") from error
    entries = media.listed(media.read(content, name), "manifests", dict, name)
    if len(entries) != 1:
        raise ConfigError(f"{name} holds {len(entries)} images", hint="it must hold one, or one index of several")
    return media.descriptor(entries[0], name)


def manifests(layout: Path) -> dict[str, Descriptor]:
    """By machine, the manifests that the layout holds for machines that hyfn knows."""
    one = root(layout)
    name = f"the image layout {layout}"
    if one.media_type not in media.INDEXES:
        said = config_of(layout, manifest_of(layout, one))
        machine = MACHINES.get(str(said.get("architecture")))
        return {machine: one} if machine else {}
    index = media.read(_blob(layout, one), name)
    found = {machine: media.choose(index, machine, name) for machine in ARCHITECTURES}
    return {machine: each for machine, each in found.items() if each}


def manifest_of(layout: Path, one: Descriptor) -> Json:
    """The manifest that a descriptor in the layout names."""
    return media.read(_blob(layout, one), f"the manifest {one.digest}")


def config_of(layout: Path, manifest: Json) -> Json:
    """The image config that a manifest of the layout names."""
    one = media.descriptor(manifest.get("config"), "its manifest")
    return media.read(_blob(layout, one), f"the image config {one.digest}")


def read(layout: Path) -> list[Image]:
    """The images of a layout that `write` made, without their bases, to be composed with others."""
    return [_image(layout, machine, one) for machine, one in manifests(layout).items()]


def _image(layout: Path, machine: str, one: Descriptor) -> Image:
    name = f"the image {one.digest}"
    manifest = manifest_of(layout, one)
    said = config_of(layout, manifest)
    layers = media.layers(manifest, name)
    diff_ids = media.listed(media.table(said, "rootfs", name), "diff_ids", str, name)
    if len(layers) != len(diff_ids):
        raise BuildError(f"{name} has {len(layers)} layers and {len(diff_ids)} diff_ids")
    ours = {kind: _layer(layout, layers[at], diff_ids[at]) for kind, at in config.ours(layers).items()}
    return Image(machine, config.settings(said, name), ours)


def _layer(layout: Path, one: Descriptor, diff_id: str) -> Layer:
    return Layer(one.digest, diff_id, one.size, blobs.path(layout / BLOBS, one.digest))


def has_base(layout: Path) -> bool:
    """Whether its images stand on others."""
    kinds = [media.layers(manifest_of(layout, one), f"the image {one.digest}") for one in manifests(layout).values()]
    return any(len(config.ours(layers)) < len(layers) for layers in kinds)


def base(layout: Path, machine: str) -> Base:
    """The image in the layout as a base for `machine`. ConfigError where it has none."""
    found = manifests(layout)
    if machine not in found:
        raise ConfigError(f"the image layout {layout} is for {', '.join(sorted(found))}, not for {machine}")
    one = found[machine]
    manifest = manifest_of(layout, one)
    said = config_of(layout, manifest)
    return Base("", one.digest, machine, said, media.layers(manifest, f"the manifest {one.digest}"), layout / BLOBS)


def lay_out(layout: Path, machine: str, into: Path) -> None:
    """hyfn's own layers of the image for `machine`, in the new or empty folder `into`, as a container engine would lay
    them out: what stands in a later layer replaces what stood there. All of it or nothing.

    BuildError for a layer that is not to be trusted, ConfigError where there is no image for `machine`.
    """
    found = manifests(layout)
    if machine not in found:
        raise ConfigError(f"the image layout {layout} holds no image for {machine}")
    layers = media.layers(manifest_of(layout, found[machine]), f"the image layout {layout}")
    into.parent.mkdir(parents=True, exist_ok=True)
    with scratch.folder(f".{into.name}.layers-", into.parent) as work:
        whole = work / "whole"
        whole.mkdir()
        whole.chmod(0o755)
        for number, at in enumerate(config.ours(layers).values()):
            extract.extract_tar(blobs.path(layout / BLOBS, layers[at].digest), work / str(number))
            _move(work / str(number), whole)
        whole.replace(into)


def _move(source: Path, target: Path) -> None:
    """The files of `source` to `target`, over those that are there."""
    for folder, folders, files in os.walk(source):
        there = target / Path(folder).relative_to(source)
        for name in folders:
            (there / name).mkdir(exist_ok=True)
        for name in files:
            (Path(folder) / name).replace(there / name)


def _blob(layout: Path, one: Descriptor) -> bytes:
    return blobs.content(layout / BLOBS, one, media.MAX_CONFIG)
