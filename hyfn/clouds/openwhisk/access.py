"""Which OpenWhisk, and by whose key: as `wsk` finds it.

The file is the one of WSK_CONFIG_FILE, else ~/.wskprops; WHISK_APIHOST, WHISK_AUTH and WHISK_NAMESPACE go before it
(commands/property.go in apache/openwhisk-cli). Without either, __OW_API_HOST and __OW_API_KEY are what an action has
that was given the key (docs/actions.md).
"""

from __future__ import annotations

import os
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from hyfn.errors import ConfigError, MachineError

DEFAULT_NAMESPACE = "_"
"""The one that the key is of."""


@dataclass(frozen=True, slots=True)
class Access:
    """`host` is "https://…" without a "/" at its end. `key` is "uuid:key"."""

    host: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Basic {b64encode(self.key.encode()).decode()}"}

    def __repr__(self) -> str:
        return f"Access({self.host})"


def access() -> Access:
    """Raises MachineError where no host or no key is known."""
    host, key = (_value(*names) for names in (("APIHOST", "__OW_API_HOST"), ("AUTH", "__OW_API_KEY")))
    if not host or not key:
        said = f"no {'key of' if host else 'host of'} OpenWhisk's is known here"
        raise MachineError(said, hint="wsk property set --apihost HOST --auth KEY, or WHISK_APIHOST and WHISK_AUTH")
    if ":" not in key:
        raise ConfigError("AUTH of OpenWhisk is a name, a colon and a key", hint="see wsk property get --auth")
    return Access((host if "://" in host else f"https://{host}").rstrip("/"), key)


def namespace() -> str:
    """The one that `wsk` works in."""
    return _value("NAMESPACE", "") or DEFAULT_NAMESPACE


def headers(url: str) -> dict[str, str]:
    """What shows who calls `url`, an action of this OpenWhisk's; {} for any other, which must not see the key."""
    try:
        own = access()
    except (ConfigError, MachineError):
        return {}
    return own.headers if url.startswith(f"{own.host}/api/v1/namespaces/") else {}


def _value(name: str, inside: str) -> str:
    found = os.environ.get(f"WHISK_{name}") or _properties().get(name, "")
    return found or os.environ.get(inside, "")


def _properties() -> dict[str, str]:
    path = Path(os.environ.get("WSK_CONFIG_FILE") or Path.home() / ".wskprops")
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}
