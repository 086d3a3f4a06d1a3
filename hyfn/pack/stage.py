"""What travels into an artifact of hyfn itself, and of the packages that clouds come from."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import hyfn
from hyfn.model import FunctionSpec, Target
from hyfn.pack import bare, following
from hyfn.toolchain import cache

ROOT = Path(hyfn.__file__).parent
VERSION = "2"
"""Of the form in which hyfn's own files are kept."""
BY_NAME = ("hyfn.declare", "hyfn.errors", "hyfn.event", "hyfn.on", "hyfn.remote", "hyfn.request")
"""What is imported by a computed name, so that reading does not show it; beside it, the `call` of clouds, and what
takes a function's triggers."""
MANIFEST = "hyfn.json"
HTTP = "http"
"""The kind of trigger that is no event."""
NONE: frozenset[str] = frozenset()


@functools.cache
def travelling(package: str, used: frozenset[str] = NONE, kinds: frozenset[str] = NONE) -> dict[str, bytes]:
    """The files, by their paths under the import root, of an artifact for the cloud in `package` ("hyfn.clouds.aws"),
    whose functions have triggers of these `kinds`.

    They are the cloud's host, what takes those triggers, the decorators and the callers of this cloud and of those in
    the packages `used`, and what these import of hyfn and of these packages, without docstrings: a fifth of what hyfn
    weighs there. Lines keep their numbers.
    """
    roots = _roots(package, used, kinds)
    places = {"hyfn": ROOT} | {each: following.place(each) for each in {package, *used} if not _is_own(each)}
    kept = cache.home() / "own" / f"{cache.key(VERSION, _stamps(places), roots)}-{package}.json"
    try:
        texts = json.loads(kept.read_bytes())
    except (OSError, ValueError):
        found = following.files(roots, places)
        texts = {"hyfn/py.typed": "", **{name: bare.text(file.read_text("utf-8")) for name, file in found.items()}}
        cache.put(kept, json.dumps(texts).encode())
    return {name: text.encode() for name, text in texts.items()}


def _is_own(package: str) -> bool:
    return package.partition(".")[0] == "hyfn"


def _stamps(places: Mapping[str, Path]) -> list[str]:
    return [hyfn.__version__, *(line for _, place in sorted(places.items()) for line in _stamped(place))]


@functools.cache
def _stamped(place: Path) -> list[str]:
    return following.stamps(place)


def _roots(package: str, used: Collection[str], kinds: frozenset[str]) -> list[str]:
    roots = [*BY_NAME, f"{package}.host"]
    roots += [name for each in sorted({package, *used}) for name in (each, f"{each}.call")]
    roots += ["hyfn.host.web", f"{package}.pages"] if HTTP in kinds else []
    return roots + ([f"{package}.on"] if kinds - {HTTP} else [])


def manifest(app: str, functions: list[FunctionSpec], target: Target, others: Mapping[str, str] | None = None) -> bytes:
    """hyfn.json: what the artifact is, for the host in it. `others` are the packages of clouds that are not hyfn's."""
    document: dict[str, Any] = {
        "app": app,
        "function": functions[0].name,
        "functions": [function.name for function in functions],
        "cloud": target.cloud,
        "platform": target.platform,
    }
    triggers = {
        function.name: [{"kind": trigger.kind, **trigger.options} for trigger in function.triggers]
        for function in functions
        if function.triggers
    }
    document |= {"triggers": triggers} if triggers else {}
    timeout = target.options.get("timeout")
    document |= {"timeout": timeout} if triggers and timeout else {}
    document |= {"clouds": dict(sorted(others.items()))} if others else {}
    return json.dumps(document, indent=1).encode() + b"\n"


def packages(root: Path) -> list[str]:
    """Of an artifact laid out at `root`: hyfn, and the packages of clouds that are not its own."""
    try:
        document = json.loads((root / MANIFEST).read_bytes())
    except (OSError, ValueError):
        document = {}
    return ["hyfn", *document.get("clouds", {}).values()]
