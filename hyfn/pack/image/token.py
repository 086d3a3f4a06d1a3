"""How a registry is told who asks: the value of an Authorization header, by the challenge that it answered with.

Basic is RFC 7617; Bearer is the distribution project's token specification, with its OAuth2 form for identity tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from hyfn.pack.image.auth import Credentials

CLIENT = "hyfn"
FORM = "application/x-www-form-urlencoded"
PARAMETER = re.compile(r'([A-Za-z0-9_-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')

Ask = Callable[[str, str, Mapping[str, str], bytes], tuple[int, bytes]]
"""method, URL, headers, body → status and body."""


def authorization(
    challenges: Sequence[str], credentials: Credentials | None, scopes: Sequence[str], ask: Ask, is_plain: bool
) -> str | None:
    """The header's value, or None where the challenge cannot be met with these credentials.

    `scopes` are "repository:acme/greet:pull,push". A token comes from where the registry says, by https unless the
    registry itself `is_plain` http; it is asked for anonymously where there are no credentials.
    """
    schemes = {each.partition(" ")[0].lower(): each.partition(" ")[2] for each in challenges}
    if credentials and credentials.bearer:
        return f"Bearer {credentials.bearer}"
    if "bearer" in schemes:
        parameters = {name.lower(): quoted or plain for name, quoted, plain in PARAMETER.findall(schemes["bearer"])}
        return _bearer(parameters, credentials, scopes, ask, is_plain)
    if "basic" in schemes and credentials and credentials.password:
        return credentials.basic
    return None


def _bearer(
    parameters: Mapping[str, str], credentials: Credentials | None, scopes: Sequence[str], ask: Ask, is_plain: bool
) -> str | None:
    realm = parameters.get("realm", "")
    if urlsplit(realm).scheme not in (("https", "http") if is_plain else ("https",)):
        return None
    service = {"service": parameters["service"]} if "service" in parameters else {}
    if credentials and credentials.identity:
        form = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": credentials.identity}
        body = urlencode({**form, **service, "scope": " ".join(scopes)}).encode()
        return _token(*ask("POST", realm, {"Content-Type": FORM}, body))
    headers = {"Authorization": credentials.basic} if credentials else {}
    query = [*service.items(), *(("scope", each) for each in scopes)]
    return _token(*ask("GET", _with_query(realm, query), headers, b""))


def _with_query(url: str, query: Sequence[tuple[str, str]]) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *query]), fragment=""))


def _token(status: int, body: bytes) -> str | None:
    try:
        said = json.loads(body) if status == 200 else {}
        found = said.get("token") or said.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        return None
    return f"Bearer {found}" if isinstance(found, str) and found.isascii() and found.isprintable() else None
