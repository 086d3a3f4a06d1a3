"""Paths and queries out of percent encoding, each decoded once. urllib's parser costs a cold start 5 ms."""

from __future__ import annotations

from binascii import Error, a2b_hex

from hyfn.errors import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_SAFE = _PLAIN + b"!$&'()*+,;=:@/"
"""What a path has as it is (RFC 3986, pchar and "/")."""


def unquoted(text: str) -> str:
    """`text` with its %XX decoded as UTF-8; a "%" that begins none stays. Raises Malformed for other bytes."""
    if "%" not in text and text.isascii():
        return text
    first, *rest = text.encode("utf-8", "surrogateescape").split(b"%")
    decoded = bytearray(first)
    for part in rest:
        try:
            decoded += (a2b_hex(part[:2]) or b"%") + part[2:]
        except Error:
            decoded += b"%" + part
    try:
        return decoded.decode()
    except UnicodeDecodeError:
        raise Malformed("the URL is not UTF-8") from None


def quoted(path: str) -> str:
    """The inverse, for a path: ASCII, its "/" as they are."""
    return _quoted(path, _SAFE)


def form_quoted(text: str) -> str:
    """The inverse, for a name or a value in a query."""
    return _quoted(text, _PLAIN)


def _quoted(text: str, safe: bytes) -> str:
    data = text.encode("utf-8", "surrogatepass")
    if not data.translate(None, safe):
        return text
    return "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in data)


def pairs(query: str) -> Iterator[tuple[str, str]]:
    """The names and values of a query, as forms write them: "+" is a space. Raises Malformed."""
    for field in query.split("&"):
        if field:
            name, _, value = field.replace("+", " ").partition("=")
            yield unquoted(name), unquoted(value)
