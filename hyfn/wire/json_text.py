"""JSON read by the interpreter's own scanner: the module json loads re, which costs a cold start 5 ms."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

try:
    from _json import make_scanner  # CPython's accelerator of json.decoder
except ImportError:
    make_scanner = None  # type: ignore[assignment,misc]

_SPACE = " \t\n\r"


class _Options:
    """json.loads's own."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = parse_constant = float
    parse_int = int


_scan: Any = None if make_scanner is None else make_scanner(_Options)  # type: ignore[arg-type]


def read(text: str) -> Any:
    """What json.loads gives for text. Raises ValueError for what is not JSON."""
    if _scan is None:
        import json

        return json.loads(text)
    text = text.strip(_SPACE)
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        raise ValueError("not JSON") from None
    if end != len(text):
        raise ValueError("more than one JSON value")
    return value
