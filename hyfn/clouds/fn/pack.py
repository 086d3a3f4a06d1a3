"""Artifacts for Fn: an image with everything that the function needs under /function, Fn's own fdk too.

Fn's images of Python hold no fdk (internal/images/runtime/*/Dockerfile in fnproject/fdk-python): Fn's own build puts it
beside the function, and so does this one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hyfn.clouds.fn import resources
from hyfn.errors import BuildError
from hyfn.model import Container, FunctionSpec, Limit, Limits, Offer, Problem, Runtime, Staged, Target, Tree
from hyfn.pack import naming

FDK = "fdk>=0.1.128,<0.2"
HTTPTOOLS = "httptools>=0.5"
"""The one distribution that fdk imports when it serves; it declares pytest and Cython too, which it does not."""
SCRIPT, YAML, COMMAND = "func.py", "func.yaml", "bin/fdk"
"""The module that fdk loads, what Fn's command line reads, and fdk's own command."""
HANDLER = "handler"
DEFAULT_PYTHON = "3.12"
PYTHONS = ("3.11", "3.12")
"""https://docs.oracle.com/iaas/Content/Functions/Tasks/languagessupportedbyfunctions.htm"""
GLIBC = "2.28"
"""Oracle Linux 8, on which Fn's images of Python stand."""
BASE = "docker.io/fnproject/python:{python}"
USER = "1000:1000"
"""`fn` in Fn's images."""
ENV = {"PYTHONUNBUFFERED": "1"}
"""Between two calls a container is frozen, with what it has not written."""
MACHINES = {"x86_64": ["x86_64"], "arm64": ["aarch64"], "multi": ["x86_64", "aarch64"]}
WORDS = {"fn": "Fn", "oracle": "Oracle Functions"}
ORACLE = "oracle"
MEMORY, MAX_MEMORY = 128, 8192
TIMEOUT, MAX_TIMEOUT = 30, 300
"""MB and seconds (MaxMemory and MaxTimeout in fn/api/models/fn.go of fnproject/fn)."""
ORACLE_MEMORIES = (128, 256, 512, 1024, 2048, 3072)
"""https://docs.oracle.com/iaas/Content/Functions/Tasks/functionscustomizing.htm, as is the longest timeout, 300 s."""
MAX_NAME = 255
NAME = re.compile(r"[A-Za-z0-9._~-]{1,255}")
"""MaxLengthFnName in fn/api/models/error.go; a name must be one that a URL's path need not escape (models/fn.go). What
Oracle Functions takes beyond that its pages do not say."""
SIZE = 6 * 2**20
"""Bytes of a request, "6MB" in https://docs.oracle.com/iaas/api/#/en/functions/latest/Function/InvokeFunction; of a
response the same is said of Oracle Functions, not by Oracle's reference."""
CONFIG = Limit(4096, "https://docs.oracle.com/iaas/api/#/en/functions/latest/datatypes/CreateFunctionDetails")
"""All keys and values of a function's configuration, in UTF-8. Fn itself has no limit."""
RESERVED = ("FN_.*",)
"""buildConfig in fn/api/agent/call.go sets them over the function's own."""
ORACLE_RESERVED = ("OCI_(TRACE_COLLECTOR_URL|TRACING_ENABLED|RESOURCE_PRINCIPAL_.*)",)
"""fdk's constants; https://docs.oracle.com/iaas/Content/Functions/Tasks/functionsaccessingociresources.htm"""
ENTRY = f"from hyfn.clouds.fn.host import {HANDLER}  # what fdk calls\n"
FDK_COMMAND = '''"""fdk's own command, with this artifact's modules before all others."""

import sys

sys.path[0] = __file__.rpartition("/bin/")[0] or "."

from fdk.scripts.fdk import main

main()
'''
LOAD = f"""
import os, hyfn
from fdk import customer_code
import fdk.scripts.fdk
path = os.path.join(os.path.dirname(hyfn.__path__[0]), "{SCRIPT}")
assert callable(customer_code.Function(path, "{HANDLER}").handler())
"""


