"""Artifacts for this machine: a zip with the code and everything it needs at its root."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hyfn.model import Container, FunctionSpec, Limits, Offer, Problem, Runtime, Staged, Target, Tree
from hyfn.pack import naming

HOST = "hyfn.clouds.local.host"
DEFAULT_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
"""The one that runs hyfn, and the developer's code with it."""
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
OLDEST_GLIBC = "2.17"
MAX_NAME = 63

OFFERS = {"http": Offer("a port on loopback", "https://www.rfc-editor.org/rfc/rfc9112", ("methods", "mount"))}


class LocalPacker:
    def runtimes(self, target: Target) -> Sequence[Runtime]:
        python = str(target.options.get("python") or DEFAULT_PYTHON)
        return [Runtime(python, platform.machine(), platform.libc_ver()[1] or OLDEST_GLIBC)]

    def check(self, function: FunctionSpec, target: Target) -> Iterable[Problem]:
        """What would not run here, each with the limit and what was given."""
        advice = f"it is an option of @local on {function.qualname}"
        timeout = target.options.get("timeout", 60)
        if not isinstance(timeout, int | float) or timeout <= 0:
            yield Problem("error", f"a timeout is a number of seconds, not {timeout!r}", target.place, advice)
        python = target.options.get("python")
        if python and python not in PYTHONS:
            said = f"hyfn functions run on Python {', '.join(PYTHONS)}, not {python!r}"
            yield Problem("error", said, target.place, advice)

    def limits(self, target: Target) -> Limits:  # noqa: ARG002
        return Limits("this machine", reserved=("PORT",))

    def platform_name(self, app: str, stage: str, function: FunctionSpec, target: Target) -> str:  # noqa: ARG002
        return naming.derived(app, stage, function.name, MAX_NAME)

    def tree(self, staged: Staged) -> Tree:
        return Tree({**staged.own, **staged.code})

    def container(self, target: Target) -> Container | None:  # noqa: ARG002
        return None

    def roots(self, unpacked: Path) -> list[Path]:
        """Where it was unpacked: one import root."""
        return [unpacked]

    def provided(self, target: Target) -> Sequence[str]:  # noqa: ARG002
        """Nothing: what is installed on this machine is not what the project locks."""
        return ()

    def entry(self, target: Target) -> str:  # noqa: ARG002
        return "from hyfn.host.run import runner; runner()"

    def manifest(self, function: FunctionSpec, target: Target, name: str, image: str) -> None:  # noqa: ARG002
        """None: a process needs none."""
        return

    def offers(self, target: Target) -> Mapping[str, Offer]:  # noqa: ARG002
        return OFFERS


packer = LocalPacker()
