"""Artifacts for Azure Functions: a zip with host.json, function_app.py, the user's code, and libraries beside it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from hyfn.clouds.azure import bindings, template
from hyfn.errors import BuildError
from hyfn.model import Container, FunctionSpec, Limit, Limits, Offer, Problem, Retirement, Runtime, Staged, Target, Tree
from hyfn.pack import naming, stage

GLIBC = {"3.11": "2.31", "3.12": "2.36", "3.13": "2.36"}
"""Microsoft's images are Debian 11 for Python 3.11 and Debian 12 for newer (host/4 in Azure/azure-functions-docker)."""
PYTHONS = tuple(GLIBC)
PYTHON = "3.13"
MEMORIES = (512, 2048, 4096)
"""MB of one instance in the Flex Consumption plan
(https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#instance-memory)."""
TIMEOUT = 60.0
MAX_TIMEOUT = 230
"""Seconds that Azure's front end waits for an answer, whatever the plan
(https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout)."""
AUTH_LEVELS = ("function", "anonymous")
APP = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]")
"""Microsoft.Web/sites (https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules)."""
HOST_ID = 32
"""Apps that share a storage account are told apart by the first 32 characters of their names
(https://github.com/Azure/azure-functions-host/wiki/Host-IDs)."""
UNPACKED = Limit(int(0.8 * 2**30), "https://learn.microsoft.com/azure/azure-functions/functions-scale#service-limits")
"""The temporary storage of an instance in the Flex Consumption plan, in which the app is laid out."""
RESERVED = ("FUNCTIONS_.*", "WEBSITE_.*", "AzureWebJobs(Storage.*|ScriptRoot)")
"""https://learn.microsoft.com/azure/app-service/reference-app-settings,
https://learn.microsoft.com/azure/azure-functions/functions-app-settings. Azure takes some of them; hyfn none."""
POLICY = "https://learn.microsoft.com/azure/azure-functions/language-support-policy"
RETIREMENTS = {
    "3.11": Retirement(date(2027, 10, 1), None, POLICY),
    "3.12": Retirement(date(2028, 10, 1), None, POLICY),
    "3.13": Retirement(date(2029, 10, 1), None, POLICY),
}
"""When support ends. By its policy Azure takes them after that too."""
SITE_PACKAGES = ".python_packages/lib/site-packages"
SCRIPT = "function_app.py"
OWN = ("host.json", "requirements.txt")

ENTRY = """from hyfn.clouds.azure.host import function_app as hyfn_function_app

hyfn_app = hyfn_function_app({name!r}, {auth_level!r}{more})
"""


class AzurePacker:
    """See hyfn.cloud.Packer."""

    def runtimes(self, target: Target) -> Sequence[Runtime]:
        python = str(target.options.get("python") or PYTHON)
        return [Runtime(python, "x86_64", GLIBC.get(python, GLIBC[PYTHON]))]

    def check(self, function: FunctionSpec, target: Target) -> Iterable[Problem]:
        options = target.options
        found = [
            _wrong(options, "memory", MEMORIES),
            _wrong(options, "python", ("", *PYTHONS)),
            _wrong(options, "auth_level", AUTH_LEVELS),
            _wrong_timeout(options.get("timeout", TIMEOUT)),
            _wrong_name(str(options.get("name") or "")),
            _wrong_module(function.module.partition(".")[0]),
        ]
        own = [Problem("error", message, target.place, hint) for message, hint in filter(None, found)]
        return own + [problem for trigger in function.triggers for problem in bindings.problems(trigger, target)]

    def limits(self, target: Target) -> Limits:  # noqa: ARG002
        return Limits("Azure Functions", unpacked=UNPACKED, reserved=RESERVED, retirements=RETIREMENTS)

    def platform_name(self, app: str, stage: str, function: FunctionSpec, target: Target) -> str:
        """The function app's name."""
        return str(target.options.get("name") or naming.derived(app, stage, function.name, HOST_ID))

    def tree(self, staged: Staged) -> Tree:
        _refuse_collisions(staged)
        libraries = {f"{SITE_PACKAGES}/{path}": content for path, content in staged.own.items()}
        made = {
            SCRIPT: _script(staged),
            "host.json": _host_json(staged),
            "requirements.txt": _requirements(staged.distributions),
        }
        return Tree({**libraries, **staged.code, **made}, f"{SITE_PACKAGES}/")

    def container(self, target: Target) -> Container | None:  # noqa: ARG002
        return None

    def roots(self, unpacked: Path) -> list[Path]:
        """As the worker has it in /home/site/wwwroot."""
        return [unpacked, unpacked / SITE_PACKAGES]

    def provided(self, target: Target) -> Sequence[str]:  # noqa: ARG002
        # The worker has its own azure-functions, but prefers the app's where code imports it, which pins its version.
        return ()

    def entry(self, target: Target) -> str:  # noqa: ARG002
        return "import function_app\nfrom hyfn.clouds.azure import host\nassert host.is_ready()"

    def manifest(self, function: FunctionSpec, target: Target, name: str, image: str) -> Mapping[str, Any] | None:  # noqa: ARG002
        """The subscriptions that its triggers need. What it listens to, the zip says itself."""
        return template.of(function.name, function.triggers, name)

    def offers(self, target: Target) -> Mapping[str, Offer]:  # noqa: ARG002
        return bindings.OFFERS


