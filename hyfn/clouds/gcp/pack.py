"""Artifacts for Google Cloud Run functions: a zip with main.py, requirements.txt and everything else at its root.

All that the function needs travels in the zip, at the versions that were locked; Google's buildpack installs from
requirements.txt only the Functions Framework that serves it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from hyfn.clouds.gcp import resources
from hyfn.model import Container, FunctionSpec, Limit, Limits, Offer, Problem, Retirement, Runtime, Staged, Target, Tree
from hyfn.pack import naming

FRAMEWORK = "functions-framework==3.10.2"
TARGET = "hyfn_entry"
"""The function in main.py that the framework calls."""
DEFAULT_PYTHON = "3.13"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
GLIBC = {"3.14": "2.39"}
"""Python 3.14 runs on Ubuntu 24.04, the older ones on 22.04 (Google's list of runtimes and stacks)."""
OLDER_GLIBC = "2.35"
MEMORY, TIMEOUT = 256, 60
DEFAULTS = {"memory": MEMORY, "timeout": TIMEOUT, "min_instances": 0, "max_instances": 100, "concurrency": 1}
NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
MAX_NAME = 63
LIMITS = {
    "memory": (128, 32_768, "MiB of memory"),
    "timeout": (1, 3600, "seconds for a call"),
    "min_instances": (0, 1000, "instances kept ready"),
    "max_instances": (1, 1000, "instances"),
    "concurrency": (1, 1000, "calls at a time in one instance"),
}
"""https://cloud.google.com/functions/quotas, https://cloud.google.com/run/docs/configuring/request-timeout,
https://cloud.google.com/run/docs/about-concurrency. Not verified: the least memory, and the most instances, which are a
region's quota."""
VARIABLE = Limit(32 * 1024, "https://cloud.google.com/run/quotas")
"""There are none of a deployment's size, nor of all variables together (https://cloud.google.com/functions/quotas)."""
RESERVED = ("FUNCTION_.*", "K_.*", "PORT", "X_GOOGLE_.*")
"""https://cloud.google.com/run/docs/configuring/services/overview-environment-variables"""
SUPPORT = "https://cloud.google.com/functions/docs/runtime-support"
RETIREMENTS = {
    "3.11": Retirement(date(2027, 10, 24), date(2028, 4, 24), SUPPORT),
    "3.12": Retirement(date(2028, 10, 2), date(2029, 4, 2), SUPPORT),
    "3.13": Retirement(date(2029, 10, 10), date(2030, 4, 10), SUPPORT),
    "3.14": Retirement(date(2030, 10, 10), date(2031, 4, 10), SUPPORT),
}
"""When Google's support ends, and when nothing can be deployed any more."""
ENTRY = f"from hyfn.clouds.gcp.host import {TARGET}  # what Google calls\n"
LOAD = f"""
import importlib.util, os, sys, hyfn
path = os.path.join(os.path.dirname(hyfn.__path__[0]), "main.py")
spec = importlib.util.spec_from_file_location("main", path, submodule_search_locations=[os.path.dirname(path)])
sys.modules["main"] = main = importlib.util.module_from_spec(spec)
spec.loader.exec_module(main)
main.{TARGET}
"""
SHADOWED = 'import sys\n\ndel sys.modules["main"]  # the name belongs to the package beside this file\n'


class GcpPacker:
    def runtimes(self, target: Target) -> Sequence[Runtime]:
        """Options that `check` refuses give a runtime nonetheless."""
        python = str(target.options.get("python") or DEFAULT_PYTHON)
        return [Runtime(python, "x86_64", GLIBC.get(python, OLDER_GLIBC))]

    def check(self, function: FunctionSpec, target: Target) -> Iterable[Problem]:
        """What Google would refuse, each with the limit and what was given."""
        options = target.options
        for option, (least, most, what) in LIMITS.items():
            given = options.get(option, least)
            if not isinstance(given, int | float) or not least <= given <= most:
                said = f"Google Cloud gives {least} to {most} {what}, and {option}={given!r} was asked for"
                yield Problem("error", said, target.place, f"it is an option of @gcp on {function.qualname}")
        python = options.get("python") or DEFAULT_PYTHON
        if python not in PYTHONS:
            said = f"Google Cloud runs hyfn functions on Python {', '.join(PYTHONS)}, not {python!r}"
            yield Problem("error", said, target.place, f'python="{DEFAULT_PYTHON}"')
        if (name := options.get("name")) and not NAME.fullmatch(str(name)):
            said = (
                f"a function's name on Google Cloud is 1 to {MAX_NAME} of a-z, 0-9 and -, from a letter, not {name!r}"
            )
            yield Problem("error", said, target.place, "leave name= out, and hyfn derives one")
        yield from resources.problems(function)

    def limits(self, target: Target) -> Limits:  # noqa: ARG002
        return Limits("Google Cloud", variable=VARIABLE, reserved=RESERVED, retirements=RETIREMENTS)

    def platform_name(self, app: str, stage: str, function: FunctionSpec, target: Target) -> str:
        """`name=`, or one derived from app, stage and function: the same on every machine."""
        return str(target.options.get("name") or naming.derived(app, stage, function.name, MAX_NAME))

    def tree(self, staged: Staged) -> Tree:
        entry = {"main.py": main(staged), "requirements.txt": f"{FRAMEWORK}\n".encode()}
        return Tree({**staged.own, **staged.code, **entry})

    def container(self, target: Target) -> Container | None:  # noqa: ARG002
        return None

    def roots(self, unpacked: Path) -> list[Path]:
        """As the buildpack lays it out in /workspace: one import root."""
        return [unpacked]

    def provided(self, target: Target) -> Sequence[str]:  # noqa: ARG002
        """What requirements.txt installs."""
        return ("functions-framework",)

    def entry(self, target: Target) -> str:  # noqa: ARG002
        """As the framework does: main.py, from its file, as the module `main`; it loads the user's."""
        return LOAD

    def manifest(self, function: FunctionSpec, target: Target, name: str, image: str) -> Mapping[str, Any]:  # noqa: ARG002
        """The bodies of requests to Google's APIs, by kind and name: `functions`, and where there are triggers `jobs`,
        `triggers`, `queues` and `subscriptions`, with a second, internal function that takes events alone."""
        build = {"runtime": f"python{self.runtimes(target)[0].python.replace('.', '')}", "entryPoint": TARGET}
        return resources.manifest(function, target, name, build, DEFAULTS)

    def offers(self, target: Target) -> Mapping[str, Offer]:  # noqa: ARG002
        return resources.OFFERS


packer = GcpPacker()


def main(staged: Staged) -> bytes:
    """main.py. Where the user's own module has that name, its lines stay as they are and the entry follows them."""
    own = staged.code.get("main.py")
    if own is not None:
        return own.rstrip(b"\n") + b"\n\n\n" + ENTRY.encode()
    is_shadowed = any(name.startswith("main/") for name in staged.code)
    return ((SHADOWED if is_shadowed else "") + ENTRY).encode()
