"""Artifacts for OpenWhisk: a zip with __main__.py, the code and everything it needs at its root.

What the runtime does with it (bin/compile and lib/launcher.py in apache/openwhisk-runtime-python): unzips it into a
folder of its own, renames __main__.py to main__.py, writes exec__.py and exec beside it, makes that folder the working
directory and the first import root, and calls `main` with the parameters. A folder virtualenv is activated, and
requirements.txt installed by pip at a cold start, so an artifact may have neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyfn.clouds.openwhisk import triggers
from hyfn.discover import schedules
from hyfn.errors import BuildError
from hyfn.model import Container, FunctionSpec, Limit, Limits, Offer, Problem, Runtime, Staged, Target, Tree
from hyfn.pack import naming, pods

SCRIPT, MODULE, TARGET = "__main__.py", "main__", "main"
"""The file, the module that it is imported as, and the function in it that is called."""
ENTRY = f"from hyfn.clouds.openwhisk.host import {TARGET}  # what OpenWhisk calls\n"
LOAD = f"""
import importlib.util, os, sys, hyfn
path = os.path.join(os.path.dirname(hyfn.__path__[0]), "{SCRIPT}")
spec = importlib.util.spec_from_file_location("{MODULE}", path)
sys.modules["{MODULE}"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.{TARGET}
"""
TAKEN = re.compile(r"(exec|exec\.env|exec__\.py|main__(\.py|/.*)|virtualenv/.*|exec/.*|requirements\.txt)")
"""What the runtime writes there itself, or acts upon."""
REFERENCE = "https://github.com/apache/openwhisk/blob/master/docs/reference.md"
"""OpenWhisk's own table of limits, as it is delivered; an operator may raise some of them."""
PACKED = Limit(36 * 2**20, REFERENCE)
"""48 MB of code, and a zip is uploaded as base64."""
PARAMETERS = Limit(2**20, REFERENCE)
"""Variables are parameters of the action that reach it when it is initialised (apache/openwhisk pull request 4559)."""
MAX_PAYLOAD = 2**20
"""Bytes of an activation's parameters, and of its result."""
BLOCKING_SECONDS = 60
"""A caller waits no longer; then OpenWhisk answers with the activation's id (docs/actions.md)."""
ENTITY = re.compile(r"\w([\w@ .-]{0,254}[\w@.-])?", re.ASCII)
"""reference.md, and ENTITY_NAME_MAX_LENGTH in common/scala/.../entity/EntityPath.scala."""
LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Terms:
    """What one platform gives. `memories` in MB: a range, or the only sizes that there are. `timeouts` in seconds."""

    platform: str
    pythons: Sequence[str]
    python: str
    glibc: str
    memories: range | tuple[int, ...]
    memory: int
    timeouts: tuple[float, float]
    name: re.Pattern[str]
    name_rule: str
    longest_name: int
    reserved: Sequence[str]
    lacks: Sequence[str] = ()


OPENWHISK = Terms(
    platform="OpenWhisk",
    pythons=("3.11", "3.12"),
    python="3.12",
    glibc="2.36",
    memories=range(128, 513),
    memory=256,
    timeouts=(0.1, 300),
    name=ENTITY,
    name_rule="1 to 256 letters, digits, _, @, ., - and spaces inside",
    longest_name=63,
    reserved=("__OW_.*", "PYTHONIOENCODING"),
)
"""Its Pythons are the kinds released with openwhisk-runtime-python 1.20.0, on Debian 12 (core/CHANGELOG.md there);
which of them an installation has is for its operator to say."""
IBM = Terms(
    platform="IBM Cloud Code Engine",
    pythons=("3.11", "3.13"),
    python="3.13",
    glibc="2.28",
    memories=(1024, 2048, 4096),
    memory=4096,
    timeouts=(1, 120),
    name=LABEL,
    name_rule="1 to 63 of a-z, 0-9 and -, from a letter to a letter or digit",
    longest_name=63,
    reserved=("CE_.*", "__OW_.*", "PYTHONIOENCODING"),
    lacks=("namespace", "package", "web"),
)
"""IBM Cloud Functions, which was OpenWhisk, ended in October 2024 (https://cloud.ibm.com/docs/openwhisk?topic=
openwhisk-dep-overview); https://cloud.ibm.com/docs/codeengine?topic=codeengine-fun-migrate leads to Code Engine, which
runs the same main(params). Sizes: codeengine-fun-runtime; 2 minutes: codeengine-fun-migrate; names:
codeengine-fun-create-local. Not found in its documentation: the images' glibc, so wheels are for an old one, and the
size of code and payloads."""
BY_PLATFORM = {"ibm": IBM}
PYTHONS = tuple(sorted({*OPENWHISK.pythons, *IBM.pythons}))
"""Those of either platform."""


def terms(target: Target) -> Terms:
    return BY_PLATFORM.get(target.platform, OPENWHISK)


class OpenWhiskPacker:
    def runtimes(self, target: Target) -> Sequence[Runtime]:
        """Options that `check` refuses give a runtime nonetheless."""
        there = terms(target)
        return [Runtime(str(target.options.get("python") or there.python), "x86_64", there.glibc)]

    def check(self, function: FunctionSpec, target: Target) -> Iterable[Problem]:
        """What the platform would refuse, each with the limit and what was given; and a timeout that no caller sees."""
        there, advice = terms(target), f"it is an option of @{target.platform} on {function.qualname}"
        for said in (*_out_of_range(target, there), *_not_there(target, there)):
            yield Problem("error", said, target.place, advice)
        for option, rule in (("name", there.name), ("namespace", ENTITY), ("package", ENTITY)):
            given = target.options.get(option)
            if given and option not in there.lacks and not rule.fullmatch(str(given)):
                words = there.name_rule if option == "name" else OPENWHISK.name_rule
                said = f"a {option} on {there.platform} is {words}, not {given!r}"
                yield Problem("error", said, target.place, f"leave {option}= out, and the default is taken")
        timeout = target.options.get("timeout", BLOCKING_SECONDS)
        if isinstance(timeout, int | float) and BLOCKING_SECONDS < timeout <= there.timeouts[1] and there is OPENWHISK:
            said = f"OpenWhisk lets a caller wait {BLOCKING_SECONDS} seconds; of a longer call the result is lost to it"
            yield Problem("warning", said, target.place, advice)
        yield from schedules.beyond_cron(function, "Code Engine") if there is IBM else triggers.problems(function)

    def limits(self, target: Target) -> Limits:
        there = terms(target)
        if there is IBM:
            return Limits(there.platform, reserved=there.reserved)
        return Limits(there.platform, PACKED, environment=PARAMETERS, reserved=there.reserved)

    def platform_name(self, app: str, stage: str, function: FunctionSpec, target: Target) -> str:
        """`name=`, or one derived from app, stage and function: the same on every machine."""
        derived = naming.derived(app, stage, function.name, terms(target).longest_name)
        return str(target.options.get("name") or derived)

    def tree(self, staged: Staged) -> Tree:
        """Raises BuildError for a project's file that the runtime would take for its own."""
        _refuse_taken(staged)
        return Tree({**staged.own, **staged.code, SCRIPT: script(staged)})

    def container(self, target: Target) -> Container | None:  # noqa: ARG002
        return None

    def roots(self, unpacked: Path) -> list[Path]:
        """As the runtime unzips it: one import root."""
        return [unpacked]

    def provided(self, target: Target) -> Sequence[str]:  # noqa: ARG002
        """Nothing: what the image has of its own comes after the action's folder, and changes without notice."""
        return ()

    def entry(self, target: Target) -> str:  # noqa: ARG002
        """As the runtime does: __main__.py, from its file, as the module main__; it loads the user's."""
        return LOAD

    def manifest(self, function: FunctionSpec, target: Target, name: str, image: str) -> Mapping[str, Any]:  # noqa: ARG002
        """What is put at /api/v1/namespaces/NS/actions/[PACKAGE/]NAME, but for the code, and what fires it (see
        hyfn.clouds.openwhisk.triggers); on IBM the bodies of Code Engine's create_function, but for the reference to
        the code, and subscriptions. There a second function takes the events, and nobody outside its project reaches
        it (https://cloud.ibm.com/docs/codeengine?topic=codeengine-fun-work#optionsvisibilityfun)."""
        if terms(target) is not IBM:
            return {"action": _action(function, target), **triggers.entities(function, target, name)}
        if not triggers.waiting(function):
            return {"functions": [_function(target, name)], "subscriptions": []}
        private = pods.for_events(name)
        functions = [_function(target, name), _taking_events(_function(target, private))]
        return {"functions": functions, "subscriptions": triggers.subscriptions(function, private)}

    def offers(self, target: Target) -> Mapping[str, Offer]:
        return triggers.IBM_OFFERS if terms(target) is IBM else triggers.OFFERS


packer = OpenWhiskPacker()


def script(staged: Staged) -> bytes:
    """__main__.py. Where the user's own module has that name, its lines stay as they are and the entry follows them."""
    own = staged.code.get(SCRIPT)
    return ENTRY.encode() if own is None else own.rstrip(b"\n") + b"\n\n\n" + ENTRY.encode()


def _action(function: FunctionSpec, target: Target) -> Mapping[str, Any]:
    """An action as docs/rest_api.md has it. Parameters with `init` are environment variables; web-custom-options leaves
    requests of OPTIONS to the action (docs/webactions.md)."""
    options = target.options
    is_public = any(trigger.kind == "http" for trigger in function.triggers)
    timeout, memory = options.get("timeout", BLOCKING_SECONDS), options.get("memory", OPENWHISK.memory)
    web = {"web-export": True, "raw-http": True, "final": True} if is_public or options.get("web") else {}
    web |= {"web-custom-options": True} if is_public else {}
    return {
        "exec": {"kind": f"python:{options.get('python') or OPENWHISK.python}", "binary": True, "main": TARGET},
        "limits": {"timeout": int(timeout * 1000), "memory": memory},
        "annotations": [{"key": key, "value": value} for key, value in web.items()],
        "parameters": [{"key": key, "value": text, "init": True} for key, text in sorted(_env(target).items())],
    }


def _function(target: Target, name: str) -> Mapping[str, Any]:
    """As ibm-code-engine-sdk's create_function takes it."""
    options = target.options
    memory = options.get("memory", IBM.memory)
    return {
        "name": name,
        "runtime": f"python-{options.get('python') or IBM.python}",
        "code_main": TARGET,
        "scale_cpu_limit": f"{memory / 4096:g}",
        "scale_memory_limit": f"{memory // 1024}G",
        "scale_max_execution_time": int(options.get("timeout", BLOCKING_SECONDS)),
        "run_env_variables": [
            {"type": "literal", "name": key, "value": text} for key, text in sorted(_env(target).items())
        ],
    }


def _taking_events(function: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same function, but for events alone and closed to the outside."""
    door = {"type": "literal", "name": "HYFN_DOOR", "value": "events"}
    variables = sorted([*function["run_env_variables"], door], key=lambda each: str(each["name"]))
    return {**function, "run_env_variables": variables, "managed_domain_mappings": "local"}


def _env(target: Target) -> Mapping[str, str]:
    env: Mapping[str, str] = target.options.get("env") or {}
    return env


def _refuse_taken(staged: Staged) -> None:
    for name in staged.code:
        if TAKEN.fullmatch(name):
            raise BuildError(
                f"{name} has a name that OpenWhisk's runtime takes for its own",
                where=str(staged.target.place),
                hint="give the project's file another name, or leave it out by [tool.hyfn.build] exclude",
            )


def _out_of_range(target: Target, there: Terms) -> Iterable[str]:
    memory = target.options.get("memory", there.memory)
    if memory not in there.memories:
        sizes = there.memories
        words = f"{sizes[0]} to {sizes[-1]}" if isinstance(sizes, range) else ", ".join(map(str, sizes))
        yield f"{there.platform} gives {words} MB of memory, and memory={memory!r} was asked for"
    timeout, (least, most) = target.options.get("timeout", BLOCKING_SECONDS), there.timeouts
    if not isinstance(timeout, int | float) or not least <= timeout <= most:
        yield f"{there.platform} ends a call after {least:g} to {most:g} seconds, and timeout={timeout!r} was asked for"


def _not_there(target: Target, there: Terms) -> Iterable[str]:
    python = target.options.get("python")
    if python and python not in there.pythons:
        yield f"{there.platform} runs hyfn functions on Python {' or '.join(there.pythons)}, not {python!r}"
    for option in there.lacks:
        if target.options.get(option):
            yield f"a function of {there.platform} has no {option}, and {option}={target.options[option]!r} was given"
