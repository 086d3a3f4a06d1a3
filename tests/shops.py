"""A project whose functions become images, and calls to one of them that runs somewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyfn import wiring
from hyfn.remote import Session
from tests.commands import Ran, hyfn, written
from tests.images import HERE, PYTHON

MODULE = "shop_in_an_image"
KEY = {"kid": "00" * 8, "key": "11" * 32}
SOURCE = """
import os

from hyfn import knative, openshift


class Unpaid(Exception):
    def __init__(self, amount: int) -> None:
        super().__init__(f"{amount} are missing")
        self.amount = amount


@knative
@openshift
def settle(amounts: list[float]) -> dict[str, float]:
    import numpy

    if not amounts:
        raise Unpaid(7)
    return {"mean": float(numpy.mean(amounts)), "user": os.getuid(), "group": os.getgid()}


@knative
def place() -> list[str]:
    return [os.environ["K_SERVICE"], os.environ["PORT"]]
"""
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[HERE]
PYPROJECT = f"""
[project]
name = "shop"
dependencies = ["numpy"]

[tool.hyfn.knative]
python = "{PYTHON}"
architecture = "{ARCHITECTURE}"

[tool.hyfn.openshift]
python = "{PYTHON}"
architecture = "{ARCHITECTURE}"
"""


@dataclass(frozen=True)
class Shop:
    """`settle` is on knative and openshift, `place` on knative."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, more: str = "", source: str = SOURCE) -> Shop:
        """`more` is added to its pyproject.toml."""
        return cls(written(folder, {f"{MODULE}.py": source, "pyproject.toml": PYPROJECT + more}))

    def change(self) -> None:
        """One line."""
        file = self.folder / f"{MODULE}.py"
        file.write_text(file.read_text() + "CHANGED = True\n")

    def build(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        return hyfn("build", *arguments, cwd=self.folder, env=env)

    def push(self, host: str, *arguments: str) -> dict[str, str]:
        """The references of its images on this machine's own Python, by "settle on knative"."""
        done = self.build("--base", "scratch-python", "--push", f"{host}/acme", "--json", *arguments)
        assert done.status == 0, done.err
        return {each["image"]: each["reference"] for each in json.loads(done.out)}


def callee_wiring(name: str, platform: str) -> str:
    """What the container of a function is given."""
    identity = f"{MODULE}:{name}"
    callers = {KEY["kid"]: {"iss": "shop/dev/laptop@local", "aud": identity, "key": KEY["key"], "json": False}}
    document = {"app": "shop", "stage": "dev", "self": f"{identity}@{platform}", "calls": {}, "callers": callers}
    return json.dumps(document)


def session(name: str, platform: str, url: str, key: Mapping[str, str] = KEY, cloud: str = "knative") -> Session:
    """One of a laptop that may call the function."""
    route: dict[str, Any] = {"placement": platform, "cloud": cloud, "url": url, "door": "", **key}
    calls = {f"{MODULE}:{name}": {"raises": [f"{MODULE}:Unpaid"], "routes": [route]}}
    document = {"app": "shop", "stage": "dev", "self": "laptop@local", "calls": calls, "callers": {}}
    return Session(wiring.Wiring(document), frozenset(), "dev")
