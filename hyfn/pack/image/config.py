"""What an image says of itself: its config and its manifest. Pure.

Everything is dated 1970-01-01, also on a base: the same inputs make the same digest, whenever and wherever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hyfn.errors import BuildError, ConfigError
from hyfn.pack.image import media
from hyfn.pack.image.media import Json
from hyfn.pack.image.model import ARCHITECTURES, Base, Descriptor, Image, Settings

CREATED = "1970-01-01T00:00:00Z"
KIND = "hyfn.layer"
"""The annotation of each layer that hyfn made: what it holds."""
BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
INHERITED = ("architecture", "variant", "os", "os.version", "os.features")
NOT_INHERITED = ("OnBuild", "Image", "Hostname", "Domainname", "ArgsEscaped")
"""What is meant for another build, or for another container."""


def compose(base: Base, image: Image) -> Image:
    """`image` on `base`. ConfigError where that is for another machine."""
    if base.machine != image.machine:
        said = f"the base {base.name or base.digest} is for {base.machine}, and the image for {image.machine}"
        raise ConfigError(said, hint="name a base that is there for both machines, or build for one of them")
    return replace(image, base=base)


def config(image: Image) -> bytes:
    """The image config: the base's with ours over it, diff_ids and history one after the other.

    An entrypoint of ours does away with the base's command, as in Dockerfiles.
    """
    below: Mapping[str, Any] = image.base.config if image.base else {}
    name = _named(image)
    inherited = {key: below[key] for key in INHERITED if key in below}
    diff_ids = media.listed(media.table(below, "rootfs", name), "diff_ids", str, name)
    if image.base and len(diff_ids) != len(image.base.layers):
        raise BuildError(f"{name} has {len(image.base.layers)} layers and {len(diff_ids)} diff_ids")
    ours = [layer.diff_id for layer in image.layers.values()]
    value: Json = {
        "architecture": ARCHITECTURES[image.machine],
        "os": "linux",
        **inherited,
        "created": CREATED,
        "config": _settings(media.table(below, "config", name), image.settings, name),
        "rootfs": {"type": "layers", "diff_ids": [*diff_ids, *ours]},
        "history": [*_history(below, len(diff_ids), name), *map(_step, image.layers)],
    }
    return media.written(value)


def manifest(image: Image, content: bytes) -> bytes:
    """The manifest of the image whose config is `content`."""
    below = [replace(one, annotations={}) for one in image.base.layers] if image.base else []
    ours = [Descriptor(media.LAYER, layer.digest, layer.size, {KIND: kind}) for kind, layer in image.layers.items()]
    value: Json = {
        "schemaVersion": 2,
        "mediaType": media.MANIFEST,
        "config": media.as_json(Descriptor(media.CONFIG, media.digest_of(content), len(content))),
        "layers": [media.as_json(one) for one in (*below, *ours)],
    }
    if image.base and image.base.name:
        value["annotations"] = {BASE_NAME: image.base.name, BASE_DIGEST: image.base.digest}
    return media.written(value)


def settings(value: Mapping[str, Any], name: str) -> Settings:
    """The settings in an image config. BuildError, which calls it `name`, where they are not of their types."""
    said = media.table(value, "config", name)
    return Settings(
        media.listed(said, "Entrypoint", str, name),
        media.listed(said, "Cmd", str, name),
        _variables(said, name),
        str(said.get("WorkingDir") or ""),
        str(said.get("User") or ""),
        [int(port.partition("/")[0]) for port in media.table(said, "ExposedPorts", name) if port[:1].isdigit()],
        {key: str(text) for key, text in media.table(said, "Labels", name).items()},
    )


def _settings(below: Json, ours: Settings, name: str) -> Json:
    """`below` with what `ours` says over it."""
    value = {key: said for key, said in below.items() if key not in NOT_INHERITED}
    if ours.entrypoint:
        value |= {"Entrypoint": list(ours.entrypoint), "Cmd": None}
    if ours.cmd:
        value["Cmd"] = list(ours.cmd)
    env = {**_variables(below, name), **dict(sorted(ours.env.items()))}
    value["Env"] = [f"{key}={said}" for key, said in env.items()]
    value["WorkingDir"] = ours.working_dir or value.get("WorkingDir")
    value["User"] = ours.user or value.get("User")
    ports: Json = {f"{port}/tcp": {} for port in ours.ports}
    value["ExposedPorts"] = {**media.table(below, "ExposedPorts", name), **ports}
    value["Labels"] = {**media.table(below, "Labels", name), **ours.labels}
    return {key: said for key, said in value.items() if said}


def _variables(said: Mapping[str, Any], name: str) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in media.listed(said, "Env", str, name))
    return {key: value for key, _, value in pairs}


def _history(below: Mapping[str, Any], count: int, name: str) -> list[Json]:
    """The base's, where it tells of as many layers as there are, else a line for each."""
    history = media.listed(below, "history", dict, name)
    if sum(not step.get("empty_layer") for step in history) == count:
        return history
    return [{"created": CREATED, "created_by": "base"}] * count


def _step(kind: str) -> Json:
    return {"created": CREATED, "created_by": f"hyfn {kind}"}


def _named(image: Image) -> str:
    return f"the base {image.base.name or image.base.digest}" if image.base else "the image"


def ours(layers: Sequence[Descriptor]) -> dict[str, int]:
    """What hyfn's own layers among a manifest's hold → where they stand in it."""
    return {one.annotations[KIND]: at for at, one in enumerate(layers) if KIND in one.annotations}
