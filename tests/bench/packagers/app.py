"""The application that every packager is given: functions, what they need, and the modules that they share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PINS: Mapping[str, Sequence[str]] = {
    "numpy": ("numpy==2.2.6",),
    "pillow": ("pillow==11.3.0",),
    "web": (
        "annotated-types==0.7.0",
        "anyio==4.11.0",
        "certifi==2025.10.5",
        "h11==0.16.0",
        "httpcore==1.0.9",
        "httpx==0.28.1",
        "idna==3.10",
        "pydantic==2.11.7",
        "pydantic-core==2.33.2",
        "sniffio==1.3.1",
        "typing-extensions==4.15.0",
        "typing-inspection==0.4.2",
    ),
    "plain": (),
}
"""What each kind of function needs, to the last distribution, so that every tool ships the same releases.

Each has a wheel for glibc 2.17, the oldest platform that a tool here may insist on, so that none compiles anything."""

SHARED = ("text", "money", "shapes")
FIVE = ("numpy", "pillow", "web", "plain", "plain")


@dataclass(frozen=True, slots=True)
class Function:
    """A function in a module of its own, and the shared modules that it imports."""

    name: str
    kind: str
    shared: Sequence[str]

    @property
    def requirements(self) -> Sequence[str]:
        return PINS[self.kind]


@dataclass(frozen=True, slots=True)
class App:
    functions: Sequence[Function]
    shared: Sequence[str]

    @property
    def requirements(self) -> list[str]:
        return sorted({pin for function in self.functions for pin in function.requirements})

    def first(self, kind: str) -> Function:
        return next(function for function in self.functions if function.kind == kind)


def five() -> App:
    """The one of PLATFORMS.md: 5 functions and 3 shared modules, all of which each function imports."""
    functions = [Function(f"{kind}_{number}", kind, SHARED) for number, kind in enumerate(FIVE)]
    return App(functions, SHARED)


def hundred() -> App:
    """Of 100 functions, 5 need numpy, 5 Pillow, 5 httpx and Pydantic. Each imports 3 of 12 shared modules."""
    shared = [f"{name}_{number}" for number in range(4) for name in SHARED]
    kinds = [FIVE[number % 5] if number % 20 < 3 else "plain" for number in range(100)]
    functions = [
        Function(f"{kind}_{number}", kind, [shared[(number + step) % len(shared)] for step in (0, 4, 8)])
        for number, kind in enumerate(kinds)
    ]
    return App(functions, shared)


BODIES = {
    "numpy": (
        "import numpy as np\n",
        "    heights = np.asarray(values, dtype=np.float64)\n    result = float(np.sqrt(heights @ heights))\n",
    ),
    "pillow": (
        "from PIL import Image\n",
        '    picture = Image.new("L", (len(values) or 1, 1))\n    result = float(sum(picture.size))\n',
    ),
    "web": (
        "import httpx\nfrom pydantic import BaseModel\n\n\nclass Reading(BaseModel):\n    values: list[float]\n",
        "    reading = Reading(values=values)\n"
        '    request = httpx.Request("POST", "http://localhost/", json=reading.model_dump())\n'
        "    result = float(len(request.content))\n",
    ),
    "plain": ("", "    result = float(sum(values))\n"),
}


def module(function: Function, *, extra_import: str = "", decorator: str = "") -> str:
    """The text of the function's module: `def NAME(values: list[float]) -> float`."""
    imported, body = BODIES[function.kind]
    imports = "".join(f"from shared import {name}\n" for name in function.shared)
    used = "".join(f"    result += {name}.weight(values)\n" for name in function.shared)
    return (
        f'"""Function {function.name}."""\n\n{imports}{extra_import}{imported}\n\n{decorator}'
        f"def {function.name}(values: list[float]) -> float:\n"
        f"    note = {function.name!r}\n{body}{used}    return result + len(note)\n"
    )


def shared_module(name: str) -> str:
    """A module of about 60 lines, without dependencies."""
    parts = "\n\n".join(
        f"def part_{number}(values: list[float]) -> float:\n"
        f'    """Part {number} of {name}."""\n'
        f"    return math.fsum(value * {number + 1} for value in values)"
        for number in range(12)
    )
    parts_list = ", ".join(f"part_{number}" for number in range(12))
    return (
        f'"""Shared: {name}."""\n\nimport math\n\n\n{parts}\n\n\n'
        f"def weight(values: list[float]) -> float:\n    note = {name!r}\n"
        f"    return len(note) + sum(part(values) for part in ({parts_list}))\n"
    )


def write_shared(names: Sequence[str], folder: Path) -> None:
    """The package `shared` with these modules, in `folder`."""
    (folder / "shared").mkdir(parents=True)
    (folder / "shared" / "__init__.py").write_text('"""What the functions share."""\n')
    for name in names:
        (folder / "shared" / f"{name}.py").write_text(shared_module(name))


def change_one_line(file: Path, number: int) -> None:
    """Another text in a function's body: what a developer does all day."""
    text = file.read_text()
    file.write_text(re.sub(r"(    note = ).*", rf"\g<1>'change {number:04d}'", text, count=1))
