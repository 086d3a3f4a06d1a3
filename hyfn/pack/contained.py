"""Artifacts that are an image: a Python, and under /app everything else, with hyfn's own host to start it.

What all platforms that run containers have in common; each adds what it says and takes itself. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hyfn.model import Container, Runtime, Target

DEFAULT_PYTHON = "3.13"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
GLIBC = "2.36"
"""Debian 12, the base of the images."""
BASE = "docker.io/library/python:{python}-slim-bookworm"
NOBODY = "65532:65532"
"""By number: a cluster can tell that it is not root, which `runAsNonRoot` asks for, without looking into the image."""
PORT = 8080
ROOT = "app/"
MACHINES = {"x86_64": ["x86_64"], "arm64": ["aarch64"], "multi": ["x86_64", "aarch64"]}
OFFERED: Mapping[str, Sequence[str]] = {"python": PYTHONS, "architecture": tuple(MACHINES)}
MAX_LABEL = 63
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A DNS label (RFC 1123), as namespaces are named."""
NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""One that begins with a letter (RFC 1035), as services are named.
https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"""

Ranges = Mapping[str, tuple[float, float, str]]
"""By option: the least and the most that there is of it, and what it counts."""


def runtimes(target: Target) -> list[Runtime]:
    """One for each machine that the image is for. Options that no platform takes give the default kind."""
    python = str(target.options.get("python") or DEFAULT_PYTHON)
    return [Runtime(python, machine, GLIBC) for machine in machines(target)]


def machines(target: Target) -> Sequence[str]:
    return MACHINES.get(str(target.options.get("architecture")), MACHINES["x86_64"])


def container(target: Target, host: str, user: str = NOBODY) -> Container:
    """One that runs `python3 -m` the module `host`, in /app."""
    base = BASE.format(python=runtimes(target)[0].python)
    return Container(ROOT, base, ["python3", "-m", host], [], {}, user, PORT)


def roots(unpacked: Path) -> list[Path]:
    """As a container engine lays an image out in /: one import root, /app."""
    return [unpacked / ROOT]


def wrong(target: Target, platform: str, ranges: Ranges, offered: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What is out of its range, and what hyfn has no image for. `platform` is its name in words."""
    for option, (least, most, what) in ranges.items():
        given = target.options.get(option, least)
        if not isinstance(given, int | float) or not least <= given <= most:
            yield f"{platform} gives {least} to {most} {what}, and {option}={given!r} was asked for"
    for option, values in offered.items():
        given = target.options.get(option)
        if given and given not in values:
            yield f"hyfn's images for {platform} have {option} {', '.join(values)}, not {given!r}"


def misnamed(options: Mapping[str, Any], platform: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the name and the namespace, and how to mend it."""
    for option, rule in (("name", NAME), ("namespace", LABEL)):
        given = options.get(option)
        if given and not rule.fullmatch(str(given)):
            said = f"a {option} on {platform} is a DNS label, 1 to {MAX_LABEL} of a-z, 0-9 and -, not {given!r}"
            yield said, f"leave {option}= out, and the default is taken"
