"""Projects in a folder of the test, and what discovery says about them. The platforms are of the tests' own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Literal

from hyfn import discover
from hyfn.declare import Platform
from hyfn.errors import ProjectError, ProjectErrors
from hyfn.model import FunctionSpec, Project


def aws(
    *,
    name: str = "",
    region: str = "",
    memory: int = 128,
    timeout: float = 60,
    architecture: Literal["x86_64", "arm64"] = "x86_64",
    idempotent: bool = False,
    group: str = "",
    calls: Sequence[str] = (),
    labels: Mapping[str, str] = {},
    zone: str | None = None,
) -> None: ...


def azure(*, name: str = "", region: str = "", memory: Literal[512, 2048] = 2048) -> None: ...


def gcp(*, name: str = "", min_instances: int = 0) -> None: ...


def of_hyfn(accepts: Callable[..., None]) -> Platform[...]:
    """A platform of hyfn's own, as far as discovery can tell."""
    made = Platform(accepts, accepts.__name__)
    made.cloud, made.package, made.distribution = made.name, f"hyfn.clouds.{made.name}", "hyfn"
    return made


PLATFORMS = {found.__name__: of_hyfn(found) for found in (aws, azure, gcp)}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Each file with the common indentation of its text removed."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).removeprefix("\n"), encoding="utf-8")
    return folder


def read(folder: Path, files: Mapping[str, str], path: str = "", stage: str = "") -> Project:
    return discover.read(write(folder, files) / path, PLATFORMS, stage)


def functions(folder: Path, files: Mapping[str, str], path: str = "", stage: str = "") -> dict[str, FunctionSpec]:
    """By identity."""
    return {found.name: found for found in read(folder, files, path, stage).functions}


def refusals(folder: Path, files: Mapping[str, str], path: str = "") -> list[str]:
    """Every error, each as one line; empty where there is none."""
    try:
        read(folder, files, path)
    except ProjectErrors as errors:
        return [str(error) for error in errors.errors]
    except ProjectError as error:
        return [str(error)]
    return []


def refusal(folder: Path, source: str) -> str:
    """The single error of a single app.py."""
    found = refusals(folder, {"app.py": source})
    assert len(found) == 1, found
    assert "\n" not in found[0]
    return found[0]
