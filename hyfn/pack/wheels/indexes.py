"""What uv's configuration says of package indexes: where they are and how they are reached. Never opens a socket.

The sources and their order are those of uv's manual: environment, then the project's uv.toml or [tool.uv], then the
user's uv.toml, then the machine's.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyfn.errors import ConfigError

Table = Mapping[str, Any]

NAMED = re.compile(r"([A-Za-z0-9._-]+)=(.+)")
HTTP = ("http://", "https://")
TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})


@dataclass(frozen=True, slots=True)
class Index:
    """`url` may hold credentials: never to be shown. `authenticate` is auto, always or never."""

    url: str = field(repr=False)
    name: str = ""
    authenticate: str = "auto"


@dataclass(frozen=True, slots=True)
class Settings:
    """`indexes` are those reached by HTTP, the first one first; find-links pages are among them.

    `insecure` are the hosts ("host" or "host:port") whose certificates are not checked.
    """

    indexes: Sequence[Index]
    has_keyring: bool
    insecure: Sequence[str]
    has_system_certificates: bool
    is_offline: bool


def settings(root: Path | None) -> Settings:
    """As uv has them when it is run in `root`. ConfigError for a configuration that cannot be read."""
    tables = list(_tables(root))
    given = [*_from_environment(), *(index for table in tables for index in _from_table(table))]
    return Settings(
        [index for index in given if index.url.startswith(HTTP)],
        _first("UV_KEYRING_PROVIDER", "keyring-provider", tables) == "subprocess",
        [*os.environ.get("UV_INSECURE_HOST", "").split(), *_every("allow-insecure-host", tables)],
        any(_is_true(name, key, tables) for name, key in _SYSTEM_CERTIFICATES),
        _is_true("UV_OFFLINE", "offline", tables),
    )


_SYSTEM_CERTIFICATES = (("UV_SYSTEM_CERTS", "system-certs"), ("UV_NATIVE_TLS", "native-tls"))


def _from_environment() -> Iterator[Index]:
    plural = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
    for text in (word for name in plural for word in os.environ.get(name, "").split()):
        named = NAMED.fullmatch(text)
        yield Index(named[2], named[1]) if named else Index(text)
    for text in re.split(r"[\s,]+", os.environ.get("UV_FIND_LINKS", "")):
        yield Index(text)


def _from_table(table: Table) -> Iterator[Index]:
    for one in _list(table, "index"):
        yield Index(str(one.get("url", "")), str(one.get("name", "")), str(one.get("authenticate", "auto")))
    for key in ("extra-index-url", "index-url", "find-links"):
        for url in _list(table, key):
            yield Index(str(url))


def _tables(root: Path | None) -> Iterator[Table]:
    """Each with the [pip] table that `uv pip` reads in it merged into its lists."""
    if _is_set("UV_NO_CONFIG"):
        return
    chosen = os.environ.get("UV_CONFIG_FILE")
    if chosen:
        yield _read(Path(chosen))
        return
    for folder in (root.absolute(), *root.absolute().parents) if root else ():
        found = _of_folder(folder)
        if found is not None:
            yield found
            break
    for file in _of_user_and_machine():
        if file.is_file():
            yield _read(file)


def _of_folder(folder: Path) -> Table | None:
    if (folder / "uv.toml").is_file():
        return _read(folder / "uv.toml")
    if (folder / "pyproject.toml").is_file():
        found: Table | None = _read(folder / "pyproject.toml").get("tool", {}).get("uv")
        return found
    return None


def _of_user_and_machine() -> Iterator[Path]:
    yield Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "uv/uv.toml"
    shared = [Path(folder) / "uv/uv.toml" for folder in (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")]
    yield next((file for file in shared if file.is_file()), Path("/etc/uv/uv.toml"))


def _read(file: Path) -> Table:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error


def _list(table: Table, key: str) -> list[Any]:
    both = (table.get(key, []), table.get("pip", {}).get(key, []))
    return [one for value in both for one in (value if isinstance(value, list) else [value])]


def _every(key: str, tables: Sequence[Table]) -> list[str]:
    return [str(one) for table in tables for one in _list(table, key)]


def _first(name: str, key: str, tables: Sequence[Table]) -> str:
    return os.environ.get(name) or next(iter(_every(key, tables)), "")


def _is_true(name: str, key: str, tables: Sequence[Table]) -> bool:
    return _is_set(name) if name in os.environ else _first(name, key, tables) == "True"


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").lower() in TRUE
