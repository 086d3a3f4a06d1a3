"""What an image is called: registry, repository, tag, digest. Pure.

The grammar is that of the distribution project's `reference` package, which Docker, podman and Kubernetes share.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

from hyfn.errors import ConfigError
from hyfn.pack.image import media

HUB = "docker.io"
HUB_HOST = "registry-1.docker.io"
"""Where the registry docker.io answers."""
HUB_ALIASES = ("index.docker.io", HUB_HOST)
LATEST = "latest"
MAX_NAME = 255
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
HINT = "write it as registry/repository:tag, such as ghcr.io/acme/greet:1"


@dataclass(frozen=True, slots=True)
class Reference:
    """`tag` is "" where only a digest was given; `digest` is "sha256:<hex>" or ""."""

    registry: str
    repository: str
    tag: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """By Docker's rules: "python" is docker.io/library/python:latest. ConfigError for what is no reference."""
        rest, _, digest = text.partition("@")
        registry, path = _split(rest)
        repository, _, tag = path.partition(":")
        if registry == HUB and "/" not in repository:
            repository = f"library/{repository}"
        if "@" in text and not media.DIGEST.fullmatch(digest):
            raise _wrong(text, f"{digest!r} is no SHA-256 digest")
        if not REGISTRY.fullmatch(registry) or not REPOSITORY.fullmatch(repository):
            raise _wrong(text, "a repository is lower case: a-z, 0-9 and, between these, . _ - /")
        if len(registry) + len(repository) >= MAX_NAME:
            raise _wrong(text, f"it is longer than {MAX_NAME} characters")
        if ":" in path and not TAG.fullmatch(tag):
            raise _wrong(text, f"{tag!r} is no tag")
        return cls(registry, repository, tag or ("" if digest else LATEST), digest)

    @property
    def name(self) -> str:
        """Without tag and digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def wanted(self) -> str:
        """What a registry is asked for: the digest where there is one, else the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")


def is_loopback(host: str) -> bool:
    """Whether "localhost", "127.0.0.1:5000" or "[::1]" is this machine. Never asks a name server."""
    name = host[1 : host.index("]")] if host.startswith("[") and "]" in host else host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _split(text: str) -> tuple[str, str]:
    """Registry and path. The first part is a registry where it cannot be a part of a repository."""
    first, slash, rest = text.partition("/")
    is_registry = slash and (first == "localhost" or any(sign in first for sign in ".:") or first != first.lower())
    if not is_registry:
        return HUB, text
    return (HUB if first in HUB_ALIASES else first), rest


def _wrong(text: str, why: str) -> ConfigError:
    return ConfigError(f"{text!r} names no image: {why}", hint=HINT)
