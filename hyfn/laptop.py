"""What a script on a developer's machine may call of a stage that was shipped from there.

`hyfn ship` leaves the wiring of the laptop in the project, in .hyfn/stages; a script of the project finds it there.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

FOLDER = ".hyfn/stages"
DEFAULT = "dev"


def path(root: Path, stage: str) -> Path:
    """Where the wiring of a stage is, in the project at `root`."""
    return root / FOLDER / f"{stage}.json"


def wiring(environ: Mapping[str, str]) -> str:
    """The path of the active stage's wiring, "" where nobody shipped it from here."""
    for folder in _folders():
        if (folder / FOLDER).is_dir():
            found = path(folder, environ.get("HYFN_STAGE") or _named(folder))
            return str(found) if found.is_file() else ""
    return ""


def _folders() -> Iterator[Path]:
    """The script's, and those around it; the working folder's where there is no script."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    start = Path(main).resolve().parent if main else Path.cwd()
    return iter((start, *start.parents))


def _named(root: Path) -> str:
    """The stage that the project names."""
    try:
        table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return DEFAULT
    settings = table.get("tool", {}).get("hyfn", {})
    named = settings.get("default-stage") or settings.get("stage")
    return named if isinstance(named, str) else DEFAULT


def keep(root: Path, stage: str, document: str) -> None:
    """Let scripts here call the stage. The document holds keys: the file is its owner's alone."""
    there = path(root, stage)
    there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = there.with_suffix(f".{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(document)
    partial.replace(there)


def forget(root: Path, stage: str) -> None:
    """Nothing of the stage is left."""
    path(root, stage).unlink(missing_ok=True)
