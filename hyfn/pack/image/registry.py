"""One registry as this user may use it: requests of the OCI distribution API, with tokens, redirects and errors.

By httpx and not by a library for registries: oras knows no mount, does not check what it pulls, and brings requests and
jsonschema; python-dxf does not upload in chunks, take them up again, or read the Docker config.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin, urlsplit

from hyfn.errors import ConfigError, HyfnError, MachineError
from hyfn.pack.image import auth, token
from hyfn.pack.image.auth import Credentials
from hyfn.pack.image.reference import HUB, HUB_HOST, Reference, is_loopback
from hyfn.toolchain.sockets import Sockets
from hyfn.toolchain.workers import scope

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS, SILENT_SECONDS = 10.0, 60.0
TRIES = 3
PASSING = (408, 429, 500, 502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)
MAX_HOPS = 6
LONGEST_WAIT = 20.0
"""Seconds before another try, also where the registry asks for more."""
MAX_ANSWER = 1024**2
"""Bytes of an answer that is neither manifest nor blob."""


class Unauthorised(MachineError):
    """The registry does not let this user do it."""


class NoSuchImage(ConfigError):
    """The registry has no such repository, tag or digest."""


class Unreachable(MachineError):
    """The registry does not answer, or stopped to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` are by their lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Registry:
    """The registry of one repository. Use it as a context manager; its threads may share it.

    `scopes` are what tokens are asked for. https, but for a registry on this machine, or where `is_plain` is given.
    """

    def __init__(self, reference: Reference, scopes: Sequence[str], is_plain: bool = False) -> None:
        self.reference = reference
        host = HUB_HOST if reference.registry == HUB else reference.registry
        self._is_plain = is_plain or is_loopback(host)
        self._origin = f"{'http' if self._is_plain else 'https'}://{host}"
        self._scopes = scopes
        self._authorization: str | None = None
        self._renewing = threading.Lock()
        self._sent = 0
        self._sockets = Sockets()
        self._client = _client(is_loopback(host))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    @property
    def sent(self) -> int:
        """Bytes of all bodies sent so far."""
        return self._sent

    def url(self, path: str) -> str:
        """Of something in the repository: "blobs/sha256:..."."""
        return f"{self._origin}/v2/{self.reference.repository}/{path}"

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        limit: int = MAX_ANSWER,
        tries: int = TRIES,
    ) -> Answer:
        """What the registry answers, whatever its status. Tried again where a failure may pass.

        Raises Unreachable; MachineError where the answer is longer than `limit`.
        """
        for attempt in range(1, tries):
            try:
                answer = self._asked(method, url, headers or {}, body, limit)
            except Unreachable:
                pause(attempt)
                continue
            if answer.status not in PASSING:
                return answer
            pause(attempt, answer.headers.get("retry-after", ""))
        return self._asked(method, url, headers or {}, body, limit)

    def _asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes, limit: int) -> Answer:
        with self._open(method, url, headers, body) as response:
            return Answer(response.status_code, response.headers, b"".join(self._chunks(response, limit)))

    def stream(self, digest: str, size: int) -> Iterator[bytes]:
        """A blob of at most `size` bytes, as it comes. Not verified."""
        with self._open("GET", self.url(f"blobs/{digest}"), {}, b"") as response:
            if response.status_code != 200:
                answer = Answer(response.status_code, response.headers, b"".join(self._chunks(response, MAX_ANSWER)))
                raise self.refusal(answer, "pull")
            yield from self._chunks(response, size)

    def location(self, asked: str, answer: Answer) -> str:
        """Where an answer to the URL `asked` points. Raises MachineError where that may not be followed."""
        found = urljoin(asked, answer.headers.get("location") or asked)
        if urlsplit(found).scheme != "https" and not (self._is_plain and found.startswith("http://")):
            raise MachineError(f"{self.reference.registry} points to {_short(found)}, which is not https")
        return found

    def refusal(self, answer: Answer, verb: str) -> HyfnError:
        """An answer that is no success, as the error that its reader can act on. `verb` is "pull" or "push"."""
        name, said = self.reference.name, f"{answer.status} {reason(answer.body)}".strip()
        if answer.status in (401, 403):
            return Unauthorised(f"{self.reference.registry} does not let you {verb} {name}: {said}", hint=self._login())
        if answer.status == 404:
            what = f"{self.reference.registry} has no {self.reference}: {said}"
            return NoSuchImage(what, hint="is the name right, and is it a public image, or are you logged in?")
        return MachineError(f"{self.reference.registry} did not {verb} {name}: it answered {said}")

    def _login(self) -> str:
        registry, found = self.reference.registry, self._credentials
        if found:
            return f"the credentials of {found.source} were used; `docker login {registry}` writes others"
        return f"no credentials were found; `docker login {registry}` or `podman login {registry}` writes them"

    @contextmanager
    def _open(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Iterator[httpx.Response]:
        """One request, after redirects and with a token. What is only for this registry goes nowhere else."""
        is_renewed = False
        for _ in range(MAX_HOPS):
            before = self._authorization if self._is_own(url) else None
            with self._exchange(method, url, {**headers, **({"Authorization": before} if before else {})}, body) as got:
                if got.status_code == 401 and self._is_own(url) and not is_renewed:
                    is_renewed = True
                    if self._renew(got.headers.get_list("www-authenticate"), before):
                        continue
                elif got.status_code in REDIRECTS and method in ("GET", "HEAD"):
                    url = self.location(url, Answer(got.status_code, got.headers, b""))
                    continue
                yield got
                return
        raise MachineError(f"{self.reference.registry} redirects more than {MAX_HOPS} times")

    @contextmanager
    def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Iterator[httpx.Response]:
        import httpx

        trace = {"trace": self._sockets.trace}
        try:
            with scope().ending(self._sockets.cut):
                request = self._client.build_request(
                    method, url, headers=headers, content=body or None, extensions=trace
                )
                self._sent += len(body)
                with closing(self._client.send(request, stream=True, auth=None)) as response:
                    yield response
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            scope().check()
            raise self._unreachable(url, error) from error

    def _unreachable(self, url: str, error: Exception) -> Unreachable:
        host = urlsplit(url).netloc.rpartition("@")[2]
        at = f"{self.reference.registry} cannot be reached"
        other = "" if self._is_own(url) else f" at {host}"
        why = str(error) or type(error).__name__
        hint = "is it up, and is this machine online?"
        if "CERTIFICATE_VERIFY_FAILED" in why:
            hint = "SSL_CERT_FILE names a file with the certificates that are to be trusted"
        return Unreachable(f"{at}{other} for {self.reference.repository}: {why}", hint=hint)

    def _chunks(self, response: httpx.Response, limit: int) -> Iterator[bytes]:
        size = 0
        for chunk in response.iter_raw():
            scope().check()
            size += len(chunk)
            if size > limit:
                raise MachineError(f"{self.reference.registry} sends more than the {limit} bytes that were due")
            yield chunk

    def _is_own(self, url: str) -> bool:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}" == self._origin

    def _renew(self, challenges: Sequence[str], before: str | None) -> bool:
        """Whether there is another authorization than `before` to try."""
        with self._renewing:
            if self._authorization == before:
                self._authorization = token.authorization(
                    challenges, self._credentials, self._scopes, self._ask_for_token, self._is_plain
                )
            return self._authorization not in (None, before)

    def _ask_for_token(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        with self._exchange(method, url, headers, body) as response:
            return response.status_code, b"".join(self._chunks(response, MAX_ANSWER))

    @functools.cached_property
    def _credentials(self) -> Credentials | None:
        return auth.credentials(self.reference)


def pause(attempt: int, asked: str = "") -> None:
    """Wait before try `attempt` + 1: as long as the registry asks, else half a second, one, two."""
    seconds = float(asked) if asked.isdigit() else 2.0 ** (attempt - 2)
    until = time.monotonic() + min(seconds, LONGEST_WAIT)
    while time.monotonic() < until:
        scope().check()
        time.sleep(0.05)


def reason(body: bytes) -> str:
    """Why a registry said no, by its own words, on one line."""
    try:
        first = json.loads(body)["errors"][0]
        said = f"{first.get('code', '')} {first.get('message', '')} {first.get('detail') or ''}"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return _short(said)


def _short(said: str) -> str:
    flat = " ".join("".join(sign if sign.isprintable() else " " for sign in said).split())
    return flat if len(flat) <= 200 else f"{flat[:200]}…"


def _client(is_here: bool) -> httpx.Client:
    """Never follows a redirect by itself; asks for bytes as they are; a proxy is not for what is on this machine."""
    import httpx

    import hyfn

    headers = {"User-Agent": f"hyfn/{hyfn.__version__}", "Accept-Encoding": "identity"}
    timeout = httpx.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS)
    return httpx.Client(headers=headers, timeout=timeout, follow_redirects=False, trust_env=not is_here)