packer = AzurePacker()


def function_name(function: FunctionSpec) -> str:
    """The name in its app, and the route, of what takes its calls."""
    return bindings.function_name(function.qualname)


def _refuse_collisions(staged: Staged) -> None:
    for path in staged.code:
        if path in OWN:
            raise BuildError(f"an Azure artifact has a {path} of its own", hint="give the project's file another name")
        wrong = _wrong_module(path.partition("/")[0].removesuffix(".py"), is_package="/" in path)
        if wrong and path.endswith(".py"):
            raise BuildError(wrong[0], hint=wrong[1])


def _script(staged: Staged) -> bytes:
    """What Azure indexes. A user's module of this name keeps its lines: the entry stands behind them."""
    auth_level = str(staged.target.options.get("auth_level") or AUTH_LEVELS[0])
    name = function_name(staged.function)
    entry = ENTRY.format(name=name, auth_level=auth_level, more=_listening(staged)).encode()
    users_own = staged.code.get(SCRIPT)
    if users_own is not None:
        return users_own.rstrip(b"\n") + b"\n\n\n# Made by hyfn: what Azure indexes.\n" + entry
    return b'"""Made by hyfn: what Azure indexes."""\n\n' + entry


def _listening(staged: Staged) -> str:
    """Its bindings and its timeout, as arguments; "" where nothing but calls wakes it."""
    found = bindings.of(staged.function.name, _triggers(staged))
    if not found:
        return ""
    # What JSON writes of texts, numbers, lists and objects, Python reads as the same.
    return f", {json.dumps(found, indent=4, ensure_ascii=False)}, {_seconds(staged.target)}"


def _triggers(staged: Staged) -> bindings.Triggers:
    """Those of all its functions, of which a Staged names only the first."""
    found: bindings.Triggers = json.loads(staged.own[stage.MANIFEST]).get("triggers", {})
    return found


def _host_json(staged: Staged) -> bytes:
    seconds = _seconds(staged.target)
    timeout = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    document = {"version": "2.0", "functionTimeout": timeout, **bindings.host_settings(_triggers(staged))}
    return json.dumps(document, indent=2).encode() + b"\n"


def _seconds(target: Target) -> int:
    return math.ceil(float(target.options.get("timeout", TIMEOUT)))


def _requirements(distributions: Sequence[str]) -> bytes:
    title = f"# What lies in {SITE_PACKAGES}; nothing installs from this file."
    return "\n".join([title, *distributions, ""]).encode()


Wrong = tuple[str, str] | None
"""What Azure would refuse, and how to mend it."""


def _wrong(options: Mapping[str, object], name: str, accepted: Sequence[object]) -> Wrong:
    if name not in options or options[name] in accepted:
        return None
    listed = ", ".join(str(value) for value in accepted if value != "")
    return f"Azure Functions has no {name} {options[name]!r}", f"it has {listed}"


def _wrong_timeout(timeout: object) -> Wrong:
    if isinstance(timeout, int | float) and 1 <= timeout <= MAX_TIMEOUT:
        return None
    return f"Azure waits at most {MAX_TIMEOUT} s for an answer, not timeout={timeout!r}", f"1 to {MAX_TIMEOUT} seconds"


def _wrong_name(name: str) -> Wrong:
    if not name or APP.fullmatch(name):
        return None
    return f"Azure takes no app named {name!r}", "2 to 60 letters, digits and hyphens, no hyphen at either end"


def _wrong_module(module: str, is_package: bool = False) -> Wrong:
    if module == "azure" or (is_package and module == "function_app"):
        return f"a module named {module} would stand in the way of Azure's own", "rename it"
    return None
