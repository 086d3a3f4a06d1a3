"""Artifacts for Knative: an image with everything that the function needs under /app."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from hyfn.errors import BuildError
from hyfn.model import Container, FunctionSpec, Limits, Problem, Runtime, Staged, Target, Tree
from hyfn.pack import naming

HOST = "hyfn.clouds.knative.host"
"""The container runs `python3 -m` this, in /app."""
FUNC_MODULE = "function"
"""The package in which func-python's scaffolding looks for `new`."""
FUNC = f'"""What Knative\'s func-python serves."""\n\nfrom {HOST} import new\n\n__all__ = ["new"]\n'
SCAFFOLD = f"from func_python.http import serve; from {FUNC_MODULE} import new; serve(new)"
"""What func's own build starts."""
DEFAULT_PYTHON = "3.13"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
GLIBC = "2.36"
"""Debian 12, the base of the images."""
BASE = "docker.io/library/python:{python}-slim-bookworm"
NOBODY = "65532:65532"
PORT = 8080
"""Where a container listens that is not told otherwise (Knative's runtime contract)."""
MACHINES = {"x86_64": ["x86_64"], "arm64": ["aarch64"], "multi": ["x86_64", "aarch64"]}
RUNTIMES = ("hyfn", "func")
MAX_NAME = 63
NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LIMITS = {
    "memory": (0, 1024 * 1024, "MiB of memory"),
    "cpu": (0, 1024, "cores"),
    "timeout": (1, 600, "seconds for a call"),
    "min_instances": (0, 1000, "instances kept ready"),
    "max_instances": (0, 1000, "instances"),
    "concurrency": (0, 1000, "calls at a time in one instance"),
}
"""600 is max-revision-timeout-seconds and 1000 container-concurrency-max-limit in Knative's config-defaults."""
RESERVED = ("K_SERVICE", "K_CONFIGURATION", "K_REVISION", "PORT")
"""Those that a revision is refused for (reservedEnvVars in knative.dev/serving/pkg/apis/serving/k8s_validation.go)."""


class KnativePacker:
    def runtimes(self, target: Target) -> Sequence[Runtime]:
        """Options that `check` refuses give a runtime nonetheless, of the default kind."""
        python = str(target.options.get("python") or DEFAULT_PYTHON)
        machines = MACHINES.get(str(target.options.get("architecture")), ["x86_64"])
        return [Runtime(python, machine, GLIBC) for machine in machines]

    def check(self, function: FunctionSpec, target: Target) -> Iterable[Problem]:
        """What Knative would refuse, each with the limit and what was given."""
        advice = f"it is an option of @{target.platform} on {function.qualname}"
        for said in (*_out_of_range(target), *_not_offered(target)):
            yield Problem("error", said, target.place, advice)
        for option, rule in (("name", NAME), ("namespace", NAMESPACE)):
            given = target.options.get(option)
            if given and not rule.fullmatch(str(given)):
                said = f"a {option} on Knative is a DNS label, 1 to {MAX_NAME} of a-z, 0-9 and -, not {given!r}"
                yield Problem("error", said, target.place, f"leave {option}= out, and the default is taken")

    def limits(self, target: Target) -> Limits:  # noqa: ARG002
        """A cluster has no limit of an image's size, and it brings its own Python."""
        return Limits("Knative", reserved=RESERVED)

    def platform_name(self, app: str, stage: str, function: FunctionSpec, target: Target) -> str:
        """`name=`, or one derived from app, stage and function: the same on every machine."""
        return str(target.options.get("name") or naming.derived(app, stage, function.name, MAX_NAME))

    def tree(self, staged: Staged) -> Tree:
        """Raises BuildError where the code has func's own name for itself."""
        files = {**staged.own, **staged.code}
        if is_func(staged.target):
            _refuse_shadowed(staged)
            files[f"{FUNC_MODULE}/__init__.py"] = FUNC.encode()
        return Tree(files)

    def container(self, target: Target) -> Container | None:
        """With runtime="func" it stands on no base by itself: func-python must be in the one that is named."""
        base = "" if is_func(target) else BASE.format(python=self.runtimes(target)[0].python)
        start = ["-c", SCAFFOLD] if is_func(target) else ["-m", HOST]
        return Container("app/", base, ["python3", *start], [], {}, NOBODY, PORT)

    def roots(self, unpacked: Path) -> list[Path]:
        """As a container engine lays it out in /: one import root, /app."""
        return [unpacked / "app"]

    def provided(self, target: Target) -> Sequence[str]:
        """What func's own build puts into its image."""
        return ("func-python",) if is_func(target) else ()

    def entry(self, target: Target) -> str:
        """As the container's process does, but for listening."""
        return f"from {FUNC_MODULE if is_func(target) else HOST} import new; new()"


packer = KnativePacker()


def is_func(target: Target) -> bool:
    return target.options.get("runtime") == "func"


def _out_of_range(target: Target) -> Iterable[str]:
    for option, (least, most, what) in LIMITS.items():
        given = target.options.get(option, least)
        if not isinstance(given, int | float) or not least <= given <= most:
            yield f"Knative gives {least} to {most} {what}, and {option}={given!r} was asked for"
    fewest, most_instances = target.options.get("min_instances", 0), target.options.get("max_instances", 0)
    if 0 < most_instances < fewest:
        yield f"min_instances={fewest} is more than max_instances={most_instances}"


def _not_offered(target: Target) -> Iterable[str]:
    offered = {"python": PYTHONS, "architecture": tuple(MACHINES), "runtime": RUNTIMES}
    for option, values in offered.items():
        given = target.options.get(option)
        if given and given not in values:
            yield f"hyfn's images for Knative have {option} {', '.join(values)}, not {given!r}"


def _refuse_shadowed(staged: Staged) -> None:
    for name in staged.code:
        if name == f"{FUNC_MODULE}.py" or name.startswith(f"{FUNC_MODULE}/"):
            raise BuildError(
                f"{name} has the name of the package in which func-python looks for the function",
                where=str(staged.target.place),
                hint=f'rename it, or leave runtime="func" out on {staged.function.qualname}',
            )
