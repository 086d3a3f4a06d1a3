"""Writing TOML: one value on one line."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")


def value(given: Any) -> str:
    """`given`, which tomllib could have read, as it stands to the right of an equals sign."""
    if isinstance(given, str):
        return quoted(given)
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, Mapping):
        return f"{{ {', '.join(f'{key(name)} = {value(inner)}' for name, inner in given.items())} }}" if given else "{}"
    if isinstance(given, list | tuple):
        return f"[{', '.join(map(value, given))}]"
    if isinstance(given, datetime.date | datetime.time):
        return given.isoformat()
    return str(given)


def key(name: str) -> str:
    return name if BARE.fullmatch(name) else quoted(name)


def quoted(text: str) -> str:
    """A basic string. JSON writes the same escapes, but for DEL, which it leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
