"""Where on this machine CPythons may be, without running any: quick enough for a build without changes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

GENERAL = ("python3", "python")
"""Names on PATH under which uv looks for any version."""


def on_path(version: str) -> Path | None:
    """That minor version ("3.13") by its name on PATH. None for a shim of pyenv, which stands for those below it."""
    found = shutil.which(f"python{version}")
    return Path(found) if found and Path(found).parent != _pyenv() / "shims" else None


def of_pyenv(version: str) -> Iterator[Path]:
    """pyenv's of that minor version, the newest first."""
    for folder in sorted((_pyenv() / "versions").glob(f"{version}.*"), key=_numbers, reverse=True):
        python = folder / "bin" / f"python{version}"
        if python.exists():
            yield python


def of_uv(version: str) -> Iterator[Path]:
    """The folders of uv's own of that minor version."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    root = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or Path(data) / "uv" / "python")
    yield from sorted(root.glob(f"cpython-{version}.*"))


def signs(version: str) -> Iterator[str]:
    """What is different when another CPython of that minor version may be found than before."""
    on_path = [Path(found) for name in (f"python{version}", *GENERAL) if (found := shutil.which(name))]
    for place in (*on_path, *of_pyenv(version), *of_uv(version)):
        stat = place.stat()
        yield f"{place}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ino}"


def _pyenv() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def _numbers(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", folder.name)]
