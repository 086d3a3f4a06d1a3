"""What a running function was handed: who it is, whom it may call and who may call it. Read once.

The document is JSON, in the variable HYFN_WIRING as text, as `compact` text or as the path of a file. It holds the keys
of this function's own edges and of no other:

    {"app": "invoices", "stage": "dev", "self": "app:ingest@azure",
     "calls":   {"app:ocr": {"raises": ["app:Unreadable"],
                             "routes": [{"placement": "aws", "cloud": "aws", "url": "http://…", "door": "",
                                         "kid": "<16 hex>", "key": "<64 hex>"}]}},
     "callers": {"<16 hex>": {"iss": "invoices/dev/app:settle@knative", "aud": "app:ingest", "key": "<64 hex>",
                              "json": false}}}
"""

from __future__ import annotations

from hyfn.wire import json_text
from hyfn.wire.carrier import Endpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Route:
    """One placement of a callee and the key of the edge to it."""

    __slots__ = ("audience", "endpoint", "key", "key_id", "placement")

    def __init__(self, placement: str, audience: str, endpoint: Endpoint, key_id: bytes, key: bytes) -> None:
        self.placement = placement
        self.audience = audience
        self.endpoint = endpoint
        self.key_id = key_id
        self.key = key


class Callee:
    """A function that this one may call. `raises` are the classes that may be raised here as themselves."""

    __slots__ = ("raises", "routes")

    def __init__(self, routes: list[Route], raises: frozenset[str]) -> None:
        self.routes = routes
        self.raises = raises


class CallerKey:
    """A caller that this function accepts. `is_json` marks one that has values as JSON has them and no contract."""

    __slots__ = ("audience", "is_json", "issuer", "key")

    def __init__(self, issuer: str, audience: str, key: bytes, is_json: bool) -> None:
        self.issuer = issuer
        self.audience = audience
        self.key = key
        self.is_json = is_json


class Wiring:
    """See the module. `name` is "function@placement"; `issuer` is "app/stage/function@placement"."""

    __slots__ = ("app", "callers", "calls", "issuer", "name", "placement", "stage")

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.app: str = document["app"]
        self.stage: str = document["stage"]
        self.name: str = document["self"]
        self.placement = self.name.rpartition("@")[2]
        self.issuer = f"{self.app}/{self.stage}/{self.name}"
        self.calls = {name: self._callee(name, callee) for name, callee in document["calls"].items()}
        self.callers = {
            bytes.fromhex(key_id): CallerKey(
                caller["iss"], caller["aud"], bytes.fromhex(caller["key"]), bool(caller.get("json"))
            )
            for key_id, caller in document["callers"].items()
        }

    def _callee(self, name: str, document: Mapping[str, Any]) -> Callee:
        return Callee(
            [
                Route(
                    route["placement"],
                    f"{self.app}/{self.stage}/{name}@{route['placement']}",
                    Endpoint(route["cloud"], name, route["url"], route.get("door", "")),
                    bytes.fromhex(route["kid"]),
                    bytes.fromhex(route["key"]),
                )
                for route in document["routes"]
            ],
            frozenset(document["raises"]),
        )


COMPACT = "z:"
"""What compact text begins with; the rest is base64 of the JSON, deflated."""


def compact(text: str) -> str:
    """The same for platforms that have little room for variables."""
    from binascii import b2a_base64
    from zlib import compress

    return COMPACT + b2a_base64(compress(text.encode(), 9), newline=False).decode()


def _expanded(text: str) -> str:
    from binascii import a2b_base64
    from zlib import decompress

    return decompress(a2b_base64(text.removeprefix(COMPACT))).decode()


def read(environ: Mapping[str, str]) -> Wiring | None:
    """The wiring that HYFN_WIRING holds or names, or None where it is not set."""
    text = environ.get("HYFN_WIRING")
    if not text:
        return None
    if text.startswith(COMPACT):
        text = _expanded(text)
    elif not text.startswith("{"):
        with open(text, encoding="utf-8") as file:  # noqa: PTH123  (pathlib costs a cold start 5 ms)
            text = file.read()
    return Wiring(json_text.read(text))
