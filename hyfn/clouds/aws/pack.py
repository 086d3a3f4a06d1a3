"""Artifacts for AWS Lambda: a zip with the code and everything it needs at its root, or an image of it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from hyfn.clouds.aws import resources, triggers
from hyfn.model import Container, FunctionSpec, Limit, Limits, Offer, Problem, Retirement, Runtime, Staged, Target, Tree
from hyfn.pack import naming

HANDLER = "hyfn.clouds.aws.host.handler"
BASE = "public.ecr.aws/lambda/python:{python}"
"""AWS's own image of the runtime, which starts the command as its handler."""
DEFAULT_PYTHON = "3.13"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
GLIBC = {"3.11": "2.26"}
"""Amazon Linux 2 carries Python 3.11, Amazon Linux 2023 the newer ones (AWS's list of Lambda runtimes)."""
NEWER_GLIBC = "2.34"
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
MEMORY, MIN_MEMORY, MAX_MEMORY = 128, 128, 10_240
TIMEOUT, MAX_TIMEOUT = 60, 900
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_NAME = 64
QUOTAS = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
PACKED = Limit(50 * 2**20, QUOTAS, "S3")
"""Of a zip that is uploaded directly."""
UNPACKED = Limit(250 * 2**20, QUOTAS)
IMAGE = Limit(10 * 2**30, QUOTAS)
"""Uncompressed, all layers."""
ENVIRONMENT = Limit(4096, QUOTAS)
SHORT = re.compile(r"[A-Za-z]|_\w*", re.ASCII)
"""Variables that Lambda takes none of: a name begins with a letter and has two at least
(https://docs.aws.amazon.com/lambda/latest/dg/API_Environment.html)."""
RESERVED = (
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_(DEFAULT_)?REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_(FUNCTION_NAME|FUNCTION_MEMORY_SIZE|FUNCTION_VERSION|INITIALIZATION_TYPE|LOG_GROUP_NAME|LOG_STREAM_NAME)",
    "AWS_LAMBDA_(RUNTIME_API|MAX_CONCURRENCY|METADATA_API|METADATA_TOKEN)",
    "AWS_ACCESS_KEY(_ID)?",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
)
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
RUNTIMES = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"
RETIREMENTS = {
    "3.11": Retirement(date(2027, 6, 30), date(2027, 7, 31), RUNTIMES),
    "3.12": Retirement(date(2028, 10, 31), date(2028, 11, 30), RUNTIMES),
    "3.13": Retirement(date(2029, 6, 30), date(2029, 7, 31), RUNTIMES),
    "3.14": Retirement(date(2029, 6, 30), date(2029, 7, 31), RUNTIMES),
}
"""When security patches end, and when no function may be created any more."""


class LambdaPacker:
    def runtimes(self, target: Target) -> Sequence[Runtime]:
        """Options that `check` refuses give a runtime nonetheless, of the default kind."""
        python = str(target.options.get("python") or DEFAULT_PYTHON)
        machine = MACHINES.get(str(target.options.get("architecture")), "x86_64")
        return [Runtime(python, machine, GLIBC.get(python, NEWER_GLIBC))]

    def check(self, function: FunctionSpec, target: Target) -> Iterable[Problem]:
        """What Lambda would refuse, each with the limit and what was given."""
        options = target.options
        for said in _refusals(options.get("memory", MEMORY), options.get("timeout", TIMEOUT)):
            yield Problem("error", said, target.place, f"it is an option of @{target.platform} on {function.qualname}")
        python = options.get("python") or DEFAULT_PYTHON
        if python not in PYTHONS:
            said = f"AWS Lambda runs hyfn functions on Python {_listed(PYTHONS)}, not {python!r}"
            yield Problem("error", said, target.place, f'python="{DEFAULT_PYTHON}"')
        if (architecture := options.get("architecture", "x86_64")) not in MACHINES:
            said = f"AWS Lambda has the architectures {_listed(list(MACHINES))}, not {architecture!r}"
            yield Problem("error", said, target.place, 'architecture="arm64" costs less, where every wheel exists')
        if (name := options.get("name")) and not NAME.fullmatch(str(name)):
            said = f"a function's name on AWS Lambda is 1 to {MAX_NAME} letters, digits, - and _, not {name!r}"
            yield Problem("error", said, target.place, "leave name= out, and hyfn derives one")
        for variable in options.get("env") or {}:
            if SHORT.fullmatch(str(variable)) and variable not in RESERVED:
                said = f"env has {variable}, and AWS Lambda wants a letter first, and two characters at least"
                yield Problem("error", said, target.place, "give it another name")
        yield from triggers.problems(function)

    def limits(self, target: Target) -> Limits:
        """An image brings its own Python, which Lambda does not retire."""
        if target.options.get("package") == "image":
            return Limits("AWS Lambda", image=IMAGE, environment=ENVIRONMENT, reserved=RESERVED)
        return Limits(
            "AWS Lambda",
            PACKED,
            UNPACKED,
            environment=ENVIRONMENT,
            reserved=RESERVED,
            retirements=RETIREMENTS,
            way_out='package="image"',
        )

    def platform_name(self, app: str, stage: str, function: FunctionSpec, target: Target) -> str:
        """`name=`, or one derived from app, stage and function: the same on every machine."""
        return str(target.options.get("name") or naming.derived(app, stage, function.name, MAX_NAME))

    def tree(self, staged: Staged) -> Tree:
        return Tree({**staged.own, **staged.code})

    def container(self, target: Target) -> Container | None:
        if target.options.get("package") != "image":
            return None
        return Container("var/task/", BASE.format(python=self.runtimes(target)[0].python), [], [HANDLER], {}, "", 0)

    def roots(self, unpacked: Path) -> list[Path]:
        """As Lambda lays it out in /var/task: one import root."""
        in_image = unpacked / "var" / "task"
        return [in_image if in_image.is_dir() else unpacked]

    def provided(self, target: Target) -> Sequence[str]:  # noqa: ARG002
        """Nothing: Lambda's boto3 changes without notice, so the locked one travels."""
        return ()

    def entry(self, target: Target) -> str:  # noqa: ARG002
        """As awslambdaric finds the handler; importing its module loads the user's."""
        module, _, name = HANDLER.rpartition(".")
        return f"from {module} import {name}"

    def manifest(self, function: FunctionSpec, target: Target, name: str, image: str) -> Mapping[str, Any]:
        """A CloudFormation template. Where a zip lies, and the role that it runs by, are parameters."""
        options = target.options
        made: dict[str, Any] = {
            "Architectures": [options.get("architecture", "x86_64")],
            "MemorySize": options.get("memory", MEMORY),
            "Timeout": math.ceil(options.get("timeout", TIMEOUT)),
        }
        if not image:
            made |= {"Handler": HANDLER, "Runtime": f"python{self.runtimes(target)[0].python}"}
        return resources.template(function, target, name, image, made)

    def offers(self, target: Target) -> Mapping[str, Offer]:  # noqa: ARG002
        return triggers.OFFERS


packer = LambdaPacker()


def _refusals(memory: object, timeout: object) -> Iterable[str]:
    if not isinstance(memory, int) or not MIN_MEMORY <= memory <= MAX_MEMORY:
        yield f"AWS Lambda gives {MIN_MEMORY} to {MAX_MEMORY} MB of memory, and memory={memory!r} was asked for"
    if not isinstance(timeout, int | float) or not 1 <= timeout <= MAX_TIMEOUT:
        yield f"AWS Lambda ends a call after 1 to {MAX_TIMEOUT} seconds, and timeout={timeout!r} was asked for"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
