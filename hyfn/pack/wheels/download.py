"""One file from an index to disk: verified while it comes, resumed where the line breaks, ended when it must end."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from hyfn.errors import BuildError, HyfnError, MachineError
from hyfn.model import Wheel
from hyfn.pack.wheels.credentials import Credentials, Login, without
from hyfn.pack.wheels.indexes import HTTP, Settings
from hyfn.toolchain.sockets import Sockets
from hyfn.toolchain.workers import Interrupted

AT_ONCE = 8
PAUSES = (0.5, 1.0, 2.0)
"""Seconds before each new try after a fault that may pass."""
MAX_PAUSE = 30.0
CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0
"""uv's own; UV_HTTP_TIMEOUT says otherwise for the second."""
MAX_BYTES = 4 * 1024**3
"""Of a file whose size nobody told."""
MAX_REDIRECTS = 10
CHUNK = 256 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
REFUSALS = frozenset({401, 403, 404})
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class Broken(Exception):
    """A fault that may pass. `pause` is how long the server asks to wait, in seconds."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


class Unreached(MachineError):
    """The server of a file does not answer, or not with the file."""


class Download:
    """What is there of one file. `count` is told of each more bytes, and of fewer where they are dropped."""

    def __init__(self, wheel: Wheel, opened: IO[bytes], count: Callable[[int], None]) -> None:
        self.wheel = wheel
        self.size = 0
        self._opened = opened
        self._count = count
        self._digest = hashlib.sha256()

    def add(self, chunk: bytes) -> None:
        """BuildError as soon as it is more than the file may have."""
        self.size += len(chunk)
        if self.size > (self.wheel.size or MAX_BYTES):
            raise _other_bytes(self.wheel, f"more than the {self.wheel.size or MAX_BYTES:,} bytes")
        self._digest.update(chunk)
        self._opened.write(chunk)
        self._count(len(chunk))

    def restart(self) -> None:
        """Drop what is there: the server cannot go on in the middle."""
        self._count(-self.size)
        self.size = 0
        self._opened.seek(0)
        self._opened.truncate()
        self._digest = hashlib.sha256()

    def verify(self) -> None:
        """BuildError unless these are the bytes that were locked."""
        if self.wheel.size and self.size != self.wheel.size:
            raise _other_bytes(self.wheel, f"{self.size:,} bytes instead of {self.wheel.size:,}")
        if self._digest.hexdigest() != self.wheel.sha256:
            raise _other_bytes(
                self.wheel, f"SHA-256 {self._digest.hexdigest()[:12]}… instead of {self.wheel.sha256[:12]}…"
            )


class Line:
    """The connections of one fetch. A context manager; `cut` makes all that goes on over them fail at once."""

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._credentials = credentials
        self._sockets = Sockets()
        self._client = _client(settings)

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def cut(self) -> None:
        """Whoever reads or waits raises Interrupted. For another thread than theirs; safe to repeat."""
        self._sockets.cut()

    def fetch(self, download: Download) -> None:
        """All of the file, verified. BuildError where the index refuses or deceives, Unreached where it is away."""
        for pause in (*PAUSES, None):
            try:
                self._attempt(download)
                break
            except Broken as fault:
                self._check()
                if pause is None:
                    raise _unreached(download.wheel, str(fault)) from fault
                self._sockets.is_cut.wait(min(max(pause, fault.pause), MAX_PAUSE))
                self._check()
        download.verify()

    def _attempt(self, download: Download) -> None:
        try:
            with self._response(download) as response:
                if response.status_code != 206:
                    download.restart()
                for chunk in response.iter_raw():
                    self._check()
                    download.add(chunk)
        except httpx.TransportError as error:
            self._check()
            if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
                raise _distrusted(download.wheel, error) from error
            raise Broken(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from error
        if download.wheel.size and download.size < download.wheel.size:
            raise Broken(f"the answer ended after {download.size:,} of {download.wheel.size:,} bytes")

    @contextlib.contextmanager
    def _response(self, download: Download) -> Iterator[httpx.Response]:
        """A good one, of whichever login is let in, after all redirects."""
        with contextlib.ExitStack() as stack:
            url = download.wheel.url
            for _ in range(MAX_REDIRECTS):
                response = self._let_in(url, download, stack)
                if response.status_code not in REDIRECTS:
                    _judge(response, download)
                    yield response
                    return
                response.close()
                url = _onward(url, response, download.wheel)
            raise BuildError(f"{_named(download.wheel)} is redirected more than {MAX_REDIRECTS} times")

    def _let_in(self, url: str, download: Download, stack: contextlib.ExitStack) -> httpx.Response:
        # Each redirect asks anew who we are to that host: no login follows to another one.
        first: httpx.Response | None = None
        for login in self._credentials.offers(url):
            self._check()
            response = stack.enter_context(self._ask(url, login, download.size))
            if response.status_code not in REFUSALS:
                self._credentials.accept(url, login)
                return response
            response.close()
            first = first or response
        assert first is not None
        return first

    def _ask(self, url: str, login: Login | None, start: int) -> contextlib.AbstractContextManager[httpx.Response]:
        headers = {"Accept-Encoding": "identity"}  # the hash is that of the file, not of what it unpacks to
        if login is not None:
            headers["Authorization"] = login.header
        if start:
            headers["Range"] = f"bytes={start}-"
        return self._client.stream("GET", without(url), headers=headers, extensions={"trace": self._sockets.trace})

    def _check(self) -> None:
        if self._sockets.is_cut.is_set():
            raise Interrupted("interrupted")


def copy(source: Path, download: Download) -> None:
    """A file of this machine, verified as one from afar."""
    try:
        with source.open("rb") as opened:
            while chunk := opened.read(CHUNK):
                download.add(chunk)
    except OSError as error:
        raise BuildError(f"{_named(download.wheel)} cannot be read from {source}: {error.strerror}") from error
    download.verify()


def local(wheel: Wheel, root: Path | None) -> Path | None:
    """Where the file is on this machine: its URL is a file's, or a path from `root`. None for one to be fetched."""
    if wheel.url.startswith(HTTP):
        return None
    parts = urlsplit(wheel.url)
    if parts.scheme not in ("", "file"):
        raise BuildError(f"{_named(wheel)} stands at a {parts.scheme}: URL, from which nothing is fetched")
    return (root or Path("/")) / unquote(parts.path)


