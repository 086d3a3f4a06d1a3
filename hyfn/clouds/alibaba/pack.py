"""Artifacts for Function Compute: a zip with the code and everything it needs at its root, which becomes /code."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hyfn.clouds.alibaba import triggers
from hyfn.clouds.alibaba.host import PORT
from hyfn.model import Container, FunctionSpec, Limit, Limits, Offer, Problem, Runtime, Staged, Target, Tree
from hyfn.pack import naming

HOST = "hyfn.clouds.alibaba.host"
DEFAULT_PYTHON = "3.12"
RUNTIMES = {
    "3.11": ("custom.debian12", "/usr/bin/python3", "2.36"),
    "3.12": ("custom.debian11", "/var/fc/lang/python3.12/bin/python3", "2.31"),
}
"""By Python: the custom runtime that has it in place, its interpreter, and the runtime's glibc.

Which Python lies where: https://www.alibabacloud.com/help/zh/functioncompute/overview-10, which calls custom.debian12 a
public preview in six regions of China; hence the default. The glibc is that of the Debian release that the page names.
custom.debian10 ends at Python 3.10. All run on x86_64 alone. None of this was tried on the platform.
"""
MEMORY, MEMORY_STEP, CPU_STEP, TIMEOUT, CONCURRENCY = 256, 64, 0.05, 60, 1
LIMITS = {
    "memory": (128, 32_768, "MB of memory", MEMORY),
    "timeout": (1, 86_400, "seconds for a call", TIMEOUT),
    "concurrency": (1, 200, "calls at a time in one instance", CONCURRENCY),
}
"""From the descriptions in CreateFunctionInput of Alibaba's client (PyPI alibabacloud-fc20230330 4.8.3), as are the
steps and the proportion of cpu to memory; of the concurrency, in https://github.com/aliyun/alibabacloud-fc-mcp-server."""
MAX_NAME = 64
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
"""CreateFunctionInput of the same client."""
VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
VARIABLES = "https://www.alibabacloud.com/help/en/functioncompute/fc/environment-variables"
PACKED = Limit(
    500 * 2**20, "https://www.alibabacloud.com/help/en/functioncompute/fc-3-0/product-overview/limits-of-usage"
)
"""Of a zip that comes from Alibaba's object store (OSS); one that travels in the API call itself may have 100 MB as
base64. None is published of what it unpacks to."""
ENVIRONMENT = Limit(4096, VARIABLES)
RESERVED = ("FC_.*",)

METHODS = ["HEAD", "POST", "PUT", "GET", "DELETE", "PATCH", "OPTIONS"]
"""All that an HTTP trigger has: HTTPTriggerConfig of the same client."""
OWN = ("/invoke", "/initialize", "/pre-stop")
"""Paths at which Function Compute itself asks."""
OFFERS = {
    "http": Offer(
        "an HTTP trigger",
        "https://www.alibabacloud.com/help/en/functioncompute/fc/user-guide/http-triggers-overview",
        ("methods", "mount"),
    ),
    **triggers.OFFERS,
}


