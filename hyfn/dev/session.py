"""Where a running `hyfn dev` answers: a file in the project that only its owner can read, locked while it lives."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from hyfn.errors import MachineError
from hyfn.pack import delivery

FILE = "dev.json"
PATIENCE = 0.5
"""Seconds: whoever looks whether the file is locked holds it for a moment."""


@dataclass(frozen=True, slots=True)
class Session:
    """`port` is on loopback; `token` opens the door; `pid` is the process of `hyfn dev`."""

    port: int
    token: str
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def announced(root: Path, session: Session) -> Iterator[None]:
    """Inside, `find(root)` gives `session`; afterwards the file is gone.

    Raises MachineError where another `hyfn dev` of the project lives, or its folder cannot be written.
    """
    path = delivery.own(root) / FILE
    descriptor = _claim(path)
    if descriptor is None:
        running = find(root)
        where = f" at {running.url} (process {running.pid})" if running else ""
        raise MachineError(f"hyfn dev is already running for {root}{where}", hint="end that one first")
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(session), file)
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def find(root: Path) -> Session | None:
    """The session of a `hyfn dev` that lives, or None."""
    try:
        with (root / delivery.OWN / FILE).open() as file:
            if _is_free(file.fileno()):
                return None
            return Session(**json.load(file))
    except (OSError, ValueError, TypeError):
        return None


def _claim(path: Path) -> int | None:
    """The file, empty and locked, or None where somebody holds it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:  # else its last holder has just removed it
                os.fchmod(descriptor, 0o600)
                os.truncate(descriptor, 0)
                return descriptor
        os.close(descriptor)
        time.sleep(PATIENCE / 10)
    return None


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
