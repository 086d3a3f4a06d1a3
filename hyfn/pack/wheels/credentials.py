"""Who hyfn is to a package index: the credentials that uv would use, and only where they belong.

A login is only ever offered to the scheme, host and port that it was given for. The sources and their order are those
of uv's manual ("HTTP credentials"): the URL, the configured indexes with UV_INDEX_<NAME>_USERNAME and _PASSWORD, netrc,
what `uv auth login` stored, and the keyring program.
"""

from __future__ import annotations

import base64
import netrc
import os
import re
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from hyfn.errors import MachineError
from hyfn.pack.wheels.indexes import Index, Settings
from hyfn.toolchain import tools

DEFAULT_PORTS = {"http": 80, "https": 443}
KEYRING_SECONDS = 30.0

Realm = tuple[str, str, int | None]


@dataclass(frozen=True, slots=True)
class Login:
    """`password` is None where only a name is known: an index may take a token as the name alone."""

    user: str = field(repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def header(self) -> str:
        """The value of Authorization."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password or ''}".encode()).decode()


class Credentials:
    """Which logins to offer for a URL. Safe to use from threads."""

    def __init__(self, settings: Settings) -> None:
        self._known = [(one, _of_index(one)) for one in settings.indexes]
        self._has_keyring = settings.has_keyring
        self._accepted: dict[Realm, Login] = {}
        self._asked: dict[tuple[Realm, str], Login | None] = {}
        self._asking = threading.Lock()

    def offers(self, url: str) -> Iterator[Login | None]:
        """What to try for `url`, one after the other while the server says 401, 403 or 404; None is without a login.

        Each is looked up when it is asked for. None comes first unless the URL stands below an index with credentials.
        """
        seen: set[Login | None] = set()
        for offer in self._in_order(url):
            if offer not in seen:
                seen.add(offer)
                yield offer

    def accept(self, url: str, login: Login | None) -> None:
        """This one was let in: to be offered first to the same host from now on."""
        if login is not None:
            self._accepted[realm(url)] = login

    def _in_order(self, url: str) -> Iterator[Login | None]:
        own = _of_url(url)
        index = self._index_above(url)
        if index is not None and index.authenticate == "never":
            yield None
            return
        if own is not None and own.password is not None:
            yield own
            return
        logins = self._of_realm(url)
        yield from (login for login in logins[:1] if index is not None and login.password is not None)
        if realm(url) in self._accepted:
            yield self._accepted[realm(url)]
        is_required = index is not None and index.authenticate == "always"
        if not is_required and own is None:
            yield None
        yield from (login for login in logins if login.password is not None)
        yield from self._elsewhere(url, index, own or next(iter(logins), None), is_required=is_required)
        yield from (login for login in (own, *logins) if login is not None)
        yield None

    def _index_above(self, url: str) -> Index | None:
        """The configured index that `url` stands below by its path: the nearest."""
        fitting = [one for one, _ in self._known if _is_below(url, one.url)]
        return max(fitting, key=lambda one: len(_root(one.url)), default=None)

    def _of_realm(self, url: str) -> list[Login]:
        """Those of the indexes on the host of `url`, the one that it stands below first."""
        above = self._index_above(url)
        here = [(one, login) for one, login in self._known if login is not None and realm(one.url) == realm(url)]
        ordered = sorted(here, key=lambda pair: pair[0] is not above)
        return [login for _, login in ordered if login is not None]

    def _elsewhere(self, url: str, index: Index | None, known: Login | None, *, is_required: bool) -> Iterator[Login]:
        user = known.user if known else ""
        for found in (_of_netrc(url, user), _of_store(url, user)):
            if found is not None:
                yield found
        if self._has_keyring and (user or is_required):
            found = self._of_keyring(_bare(index.url if index else url), user)
            if found is not None:
                yield found

    def _of_keyring(self, service: str, user: str) -> Login | None:
        with self._asking:
            key = (realm(service), user)
            if key not in self._asked:
                host = urlsplit(service).netloc
                self._asked[key] = _ask_keyring(service, user) or _ask_keyring(host, user)
            return self._asked[key]


def realm(url: str) -> Realm:
    """Scheme, host and port: what a login is bound to."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS.get(parts.scheme)


def without(url: str) -> str:
    """`url` as it may be sent and shown: without its credentials."""
    return urlsplit(url)._replace(netloc=_host(urlsplit(url))).geturl()


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _bare(url: str) -> str:
    return urlsplit(without(url))._replace(query="", fragment="").geturl()


def _of_index(index: Index) -> Login | None:
    prefix = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", index.name.upper())
    user, password = os.environ.get(f"{prefix}_USERNAME"), os.environ.get(f"{prefix}_PASSWORD")
    if index.name and (user is not None or password is not None):
        return Login(user or "", password)
    return _of_url(index.url)


def _of_url(url: str) -> Login | None:
    parts = urlsplit(url)
    if not parts.username and not parts.password:
        return None
    return Login(unquote(parts.username or ""), None if parts.password is None else unquote(parts.password))


def _is_below(url: str, above: str) -> bool:
    path, root = urlsplit(url).path.strip("/").split("/"), _root(above)
    return realm(url) == realm(above) and path[: len(root)] == root


def _root(index: str) -> list[str]:
    """The path of an index: what stands beside its /simple belongs to it too."""
    parts = [part for part in urlsplit(index).path.split("/") if part]
    return parts[:-1] if parts and parts[-1] in ("simple", "+simple") else parts


def _of_netrc(url: str, user: str) -> Login | None:
    file = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        found = netrc.netrc(file).authenticators(realm(url)[1]) if file.is_file() else None
    except (netrc.NetrcParseError, OSError, ValueError):
        return None
    if found is None or (user and found[0] != user):
        return None
    return Login(found[0], found[2])


def _of_store(url: str, user: str) -> Login | None:
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    file = Path(os.environ.get("UV_CREDENTIALS_DIR") or data / "uv/credentials") / "credentials.toml"
    try:
        kept = tomllib.loads(file.read_text(encoding="utf-8")).get("credential", [])
    except (OSError, ValueError):
        return None
    fitting = [one for one in kept if _is_below(url, str(one.get("service", ""))) and user in ("", one.get("username"))]
    return _stored(max(fitting, key=lambda one: len(str(one["service"])), default={}))


def _stored(entry: dict[str, Any]) -> Login | None:
    secret = entry.get("password") or entry.get("token")
    return Login(str(entry.get("username", "")), str(secret)) if secret else None


def _ask_keyring(service: str, user: str) -> Login | None:
    """As uv asks it: by name, or for name and password where no name is known."""
    asked = [service, user] if user else [service, "--mode", "creds"]
    try:
        done = tools.run(["keyring", "get", *asked], cwd=Path("/"), env=os.environ, timeout=KEYRING_SECONDS)
    except MachineError:
        return None
    lines = done.stdout.splitlines()
    if done.status != 0 or len(lines) < (1 if user else 2):
        return None
    return Login(user, lines[0]) if user else Login(lines[0], lines[1])
