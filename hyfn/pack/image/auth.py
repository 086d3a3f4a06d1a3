"""Who the user is to a registry, by what `docker login` and `podman login` have written. Never opens a socket.

The forms are those of Docker's config.json and of containers-auth.json(5): `auths`, `credHelpers`, `credsStore`.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyfn.errors import ConfigError, MachineError
from hyfn.pack.image.reference import HUB, Reference
from hyfn.toolchain import tools

HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", HUB)
"""What Docker Hub is called in these files. Docker itself writes the first."""
HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
HELPER_SECONDS = 60.0
TOKEN_USER = "<token>"  # noqa: S105
"""The user name by which a helper says that its secret is an identity token (Docker's credential-helper protocol)."""
NOT_THERE = "credentials not found"


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """User and password, or an OAuth2 refresh token (`identity`), or a bearer token. `source` says from where."""

    source: str
    user: str = ""
    password: str = ""
    identity: str = ""
    bearer: str = ""

    @property
    def basic(self) -> str:
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def credentials(reference: Reference) -> Credentials | None:
    """Those for the repository or its registry, from the first file that has some; None where none has.

    Raises ConfigError for a file that is none of these, MachineError for a helper that fails.
    """
    for file in files():
        config = _read(file)
        found = _of(config, reference, file) if config else None
        if found:
            return found
    return None


def files() -> Iterator[Path]:
    """Where credentials are looked for. $REGISTRY_AUTH_FILE is the only one where it is set, as in podman."""
    env, home = os.environ, Path.home()
    if env.get("REGISTRY_AUTH_FILE"):
        yield Path(env["REGISTRY_AUTH_FILE"])
        return
    yield Path(env.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    if env.get("XDG_RUNTIME_DIR"):
        yield Path(env["XDG_RUNTIME_DIR"]) / "containers" / "auth.json"
    yield Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"


def _read(file: Path) -> Mapping[str, Any] | None:
    try:
        config = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise MachineError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file} is no JSON", hint="docker login writes it anew") from error
    return config if isinstance(config, dict) else None


def _of(config: Mapping[str, Any], reference: Reference, file: Path) -> Credentials | None:
    """A helper for the registry, then what is written for the repository or above it, then the store for all."""
    helpers, auths = _table(config, "credHelpers"), _table(config, "auths")
    for key in _keys(reference):
        if isinstance(helpers.get(key), str):
            return _helped(helpers[key], key, file)
    for key, said in _written(auths, reference):
        found = _entry(said, f"{key} in {file}")
        if found:
            return found
    store = config.get("credsStore")
    servers = HUB_KEYS[:1] if reference.registry == HUB else (reference.registry,)
    return _helped(store, servers[0], file) if isinstance(store, str) and store else None


def _table(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = config.get(key)
    return found if isinstance(found, dict) else {}


def _keys(reference: Reference) -> list[str]:
    """What may stand for the repository, the most special first: podman knows keys below a registry."""
    parts = reference.repository.split("/")
    below = [f"{reference.registry}/{'/'.join(parts[:count])}" for count in range(len(parts), 0, -1)]
    return [*below, *(HUB_KEYS if reference.registry == HUB else (reference.registry,))]


def _written(auths: Mapping[str, Any], reference: Reference) -> Iterator[tuple[str, Any]]:
    for key in _keys(reference):
        if key in auths:
            yield key, auths[key]
    for key, said in auths.items():  # old clients wrote "https://registry/v2/"
        if key.startswith(("https://", "http://")) and key.split("/")[2] == reference.registry:
            yield key, said


def _entry(said: Any, source: str) -> Credentials | None:
    if not isinstance(said, dict):
        return None
    text = {key: value for key, value in said.items() if isinstance(value, str)}
    user, password = text.get("username", ""), text.get("password", "")
    if text.get("auth"):
        user, password = _decoded(text["auth"], source)
    found = Credentials(source, user, password, text.get("identitytoken", ""), text.get("registrytoken", ""))
    return found if found.password or found.identity or found.bearer else None


def _decoded(auth: str, source: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except ValueError as error:
        raise ConfigError(f"the entry {source} holds no user and password", hint="log in again") from error
    return user, password.rstrip("\0")


def _helped(helper: str, server: str, file: Path) -> Credentials | None:
    """What the program docker-credential-`helper` has for `server`; None where it has nothing."""
    program = f"docker-credential-{helper}"
    if not HELPER.fullmatch(helper) or not (found := shutil.which(program)):
        raise MachineError(f"{file} names {program}, which is not on PATH", hint="install it, or log in again")
    done = tools.run([found, "get"], cwd=Path("/"), env=os.environ, stdin=server, timeout=HELPER_SECONDS)
    if NOT_THERE in done.stdout + done.stderr:
        return None
    try:
        said = json.loads(done.stdout)
        user, secret = str(said["Username"]), str(said["Secret"])
    except (ValueError, TypeError, LookupError) as error:
        why = " ".join(done.stderr.split())[:200] or f"status {done.status}"
        raise MachineError(f"{program} gives no credentials for {server}: {why}") from error
    if user == TOKEN_USER:
        return Credentials(program, identity=secret)
    return Credentials(program, user, secret)
