"""The packagers that are measured: what each is given, what is run, and what it leaves."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hyfn.toolchain import environments, pythons, uv
from tests.bench.packagers import forms
from tests.bench.packagers.app import App, Function

PYTHON = "3.13"
"""The vendor's runtime that all build for. Chalice and SAM must themselves run on it."""

Sizes = Mapping[str, int]
"""Bytes by function; of what holds them all, by ""."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one tool and one application: nothing of it is written elsewhere."""

    folder: Path

    @property
    def app(self) -> Path:
        return self.folder / "app"

    @property
    def out(self) -> Path:
        return self.folder / "out"


@dataclass(frozen=True)
class Tool:
    """`archive` is what holds a function, and `imports` its module in there.

    `leaves` is what it writes into its place, but for what users commit, which it `keeps`. `path` comes first in PATH.
    """

    name: str
    lay: Callable[[App, Path], None]
    module: Callable[[Path, Function], Path]
    command: Callable[[Place], Sequence[str | Path]]
    sizes: Callable[[Place], Sizes]
    archive: Callable[[Place, Function], Path]
    imports: Callable[[Function], str]
    leaves: Sequence[str] = ("out",)
    keeps: Sequence[str] = ()
    path: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)


def hyfn(*, pyc: bool = True) -> Tool:
    return Tool(
        "hyfn" if pyc else "hyfn, pyc = false",
        functools.partial(forms.hyfn, pyc=pyc),
        forms.module_of_package,
        lambda place: [sys.executable, "-m", "hyfn", "build", place.app, "--out", place.out],
        _sizes_by_manifest,
        _archive_by_manifest,
        lambda function: f"functions.{function.name}",
        leaves=("out", "app/.hyfn"),
        keeps=("app/hyfn.lock",),
    )


def _sizes_by_manifest(place: Place) -> Sizes:
    manifest = json.loads((place.out / "manifest.json").read_text())
    return {artifact["function"]: artifact["size"] for artifact in manifest["artifacts"]}


def _archive_by_manifest(place: Place, function: Function) -> Path:
    manifest = json.loads((place.out / "manifest.json").read_text())
    found = next(each for each in manifest["artifacts"] if each["function"] == function.name)
    return place.out / str(found["path"])


def uv_zip() -> Tool:
    script = Path(__file__).with_name("uv_zip.py")
    python = vendor_python()
    return Tool(
        "uv + zip",
        forms.folders,
        forms.module_of_folder,
        lambda place: [python, script, uv.binary(), python, place.app, place.out],
        lambda place: {path.stem: path.stat().st_size for path in place.out.glob("*.zip")},
        lambda place, function: place.out / f"{function.name}.zip",
        lambda function: function.name,
    )


def vendor_python() -> Path:
    return pythons.nearest(PYTHON, [PYTHON])[1]


def chalice(report: Callable[[str], None]) -> Tool:
    made = environments.environment("bench-chalice", ["chalice", "pip", "setuptools"], PYTHON, report)
    return Tool(
        f"chalice {made.version('chalice')}",
        forms.chalice,
        forms.module_of_library,
        lambda place: [made.bin / "chalice", "--project-dir", place.app, "package", place.out],
        lambda place: {"": (place.out / "deployment.zip").stat().st_size},
        lambda place, _: place.out / "deployment.zip",
        lambda function: f"chalicelib.functions.{function.name}",
        leaves=("out", "app/.chalice/deployments"),
        path=made.bin,
        env={"AWS_DEFAULT_REGION": "eu-west-1"},
    )


def sam(report: Callable[[str], None]) -> Tool:
    made = environments.environment("bench-sam", ["aws-sam-cli", "pip", "setuptools"], PYTHON, report)
    return Tool(
        f"sam {made.version('aws-sam-cli')}",
        forms.sam,
        forms.module_of_folder,
        lambda place: [made.bin / "sam", "build", "--cached", "--parallel"],
        lambda place: {"": _bytes_below(place.app / ".aws-sam" / "build")},
        lambda place, function: place.app / ".aws-sam" / "build" / function.name.title().replace("_", ""),
        lambda function: function.name,
        leaves=("app/.aws-sam",),
        path=made.bin,
        env={"AWS_DEFAULT_REGION": "eu-west-1", "SAM_CLI_TELEMETRY": "0"},
    )


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def environment(tool: Tool, caches: Path, temporary: Path) -> dict[str, str]:
    """This process's variables, with every cache of the tool in `caches` and its temporary files in `temporary`."""
    found = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    path = os.pathsep.join([*([str(tool.path)] if tool.path else []), found.get("PATH", os.defpath)])
    own = {
        "HYFN_CACHE": str(caches / "hyfn"),
        "UV_CACHE_DIR": str(caches / "uv"),
        "PIP_CACHE_DIR": str(caches / "pip"),
        "__SAM_CLI_APP_DIR": str(caches / "sam"),
        "TMPDIR": str(temporary),
        "PATH": path,
    }
    return {**found, **own, **tool.env}
