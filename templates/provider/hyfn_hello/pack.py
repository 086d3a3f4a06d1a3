"""Artifacts for the platform: an image with everything that the function needs under /app. Never talks to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hyfn.model import Container, FunctionSpec, Limits, Offer, Problem, Runtime, Staged, Target, Tree
from hyfn.pack import contained, naming

PLATFORM = "hello"
"""Its name in messages."""
HOST = "hyfn_hello.host"
RANGES: contained.Ranges = {
    "memory": (1, 1024 * 1024, "MiB of memory"),
    "timeout": (1, 3600, "seconds for a call"),
}
"""The least and the most that the platform gives: name the page of its vendor that says so."""
OFFERED = {"python": contained.PYTHONS}


class Packer:
    """See hyfn.cloud.Packer for what each of these promises."""

    def runtimes(self, target: Target) -> Sequence[Runtime]:
        return contained.runtimes(target)

    def check(self, function: FunctionSpec, target: Target) -> Iterable[Problem]:
        """What the platform would refuse, each with the limit and what was given."""
        advice = f"it is an option of @{target.platform} on {function.qualname}"
        for said in contained.wrong(target, PLATFORM, RANGES, OFFERED):
            yield Problem("error", said, target.place, advice)
        for said, hint in contained.misnamed(target.options, PLATFORM):
            yield Problem("error", said, target.place, hint)

    def limits(self, target: Target) -> Limits:
        return Limits(PLATFORM, reserved=("PORT",))

    def platform_name(self, app: str, stage: str, function: FunctionSpec, target: Target) -> str:
        return str(target.options.get("name") or naming.derived(app, stage, function.name, contained.MAX_LABEL))

    def tree(self, staged: Staged) -> Tree:
        return Tree({**staged.own, **staged.code})

    def container(self, target: Target) -> Container | None:
        """None, and roots that are [unpacked], where the platform takes a zip."""
        return contained.container(target, HOST)

    def roots(self, unpacked: Path) -> list[Path]:
        return contained.roots(unpacked)

    def provided(self, target: Target) -> Sequence[str]:
        return ()

    def entry(self, target: Target) -> str:
        return f"import {HOST}; from hyfn.host.run import runner; runner()"

    def manifest(self, function: FunctionSpec, target: Target, name: str, image: str) -> Mapping[str, Any] | None:
        """What the platform's own tools take beside the artifact, None where they need nothing."""
        return None

    def offers(self, target: Target) -> Mapping[str, Offer]:
        """The kinds of hyfn.on that the platform has; on.py then takes their events."""
        return {}


packer = Packer()