class AlibabaPacker:
    def runtimes(self, target: Target) -> Sequence[Runtime]:
        """Options that `check` refuses give a runtime nonetheless, of the default kind."""
        python = str(target.options.get("python") or DEFAULT_PYTHON)
        return [Runtime(python, "x86_64", RUNTIMES.get(python, RUNTIMES[DEFAULT_PYTHON])[2])]

    def check(self, function: FunctionSpec, target: Target) -> Iterable[Problem]:
        """What Function Compute would refuse, each with the limit and what was given."""
        options = target.options
        for said in (*_out_of_range(options), *_bad_size(options)):
            yield Problem("error", said, target.place, f"it is an option of @{target.platform} on {function.qualname}")
        for trigger in function.triggers:
            if trigger.kind == "http" and trigger.resource in OWN:
                said = f"Function Compute itself asks at {trigger.resource}"
                yield Problem("error", said, trigger.place, "give the function another path")
        python = options.get("python") or DEFAULT_PYTHON
        if python not in RUNTIMES:
            said = f"Function Compute's custom runtimes have Python {' and '.join(RUNTIMES)}, not {python!r}"
            yield Problem("error", said, target.place, f'python="{DEFAULT_PYTHON}"')
        if (name := options.get("name")) and not NAME.fullmatch(str(name)):
            said = f"a function's name is 1 to {MAX_NAME} letters, digits, - and _, from a letter or _, not {name!r}"
            yield Problem("error", said, target.place, "leave name= out, and hyfn derives one")
        for variable in options.get("env", {}):
            if not VARIABLE.fullmatch(variable):
                said = f"a variable on Function Compute is letters, digits and _, from a letter, not {variable!r}"
                yield Problem("error", said, target.place, f"see {VARIABLES}")
        yield from triggers.problems(function)

    def limits(self, target: Target) -> Limits:  # noqa: ARG002
        """Alibaba publishes no day on which it gives up a custom runtime."""
        return Limits("Function Compute", PACKED, environment=ENVIRONMENT, reserved=RESERVED)

    def platform_name(self, app: str, stage: str, function: FunctionSpec, target: Target) -> str:
        """`name=`, or one derived from app, stage and function: the same on every machine."""
        return str(target.options.get("name") or naming.derived(app, stage, function.name, MAX_NAME))

    def tree(self, staged: Staged) -> Tree:
        return Tree({**staged.own, **staged.code})

    def container(self, target: Target) -> Container | None:  # noqa: ARG002
        return None

    def roots(self, unpacked: Path) -> list[Path]:
        """As Function Compute lays it out in /code, where the start command runs: one import root."""
        return [unpacked]

    def provided(self, target: Target) -> Sequence[str]:  # noqa: ARG002
        """Nothing: what the runtimes have in place changes without notice."""
        return ()

    def entry(self, target: Target) -> str:  # noqa: ARG002
        """As the start command does, but for listening."""
        return f"import {HOST}\nfrom hyfn.host.run import runner\nrunner()"

    def manifest(self, function: FunctionSpec, target: Target, name: str, image: str) -> Mapping[str, Any]:  # noqa: ARG002
        """The bodies of CreateFunction, without the code, and of CreateTrigger (2023-03-30), and of EventBridge's
        CreateRule. ${account} stands for the account's number, and ${region} where no region is chosen."""
        options = target.options
        python = str(options.get("python") or DEFAULT_PYTHON)
        runtime, *_ = RUNTIMES.get(python, RUNTIMES[DEFAULT_PYTHON])
        interpreter, *arguments = start(python)
        made: dict[str, Any] = {
            "functionName": name,
            "runtime": runtime,
            "handler": HOST,  # required, and of no effect in a custom runtime
            "memorySize": options.get("memory", MEMORY),
            "timeout": math.ceil(options.get("timeout", TIMEOUT)),
            "instanceConcurrency": options.get("concurrency", CONCURRENCY),
            "customRuntimeConfig": {"command": [interpreter], "args": arguments, "port": PORT},
            "environmentVariables": dict(options.get("env", {})),
        }
        # Both are wanted where one is given.
        made |= {"cpu": options["cpu"], "diskSize": 512} if options.get("cpu") else {}
        is_public = any(trigger.kind == "http" for trigger in function.triggers)
        http = [_http_trigger(is_public)] if is_public or options.get("url") else []
        others = triggers.triggers(function, target, name)
        return {"function": made, "triggers": http + others, "rules": triggers.rules(function, target, name)}

    def offers(self, target: Target) -> Mapping[str, Offer]:  # noqa: ARG002
        return OFFERS


packer = AlibabaPacker()


def start(python: str) -> list[str]:
    """The start command in /code: the runtime's own interpreter and its arguments."""
    return [RUNTIMES.get(python, RUNTIMES[DEFAULT_PYTHON])[1], "-m", HOST]


def _http_trigger(is_public: bool) -> dict[str, str]:
    """For signed requests only, unless anybody is to come in."""
    configuration = json.dumps(
        {"authType": "anonymous", "methods": METHODS} if is_public else {"authType": "function", "methods": ["POST"]}
    )
    return {"triggerName": "http", "triggerType": "http", "triggerConfig": configuration}


def _out_of_range(options: Mapping[str, Any]) -> Iterable[str]:
    for option, (least, most, what, default) in LIMITS.items():
        given = options.get(option, default)
        if not isinstance(given, int | float) or not least <= given <= most:
            yield f"Function Compute gives {least} to {most} {what}, and {option}={given!r} was asked for"


def _bad_size(options: Mapping[str, Any]) -> Iterable[str]:
    memory, cpu = options.get("memory", MEMORY), options.get("cpu", 0)
    if isinstance(memory, int) and memory % MEMORY_STEP:
        yield f"Function Compute gives memory in steps of {MEMORY_STEP} MB, and memory={memory} was asked for"
    if not cpu:
        return
    if not isinstance(cpu, int | float) or not CPU_STEP <= cpu <= 16 or round(cpu * 100) % 5:
        yield f"Function Compute gives {CPU_STEP} to 16 vCPUs in steps of {CPU_STEP}, and cpu={cpu!r} was asked for"
    elif isinstance(memory, int) and not memory / 4096 <= cpu <= memory / 1024:
        yield f"Function Compute gives one vCPU for every 1 to 4 GB of memory, not cpu={cpu} for memory={memory}"
