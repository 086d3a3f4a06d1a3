"""Where a running `hyfn dev` answers: a file in the project that only its owner can read."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Session:
    """`url` is on loopback; `token` opens the door; `pid` is the process of `hyfn dev`."""

    url: str
    token: str
    pid: int


def write(root: Path, session: Session) -> None:
    path = _file(root)
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(session), file)


def remove(root: Path) -> None:
    """Safe to repeat."""
    _file(root).unlink(missing_ok=True)


def find(root: Path) -> Session | None:
    """The session of a `hyfn dev` that still lives, or None."""
    try:
        session = Session(**json.loads(_file(root).read_text()))
        os.kill(session.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return session


def _file(root: Path) -> Path:
    return root / ".hyfn" / "dev.json"