def _client(settings: Settings) -> httpx.Client:
    seconds = os.environ.get("UV_HTTP_TIMEOUT", "")
    reading = float(seconds) if re.fullmatch(r"\d+(\.\d+)?", seconds) else READ_SECONDS
    # Not bounded here but by who asks: a redirect that still holds its connection must not wait for another.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=AT_ONCE)
    return httpx.Client(
        verify=ssl.create_default_context() if settings.has_system_certificates else True,
        timeout=httpx.Timeout(reading, connect=CONNECT_SECONDS, pool=None),
        limits=limits,
        mounts={_pattern(host): _unchecked(limits) for host in settings.insecure},
    )


def _pattern(host: str) -> str:
    return host if "://" in host else f"https://{host}"


def _unchecked(limits: httpx.Limits) -> httpx.HTTPTransport:
    return httpx.HTTPTransport(verify=False, limits=limits)


def _judge(response: httpx.Response, download: Download) -> None:
    wheel, status, host = download.wheel, response.status_code, response.url.host
    if status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {download.size}-"):
        return
    if status == 200:
        return
    if status in (206, 416):  # another part than was asked for, or none
        download.restart()
        raise Broken(f"HTTP {status} of {host}")
    if status in PASSING:
        raise Broken(f"HTTP {status} of {host}", _seconds(response.headers.get("Retry-After", "")))
    if status in (401, 403):
        hint = "give credentials as uv has them: UV_INDEX_<NAME>_USERNAME and _PASSWORD, netrc or uv auth login"
        raise BuildError(f"{host} does not let you have {_named(wheel)}: HTTP {status}", hint=hint)
    if status in (404, 410):
        hint = f"lock it anew with --upgrade {wheel.name}, or give credentials if the index hides what is private"
        raise BuildError(f"{_named(wheel)} is not at {host} any more: HTTP {status}", hint=hint)
    raise BuildError(f"{host} does not serve {_named(wheel)}: HTTP {status}")


def _onward(url: str, response: httpx.Response, wheel: Wheel) -> str:
    target = without(urljoin(without(url), response.headers.get("Location", "")))
    if not target.startswith(HTTP):
        raise BuildError(f"{_named(wheel)} is redirected by {response.url.host} to what is no HTTP URL")
    return target


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _named(wheel: Wheel) -> str:
    return f"{wheel.file} of {wheel.name} {wheel.version}"


def _other_bytes(wheel: Wheel, what: str) -> HyfnError:
    hint = f"the index serves other bytes than the lock says: ask who runs it, or lock anew with --upgrade {wheel.name}"
    return BuildError(f"{_named(wheel)} came with {what}, and was thrown away", hint=hint)


def _unreached(wheel: Wheel, reason: str) -> HyfnError:
    return Unreached(f"{_named(wheel)} cannot be fetched from {urlsplit(wheel.url).hostname}: {reason}")


def _distrusted(wheel: Wheel, error: Exception) -> HyfnError:
    hint = "name the certificates of your proxy or index with SSL_CERT_FILE, or set UV_SYSTEM_CERTS=1"
    return MachineError(
        f"{urlsplit(wheel.url).hostname}, which has {_named(wheel)}, is not trusted: {error}", hint=hint
    )
