"""Whether a platform takes the environment variables of a function. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from hyfn.model import Limit, Limits, Problem, Target

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OWN = re.compile(r"HYFN_.*", re.DOTALL)
ROOM = 1024
"""Bytes that are kept for hyfn's own: HYFN_WIRING, which is a path, or as text the wiring of a function with one route
to call and two callers. More than that is handed over as a file (hyfn/wiring.py)."""
EXECVE = "https://man7.org/linux/man-pages/man2/execve.2.html"
LINUX = Limit(2 * 2**20, EXECVE)
"""What a process may be started with in all: a quarter of its stack, which is 8 MB as a rule. For platforms that
publish no limit of their own."""
LINUX_VARIABLE = Limit(32 * 4096 - 1, EXECVE)
"""One string of it (MAX_ARG_STRLEN), without the NUL that ends it."""


def problems(target: Target, limits: Limits) -> Iterator[Problem]:
    """What is wrong with the option `env`, each at the decorator's line: names, reserved names, values, sizes."""
    env = target.options.get("env") or {}
    found = [_wrong_name(name, limits) or _wrong_value(name, value, limits) for name, value in env.items()]
    for wrong in filter(None, found if any(found) else [_too_large(env, limits)]):
        yield Problem("error", wrong[0], target.place, wrong[1])


Wrong = tuple[str, str] | None


def _wrong_name(name: object, limits: Limits) -> Wrong:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return f"env has {name!r}, which is no variable's name", "letters, digits and _, a digit not first"
    if OWN.fullmatch(name):
        return f"env has {name}, and hyfn keeps what starts with HYFN_ for itself", "give it another name"
    if any(re.fullmatch(pattern, name) for pattern in limits.reserved):
        return f"env has {name}, which {limits.platform} sets itself", "give it another name"
    return None


def _wrong_value(name: str, value: object, limits: Limits) -> Wrong:
    if not isinstance(value, str) or "\0" in value:
        return f"the value of {name} in env must be a string without NUL", f'write {name} = "..."'
    most = min((limits.variable or LINUX_VARIABLE).most, (limits.environment or LINUX).most)
    size = len(f"{name}={value}".encode("utf-8", "surrogatepass"))
    if size > most:
        said = f"{name} in env has {size:,} bytes, {size - most:,} over the {most:,} that {limits.platform} takes"
        return said, "put what is long into a file, and [tool.hyfn.build] include"
    return None


def _too_large(env: Mapping[str, str], limits: Limits) -> Wrong:
    most = (limits.environment or LINUX).most
    left, taken = most - ROOM, size(env)
    if taken <= left:
        return None
    said = f"env has {taken:,} bytes, {taken - left:,} over the {left:,} that are left of {limits.platform}'s {most:,}"
    return said, f"hyfn keeps {ROOM:,} for its own; put what is long into a file, and [tool.hyfn.build] include"


def size(env: Mapping[str, str]) -> int:
    """Bytes of the variables as the JSON that AWS measures; elsewhere no less than what they take."""
    return len(json.dumps(dict(env), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))
