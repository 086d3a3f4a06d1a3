"""Signature Version 4, by which AWS knows who calls.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html: a few lines in place of
botocore, which would weigh 24 MB in an artifact.
"""

from __future__ import annotations

import hmac
from os import environ
from time import gmtime, strftime

from hyfn.wire.carrier import Request
from hyfn.wire.mac import sha256

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "lambda"
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


class Credentials:
    """`token` is "" for a user's own, which do not expire."""

    __slots__ = ("key", "secret", "token")

    def __init__(self, key: str, secret: str, token: str = "") -> None:
        self.key = key
        self.secret = secret
        self.token = token


def sign(request: Request) -> Request:
    """The request with a signature, or as it is where this process has no credentials: AWS then says so."""
    credentials = _credentials()
    return (
        signed(request, credentials, region(request.url), strftime("%Y%m%dT%H%M%SZ", gmtime()))
        if credentials
        else request
    )


def region(url: str) -> str:
    """The region in a Lambda URL, else the one that the environment names."""
    host = url.partition("://")[2].partition("/")[0].partition(":")[0]
    labels = host.split(".")
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn")) and labels[0] == SERVICE:
        return labels[1]
    if host.endswith(".on.aws"):
        return labels[-3]
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def signed(request: Request, credentials: Credentials, region: str, now: str) -> Request:
    """`now` is UTC as 20150830T123600Z. A pure function. The URL is as it is sent: encoded, its path without "." and
    ".." as names."""
    scheme, _, rest = request.url.partition("://")
    host, _, target = rest.partition("/")
    path, _, query = f"/{target}".partition("?")
    headers = {**request.headers, "X-Amz-Date": now}
    if credentials.token:
        headers["X-Amz-Security-Token"] = credentials.token
    known = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    known["host"] = _host(scheme, host)
    names = ";".join(sorted(known))
    canonical = "\n".join(
        (
            request.method,
            _quoted(path),
            "&".join(sorted(query.split("&"))) if query else "",
            "".join(f"{name}:{known[name]}\n" for name in sorted(known)),
            names,
            sha256(request.body).hex(),
        )
    )
    scope = f"{now[:8]}/{region}/{SERVICE}/aws4_request"
    text = "\n".join((ALGORITHM, now, scope, sha256(canonical.encode()).hex()))
    signature = hmac.digest(_key(credentials.secret, now[:8], region), text.encode(), "sha256").hex()
    headers["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return Request(request.method, request.url, headers, request.body)


def _host(scheme: str, host: str) -> str:
    """As the transport sends it: without the scheme's own port."""
    return host.removesuffix(":443" if scheme == "https" else ":80")


def _quoted(path: str) -> str:
    """Encoded once more than it is sent, as every service but S3 has it."""
    return "".join(chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in path.encode())


def _key(secret: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _credentials() -> Credentials | None:
    """The environment's, as a Lambda has them; on other machines what AWS's own tools would use, where boto3 is."""
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        return Credentials(key, secret, environ.get("AWS_SESSION_TOKEN", ""))
    if "AWS_EXECUTION_ENV" in environ or "HYFN_WIRING" in environ:
        return None
    return _chain()


def _chain() -> Credentials | None:
    """By what ships to AWS, where that is: artifacts have it not."""
    from importlib import import_module

    try:
        found = import_module("hyfn.clouds.aws.ship").credentials()
    except ModuleNotFoundError:
        return None
    return Credentials(*found) if found else None
