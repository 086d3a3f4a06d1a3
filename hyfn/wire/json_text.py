"""JSON by the interpreter's own scanner and encoder: the module json loads re, which costs a cold start 5 ms."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

try:
    from _json import encode_basestring_ascii, make_encoder, make_scanner  # CPython's accelerators of json
except ImportError:
    make_scanner = make_encoder = None  # type: ignore[assignment,misc]

_SPACE = " \t\n\r"


def _finite(text: str) -> float:
    value = float(text)
    if value - value != 0:
        raise ValueError("a number of JSON is finite")
    return value


class _Options:
    """json.loads's own."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float: Any = float
    parse_constant: Any = float
    parse_int = int


class _Exactly(_Options):
    """RFC 8259 and no more: NaN and Infinity are json.loads's own, and 1e999 would be one."""

    parse_float = parse_constant = staticmethod(_finite)


_scan: Any = None if make_scanner is None else make_scanner(_Options)  # type: ignore[arg-type]
_scan_exactly: Any = None if make_scanner is None else make_scanner(_Exactly)  # type: ignore[arg-type]


def read(text: str, is_exact: bool = False) -> Any:
    """What json.loads gives for text. Raises ValueError for what is not JSON, RecursionError for what nests too deep.

    `is_exact` refuses NaN and the infinities, which JSON has not.
    """
    scan = _scan_exactly if is_exact else _scan
    if scan is None:
        return _loads(text, is_exact)
    text = text.strip(_SPACE)
    try:
        value, end = scan(text, 0)
    except StopIteration:
        raise ValueError("not JSON") from None
    if end != len(text):
        raise ValueError("more than one JSON value")
    return value


def _loads(text: str, is_exact: bool) -> Any:
    import json

    return json.loads(text, parse_constant=_finite, parse_float=_finite) if is_exact else json.loads(text)


def write(value: Any) -> str:
    """`value`, of JSON's own kinds, as ASCII text. Raises TypeError or ValueError for another, NaN among them."""
    if make_encoder is None:
        import json

        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    encode = make_encoder({}, _refuse, encode_basestring_ascii, None, ":", ",", False, False, False)
    return "".join(encode(value, 0))


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__qualname__} is not JSON")
