"""HTTP/1.1 messages out of bytes, for both ends of a connection. Never opens a socket.

Each reader is a generator: it yields how many bytes it would take, is sent what arrived (b"" at the end of the stream)
and returns what it read; bytes beyond its message stay in `buffer`. One code for blocking and for asynchronous sockets.
Where RFC 9112 leaves a choice it refuses: what two readers could read differently is how requests are smuggled.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from typing import TypeAlias, TypeVar

    T = TypeVar("T")
    Reading: TypeAlias = Generator[int, bytes, T]

MAX_FIELDS = 64
MAX_CHUNK_LINE = 256
"""Bytes of a chunk's size and extensions."""
MAX_RESPONSE_HEAD = 65_536
MAX_INTERIM = 16
CHUNKED = -1
"""The length of a body that comes in chunks."""
UNTIL_CLOSE = -2
"""The length of a response that ends with its connection."""
READ = 65_536

_TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_HEX = b"0123456789abcdefABCDEF"
_CONTROLS = bytes(range(9)) + bytes(range(10, 32)) + b"\x7f"
_TARGET = bytes(range(0x21, 0x7F))
_ONCE = frozenset((b"content-length", b"transfer-encoding", b"host", b"content-type"))


class BadMessage(Exception):
    """What arrived is not one unambiguous message, or is longer than allowed. `status` is what a server answers."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class Cut(Exception):
    """The stream ended in the middle of a message. `is_empty`: before its first byte."""

    def __init__(self, is_empty: bool = False) -> None:
        super().__init__("the connection was closed before the message was complete")
        self.is_empty = is_empty


class RequestHead:
    """Everything before a request's body. Field names are lower case; `length` is a number of bytes or CHUNKED."""

    __slots__ = ("fields", "is_last", "length", "method", "target")

    def __init__(self, head: bytes) -> None:
        line, *lines = head.split(b"\r\n")
        method, target, version = _three(line)
        if not method or method.translate(None, _TOKEN):
            raise BadMessage("a method is a token")
        if not target.startswith(b"/") or target.translate(None, _TARGET):
            raise BadMessage("a target is a path")
        self.method = method.decode("ascii")
        self.target = target.decode("ascii")
        self.fields = _fields(lines)
        if version == b"HTTP/1.1" and "host" not in self.fields:
            raise BadMessage("a request names its host")
        length = _length(self.fields, version)
        self.length = 0 if length is None else length
        self.is_last = version == b"HTTP/1.0" or _ends_connection(self.fields)


class ResponseHead:
    """Everything before a response's body. `length` is a number of bytes, CHUNKED or UNTIL_CLOSE."""

    __slots__ = ("fields", "is_last", "length", "status")

    def __init__(self, head: bytes) -> None:
        line, *lines = head.split(b"\r\n")
        version, _, rest = line.partition(b" ")
        code = rest[:3]
        if len(code) != 3 or not code.isdigit() or rest[3:4] not in (b" ", b""):
            raise BadMessage("a status is three digits")
        self.status = int(code)
        self.fields = _fields(lines)
        length = _length(self.fields, version)
        if self.status < 200 or self.status in (204, 304):
            length = 0
        self.length = UNTIL_CLOSE if length is None else length
        self.is_last = version == b"HTTP/1.0" or self.length == UNTIL_CLOSE or _ends_connection(self.fields)


def head(buffer: bytearray, limit: int) -> Reading[bytes]:
    """A message's lines without the blank one that ends them, at most `limit` bytes. Raises BadMessage or Cut."""
    end = buffer.find(b"\r\n\r\n")
    while end < 0:
        if len(buffer) > limit:
            break
        data = yield READ
        if not data:
            raise Cut(is_empty=not buffer)
        buffer += data
        end = buffer.find(b"\r\n\r\n")
    if not 0 <= end <= limit:
        raise BadMessage(f"the head is longer than {limit} bytes", 431)
    lines = bytes(buffer[:end])
    del buffer[: end + 4]
    return lines


def body(buffer: bytearray, length: int, limit: int) -> Reading[bytes]:
    """The body of a head with that `length`, at most `limit` bytes. Raises BadMessage or Cut."""
    if length > limit:
        raise _too_long(limit)
    if 0 <= length <= len(buffer):
        whole = bytes(buffer[:length])
        del buffer[:length]
        return whole
    if length == CHUNKED:
        return (yield from _chunked(buffer, limit))
    if length == UNTIL_CLOSE:
        return (yield from _until_close(buffer, limit))
    parts = [bytes(buffer)]
    missing = length - len(buffer)
    buffer.clear()
    while missing:
        data = yield missing
        if not data:
            raise Cut
        if len(data) > missing:
            buffer += data[missing:]
            data = data[:missing]
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)


