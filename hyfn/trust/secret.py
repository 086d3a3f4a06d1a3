"""A stage's secret, from which the keys of all its edges come: in HYFN_SECRET, or in a file that is its owner's alone.

It is no part of what is recorded of a stage: who ships needs both.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from hyfn.errors import ConfigError
from hyfn.trust.keys import derive

VARIABLE = "HYFN_SECRET"
SIZE = 32


def fingerprint(secret: bytes, app: str, stage: str) -> str:
    """Which secret it is, and nothing of what it is: 16 hexadecimal digits."""
    return derive(secret, app, stage, "", "").id.hex()


def of(folder: Path, app: str, stage: str, known: str, environ: Mapping[str, str]) -> bytes:
    """The stage's secret, whose fingerprint is `known`; "" before its first ship, which makes one. Raises ConfigError.

    `folder` is for secrets; each stage's is a file there.
    """
    given = environ.get(VARIABLE)
    path = folder / stage
    if given:
        secret = _parsed(given, VARIABLE)
    elif path.exists():
        secret = _parsed(path.read_text(), str(path))
    elif known:
        raise ConfigError(f"the secret of {app}, stage {stage}, is not on this machine", hint=_hint(path))
    else:
        secret = _made(path)
    if known and fingerprint(secret, app, stage) != known:
        raise ConfigError(f"this is not the secret that {app}, stage {stage}, was shipped with", hint=_hint(path))
    return secret


def _parsed(text: str, where: str) -> bytes:
    if not re.fullmatch(r"[0-9a-f]{64}", text.strip()):
        raise ConfigError(f"{where} is no secret of a stage: {2 * SIZE} hexadecimal digits")
    return bytes.fromhex(text.strip())


def _made(path: Path) -> bytes:
    secret = secrets.token_bytes(SIZE)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{secret.hex()}\n")
    return secret


def _hint(path: Path) -> str:
    return f"set {VARIABLE}, or put the file {path} there, as whoever shipped it has it"
