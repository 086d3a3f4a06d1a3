"""The functions of an artifact: its manifest and the user's own module."""

from __future__ import annotations

from hyfn.wire.json_text import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def manifest() -> dict[str, Any] | None:
    """`hyfn.json` beside the hyfn package: what an artifact is, or None on a developer's machine."""
    import hyfn

    path = hyfn.__path__[0].rpartition("/")[0] + "/hyfn.json"
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  (pathlib costs a cold start 5 ms)
            document: dict[str, Any] = read(file.read())
    except FileNotFoundError:
        return None
    return document


def function(identity: str) -> Any:
    """Import the user's module and find the hyfn Function in it."""
    from importlib import import_module

    module, _, qualname = identity.partition(":")
    found: Any = import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def on(document: Mapping[str, Any]) -> Any:
    """The module `on` of the artifact's cloud, which translates the events that its functions wait for; None where they
    wait for none. `document` is the manifest."""
    triggers = document.get("triggers") or {}
    if all(trigger["kind"] == "http" for waiting in triggers.values() for trigger in waiting):
        return None
    return _module(f"{_package(document)}.on")


def web(document: Mapping[str, Any]) -> Any:
    """The module hyfn.host.web, None where no function of the artifact takes plain HTTP requests."""
    return _module("hyfn.host.web") if _has_pages(document) else None


def pages(document: Mapping[str, Any]) -> Any:
    """The module `pages` of the artifact's cloud, which translates plain HTTP requests; None where no function takes
    them."""
    return _module(f"{_package(document)}.pages") if _has_pages(document) else None


def _has_pages(document: Mapping[str, Any]) -> bool:
    triggers = document.get("triggers") or {}
    return any(trigger["kind"] == "http" for waiting in triggers.values() for trigger in waiting)


def _package(document: Mapping[str, Any]) -> str:
    others = document.get("clouds") or {}
    return others.get(document["cloud"]) or f"hyfn.clouds.{document['cloud']}"


def _module(name: str) -> Any:
    from importlib import import_module

    return import_module(name)
