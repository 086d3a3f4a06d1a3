"""The nouns of images, frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyfn.pack.image.layer import Layer

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""What Linux calls a machine → what images call it (Go's name)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a container starts. Empty values leave what the base says; `user` is a name or a number, `ports` are TCP."""

    entrypoint: Sequence[str] = ()
    cmd: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    user: str = ""
    ports: Sequence[int] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob as a manifest names it: `digest` is "sha256:<hex>", `size` in bytes."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Base:
    """An image to stand on, for one machine.

    `name` is its reference without a digest, or "" for one of this machine; `digest` is its manifest's, `config` its
    image config as it came. `blobs` is the folder with its layers by algorithm and digest, or None where its registry
    has them. `note` is something that the user should know, or "".
    """

    name: str
    digest: str
    machine: str
    config: Mapping[str, Any]
    layers: Sequence[Descriptor]
    blobs: Path | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """An image for one machine ("x86_64", "aarch64"). `layers` by what they hold, the lowest first."""

    machine: str
    settings: Settings
    layers: Mapping[str, Layer]
    base: Base | None = None
