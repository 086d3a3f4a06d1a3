"""The examples and templates that come with hyfn: inside an installed package, or at the root of a checkout."""

from __future__ import annotations

from pathlib import Path

import hyfn
from hyfn.errors import MachineError


def templates() -> Path:
    return _folder("templates")


def examples() -> Path:
    return _folder("examples")


def _folder(name: str) -> Path:
    package = Path(hyfn.__file__).parent
    for place in (package / "_shipped" / name, package.parent / name):
        if place.is_dir():
            return place
    raise MachineError(f"this installation of hyfn has no {name}", hint="install hyfn again")
