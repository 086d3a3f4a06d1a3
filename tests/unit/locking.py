"""Small projects whose dependencies come from an index in a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hyfn.model import Project, Runtime
from hyfn.pack.wheels.choose import Choice, choose
from tests.fakes.folder_index import FolderIndex

INTEL = Runtime("3.13", "x86_64", "2.34")
ARM = Runtime("3.12", "aarch64", "2.28")
BOTH = {INTEL: ["aws"], ARM: ["gcp"]}


def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderIndex:
    """An index with msgpack, which uv reads and no other; caches and settings of nobody else."""
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    index = FolderIndex(tmp_path / "index")
    index.wheel("msgpack", "1.1.0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))
    return index


def project(root: Path, *dependencies: str, uv: Mapping[str, Any] | None = None, script: str = "") -> Project:
    root.mkdir(exist_ok=True)
    lines = ["[project]", "dependencies = [", *(f"    {one!r}," for one in dependencies), "]"]
    (root / "pyproject.toml").write_text("\n".join(lines))
    return Project("shop", root, root, "package", dependencies, None, {}, {}, (), script=script, uv=uv or {})


def versions(choice: Choice, runtime: Runtime = INTEL) -> dict[str, str]:
    return {wheel.name: wheel.version for wheel in choice.by_runtime[runtime].wheels if wheel.name != "msgpack"}


def chosen(
    root: Path, *dependencies: str, runtimes: Mapping[Runtime, Sequence[str]] | None = None, **options: Any
) -> Choice:
    uv = options.pop("uv", None)
    return choose(project(root, *dependencies, uv=uv), runtimes or {INTEL: ["aws"]}, **options)