def response(buffer: bytearray, limit: int) -> Reading[tuple[ResponseHead, bytes]]:
    """A final response with a body of at most `limit` bytes; interim ones are passed over. Raises BadMessage or Cut."""
    for _ in range(MAX_INTERIM):
        found = ResponseHead((yield from head(buffer, MAX_RESPONSE_HEAD)))
        if found.status >= 200:
            return found, (yield from body(buffer, found.length, limit))
        if found.status == 101:
            break
    raise BadMessage("no final response")


def _chunked(buffer: bytearray, limit: int) -> Reading[bytes]:
    parts: list[bytes] = []
    total = 0
    while size := _chunk_size((yield from _line(buffer, MAX_CHUNK_LINE))):
        total += size
        if total > limit:
            raise _too_long(limit)
        parts.append((yield from body(buffer, size, size)))
        if (yield from body(buffer, 2, 2)) != b"\r\n":
            raise BadMessage("a chunk is longer than it says")
    trailers: list[bytes] = []
    while line := (yield from _line(buffer, READ)):
        trailers.append(line)
        _fields(trailers)
    return b"".join(parts)


def _until_close(buffer: bytearray, limit: int) -> Reading[bytes]:
    while data := (yield READ):
        buffer += data
        if len(buffer) > limit:
            raise _too_long(limit)
    whole = bytes(buffer)
    buffer.clear()
    return whole


def _line(buffer: bytearray, limit: int) -> Reading[bytes]:
    end = buffer.find(b"\r\n")
    while end < 0:
        if len(buffer) > limit:
            break
        data = yield READ
        if not data:
            raise Cut
        buffer += data
        end = buffer.find(b"\r\n")
    if not 0 <= end <= limit:
        raise BadMessage("a line between chunks is too long")
    line = bytes(buffer[:end])
    del buffer[: end + 2]
    return line


def _chunk_size(line: bytes) -> int:
    digits, _, extensions = line.partition(b";")
    if not 0 < len(digits) <= 15 or digits.translate(None, _HEX) or extensions.translate(None, _CONTROLS) != extensions:
        raise BadMessage("a chunk begins with its size in hexadecimal")
    return int(digits, 16)


def _three(line: bytes) -> tuple[bytes, bytes, bytes]:
    parts = line.split(b" ")
    if len(parts) != 3:
        raise BadMessage("a request line is METHOD target HTTP/1.1")
    return parts[0], parts[1], parts[2]


def _fields(lines: list[bytes]) -> dict[str, str]:
    """Fields by lower-case name; the values of a repeated one joined by commas."""
    if len(lines) > MAX_FIELDS:
        raise BadMessage(f"more than {MAX_FIELDS} fields", 431)
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        # A name that is no token covers folded lines, a space before the colon and an empty name.
        if not colon or not name or name.translate(None, _TOKEN):
            raise BadMessage("a field is a name, a colon and a value")
        if value.translate(None, _CONTROLS) != value:
            raise BadMessage("a control character in a field")
        key = name.lower()
        text = value.strip(b" \t").decode("latin-1")
        known = key.decode("ascii")
        if known in fields:
            if key in _ONCE:
                raise BadMessage(f"{known} is given twice")
            text = f"{fields[known]}, {text}"
        fields[known] = text
    return fields


def _length(fields: Mapping[str, str], version: bytes) -> int | None:
    """The body's length by its fields, or None where they do not say."""
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise BadMessage("only HTTP/1.1 and HTTP/1.0 are spoken here", 505)
    coding = fields.get("transfer-encoding")
    length = fields.get("content-length")
    if coding is not None:
        if coding.lower() != "chunked" or length is not None or version == b"HTTP/1.0":
            raise BadMessage("chunked is the only transfer coding, and comes without a length")
        return CHUNKED
    if length is None:
        return None
    if not 0 < len(length) <= 15 or not (length.isascii() and length.isdigit()):
        raise BadMessage("a content length is a number")
    return int(length)


def _ends_connection(fields: Mapping[str, str]) -> bool:
    return "close" in fields.get("connection", "").lower()


def _too_long(limit: int) -> BadMessage:
    return BadMessage(f"the body is longer than {limit} bytes", 413)