class FnPacker:
    def runtimes(self, target: Target) -> Sequence[Runtime]:
        """Options that `check` refuses give a runtime nonetheless, of the default kind."""
        python = str(target.options.get("python") or DEFAULT_PYTHON)
        machines = MACHINES.get(str(target.options.get("architecture")), ["x86_64"])
        return [Runtime(python, machine, GLIBC) for machine in machines]

    def check(self, function: FunctionSpec, target: Target) -> Iterable[Problem]:
        """What Fn, or Oracle Functions, would refuse, each with the limit and what was given."""
        advice = f"it is an option of @{target.platform} on {function.qualname}"
        for said in (*_wrong_sizes(target), *_not_offered(target)):
            yield Problem("error", said, target.place, advice)
        for option in ("name", "app"):
            given = target.options.get(option)
            if given and not NAME.fullmatch(str(given)):
                said = f"{_who(target)} takes 1 to {MAX_NAME} letters, digits, -, _, . and ~ as {option}, not {given!r}"
                yield Problem("error", said, target.place, f"leave {option}= out, and the default is taken")
        yield from resources.problems(function, target.platform == ORACLE)

    def limits(self, target: Target) -> Limits:
        """Neither limits an image's size, and the image brings its own Python."""
        if target.platform == ORACLE:
            return Limits(_who(target), environment=CONFIG, reserved=(*RESERVED, *ORACLE_RESERVED))
        return Limits(_who(target), reserved=RESERVED)

    def platform_name(self, app: str, stage: str, function: FunctionSpec, target: Target) -> str:
        """`name=`, or one derived from app, stage and function: the same on every machine."""
        return str(target.options.get("name") or naming.derived(app, stage, function.name, MAX_NAME))

    def serving(self, target: Target) -> Sequence[str]:  # noqa: ARG002
        """What serves the function in its container."""
        return (FDK, HTTPTOOLS)

    def tree(self, staged: Staged) -> Tree:
        """Raises BuildError for a project's file or package that is in the way of Fn's own."""
        _refuse_collisions(staged)
        made = {SCRIPT: _script(staged), YAML: func_yaml(staged), COMMAND: FDK_COMMAND.encode()}
        return Tree({**staged.own, **staged.code, **made})

    def container(self, target: Target) -> Container | None:
        """By the full name of its Python: `python3` of fnproject/python:3.12 is another."""
        python = self.runtimes(target)[0].python
        return Container("function/", BASE.format(python=python), entrypoint(python), [], ENV, USER, 0)

    def roots(self, unpacked: Path) -> list[Path]:
        """As a container engine lays it out in /: one import root, /function."""
        return [unpacked / "function"]

    def provided(self, target: Target) -> Sequence[str]:  # noqa: ARG002
        return ()

    def entry(self, target: Target) -> str:  # noqa: ARG002
        """As fdk does, by its own loader, but for listening."""
        return LOAD

    def manifest(self, function: FunctionSpec, target: Target, name: str, image: str) -> Mapping[str, Any]:
        """The body of Fn's POST /v2/fns (fn/api/models/fn.go) or of Oracle's CreateFunction, but for the application's
        id, which only its server knows. Triggers stand beside it (see resources.py): Fn's as POST /v2/triggers takes
        them (fn/api/models/trigger.go), but for ids."""
        options = target.options
        memory, config = options.get("memory") or MEMORY, dict(options.get("env") or {})
        if target.platform == ORACLE:
            sizes = {"memoryInMBs": memory, "timeoutInSeconds": seconds(options)}
            made = {"displayName": name, "image": image, **sizes, "config": config}
            waking = resources.triggers(function, name)
            return {"function": made, **waking} if waking else made
        made = {"name": name, "image": image, "memory": memory, "timeout": seconds(options), "config": config}
        paths = [trigger.resource for trigger in function.triggers if trigger.kind == "http"]
        return {"function": made, "triggers": resources.sources(paths)} if paths else made

    def offers(self, target: Target) -> Mapping[str, Offer]:
        return resources.OFFERS if target.platform == ORACLE else resources.FN_OFFERS


packer = FnPacker()


def entrypoint(python: str) -> list[str]:
    """How the container starts: what Fn's own build names /python/bin/fdk is here among the rest."""
    return [f"python{python}", f"/function/{COMMAND}", f"/function/{SCRIPT}", HANDLER]


