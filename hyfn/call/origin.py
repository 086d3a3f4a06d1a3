"""Where requests go: an endpoint's URL taken apart, and its addresses."""

from __future__ import annotations

from collections import deque

from hyfn.errors import NOT_EXECUTED, ConfigError, DeadlineExceeded, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeAlias

    from hyfn.call.connection import Connection
    from hyfn.wire.carrier import Request

    Address: TypeAlias = tuple[int, Any]
    """A socket's family and its address."""

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin:
    """One server, and the connections to it that wait for a request."""

    __slots__ = ("host", "idle", "is_tls", "port")

    def __init__(self, is_tls: bool, host: str, port: int) -> None:
        self.is_tls = is_tls
        self.host = host
        self.port = port
        self.idle: deque[Connection] = deque()

    def pop(self) -> Connection | None:
        """The connection that waits the shortest, or None."""
        try:
            return self.idle.pop()
        except IndexError:
            return None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Origins:
    """The origins that a transport has met, by URL."""

    def __init__(self) -> None:
        self._by_url: dict[str, tuple[Origin, str]] = {}
        self._known: dict[tuple[bool, str, int], Origin] = {}

    def __iter__(self) -> Iterator[Origin]:
        return iter(list(self._known.values()))

    def find(self, request: Request) -> tuple[Origin, bytes]:
        """The origin of a request, and its head as bytes. Raises ConfigError where the URL or a header is none."""
        found = self._by_url.get(request.url)
        if found is None:
            found = self._take_apart(request.url)
            if len(self._by_url) >= 1024:
                self._by_url.clear()
            self._by_url[request.url] = found
        origin, target = found
        fields = "".join([f"{name}: {value}\r\n" for name, value in request.headers.items()])
        if fields.count("\n") != len(request.headers) or fields.count("\r") != len(request.headers) or "\0" in fields:
            raise ConfigError("a line break in a header")
        return origin, f"{request.method} {target}{fields}Content-Length: {len(request.body)}\r\n\r\n".encode("latin-1")

    def _take_apart(self, url: str) -> tuple[Origin, str]:
        scheme, _, rest = url.partition("://")
        authority, slash, path = rest.partition("#")[0].partition("/")
        authority, question, query = authority.partition("?")
        target = slash + path if slash else f"/{question}{query}"
        host, port = _host_and_port(authority, DEFAULT_PORTS.get(scheme.lower(), 0))
        if not host or not port or not (url.isascii() and url.isprintable()) or " " in url:
            raise ConfigError(f"not the URL of an endpoint: {url!r}", hint="http[s]://host[:port]/path")
        key = (scheme.lower() == "https", host.lower(), port)
        origin = self._known.setdefault(key, Origin(*key))
        return origin, f"{target} HTTP/1.1\r\nHost: {authority}\r\n"


def _host_and_port(authority: str, default: int) -> tuple[str, int]:
    """("", 0) where it is neither a name nor an address with a port."""
    host, _, port = authority.rpartition(":")
    if not host or port.endswith("]"):
        host, port = authority, str(default)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return "", 0
    if "@" in host or not port.isdigit() or int(port) > 65535 or not default:
        return "", 0
    return host, int(port)


def literal(origin: Origin) -> list[Address]:
    """The address that the host is written as, or nothing where it is a name."""
    from _socket import AF_INET, AF_INET6, inet_pton

    for family in (AF_INET, AF_INET6):
        try:
            inet_pton(family, origin.host)
        except OSError:
            continue
        return [(family, (origin.host, origin.port))]
    return []


def resolve(origin: Origin, seconds: float) -> list[Address]:
    """The addresses of its name. Raises Unavailable or DeadlineExceeded; nothing was sent."""
    from _socket import SOCK_STREAM, getaddrinfo
    from _thread import allocate_lock, start_new_thread

    found: list[list[Address] | Exception] = []
    ended = allocate_lock()
    ended.acquire()

    def look_up() -> None:
        try:
            found.append([(row[0], row[4]) for row in getaddrinfo(origin.host, origin.port, 0, SOCK_STREAM)])
        except Exception as error:  # noqa: BLE001  (also the codecs' errors for what is no name)
            found.append(error)
        ended.release()

    # The system's resolver knows no deadline.
    start_new_thread(look_up, ())
    if not ended.acquire(timeout=max(seconds, 0)):
        raise DeadlineExceeded(f"the name {origin.host} was not resolved in time", executed=NOT_EXECUTED)
    addresses = found[0]
    if isinstance(addresses, Exception):
        raise unresolved(origin, addresses)
    return addresses


def unresolved(origin: Origin, error: Exception) -> Unavailable:
    return Unavailable(f"the name {origin.host} cannot be resolved: {error}", executed=NOT_EXECUTED)