def seconds(options: Mapping[str, object]) -> int:
    """The timeout as Fn counts it: in whole seconds."""
    return math.ceil(float(str(options.get("timeout") or TIMEOUT)))


def func_yaml(staged: Staged) -> bytes:
    """What Fn's command line knows of a function (https://github.com/fnproject/docs, fn/develop/func-file.md).

    The name is without a stage, which a build does not know.
    """
    options, python = staged.target.options, staged.runtime.python
    plain = re.sub(r"[^a-z0-9]+", "-", staged.function.qualname.lower()).strip("-")
    said: dict[str, Any] = {
        "schema_version": 20180708,
        "name": str(options.get("name") or plain or "function"),
        "version": "0.0.1",
        "runtime": f"python{python}",
        "build_image": f"fnproject/python:{python}-dev",
        "run_image": f"fnproject/python:{python}",
        "entrypoint": " ".join(entrypoint(python)),
        "memory": options.get("memory") or MEMORY,
        "timeout": seconds(options),
    }
    said |= {"config": dict(options["env"])} if options.get("env") else {}
    paths = _paths(staged)
    said |= {"triggers": resources.sources(paths)} if paths and staged.target.platform != ORACLE else {}
    # Each JSON value is one of YAML.
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in said.items()).encode()


def _paths(staged: Staged) -> list[str]:
    """Of all functions in the artifact that take plain HTTP."""
    triggers = json.loads(staged.own.get("hyfn.json", b"{}")).get("triggers", {})
    return [trigger["path"] for waiting in triggers.values() for trigger in waiting if trigger["kind"] == "http"]


def _script(staged: Staged) -> bytes:
    """func.py. Where the user's own module has that name, its lines stay as they are and the entry follows them."""
    own = staged.code.get(SCRIPT)
    if own is not None:
        return own.rstrip(b"\n") + b"\n\n\n" + ENTRY.encode()
    return ENTRY.encode()


def _refuse_collisions(staged: Staged) -> None:
    for path in staged.code:
        if path in (YAML, COMMAND):
            raise BuildError(
                f"an artifact for {_who(staged.target)} has a {path} of its own",
                where=str(staged.target.place),
                hint="give the project's file another name",
            )
        if path.startswith(("func/", "fdk/")) or path == "fdk.py":
            name = path.partition("/")[0].removesuffix(".py")
            raise BuildError(
                f"{path} would stand in the way: fdk knows {name} as {'the entry' if name == 'func' else 'itself'}",
                where=str(staged.target.place),
                hint="rename it",
            )


def _wrong_sizes(target: Target) -> Iterable[str]:
    who = _who(target)
    memory, timeout = target.options.get("memory", MEMORY), target.options.get("timeout", TIMEOUT)
    if target.platform == ORACLE and memory not in ORACLE_MEMORIES:
        yield f"{who} gives {_listed(ORACLE_MEMORIES)} MB of memory, and memory={memory!r} was asked for"
    elif not _is_within(memory, MAX_MEMORY):
        yield f"{who} gives 1 to {MAX_MEMORY} MB of memory, and memory={memory!r} was asked for"
    if not _is_within(timeout, MAX_TIMEOUT):
        yield f"{who} ends a call after 1 to {MAX_TIMEOUT} seconds, and timeout={timeout!r} was asked for"


def _is_within(given: object, most: int) -> bool:
    return isinstance(given, int | float) and 1 <= given <= most


def _not_offered(target: Target) -> Iterable[str]:
    python = target.options.get("python") or DEFAULT_PYTHON
    if python not in PYTHONS:
        yield f"Fn's images have Python {_listed(PYTHONS)}, not {python!r}"
    architecture = target.options.get("architecture", "x86_64")
    if architecture not in MACHINES:
        yield f"{_who(target)} has the architectures {_listed(list(MACHINES))}, not {architecture!r}"


def _listed(values: Sequence[object]) -> str:
    *most, last = map(str, values)
    return f"{', '.join(most)} or {last}"


def _who(target: Target) -> str:
    return WORDS.get(target.platform, target.platform)
