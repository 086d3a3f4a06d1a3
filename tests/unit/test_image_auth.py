"""Credentials as Docker and podman keep them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hyfn.errors import ConfigError, MachineError
from hyfn.pack.image import auth
from hyfn.pack.image.auth import Credentials
from hyfn.pack.image.reference import Reference

ADA = {"auth": base64.b64encode(b"ada:se:cret").decode()}
HELPER = """#!/bin/sh
read -r server
case "$1 $server" in
"get known.example") echo '{"ServerURL": "known.example", "Username": "ada", "Secret": "from helper"}' ;;
"get token.example") echo '{"ServerURL": "token.example", "Username": "<token>", "Secret": "refresh"}' ;;
"get broken.example") echo "the keyring is locked" >&2; exit 1 ;;
*) echo "credentials not found in native keychain"; exit 1 ;;
esac
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without credentials."""
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docker-credential-test on PATH."""
    program = tmp_path / "bin" / "docker-credential-test"
    program.parent.mkdir()
    program.write_text(HELPER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def write(file: Path, config: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(config))


def found(name: str) -> Credentials | None:
    return auth.credentials(Reference.parse(name))


def test_nobody_is_logged_in_without_files() -> None:
    assert found("ghcr.io/acme/greet") is None


def test_docker_wrote_user_and_password(home: Path) -> None:
    write(home / ".docker" / "config.json", {"auths": {"ghcr.io": ADA}})
    one = found("ghcr.io/acme/greet")
    assert one is not None
    assert (one.user, one.password) == ("ada", "se:cret")
    assert one.source == f"ghcr.io in {home}/.docker/config.json"
    assert found("quay.io/acme/greet") is None


def test_they_never_show_in_a_traceback(home: Path) -> None:
    write(home / ".docker" / "config.json", {"auths": {"ghcr.io": ADA}})
    assert "cret" not in repr(found("ghcr.io/acme/greet"))


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
def test_docker_hub_has_its_own_keys(home: Path, key: str) -> None:
    write(home / ".docker" / "config.json", {"auths": {key: ADA}})
    assert found("python") is not None


def test_an_old_client_wrote_an_address(home: Path) -> None:
    write(home / ".docker" / "config.json", {"auths": {"https://ghcr.io/v2/": ADA}})
    assert found("ghcr.io/acme/greet") is not None


def test_podman_knows_keys_for_parts_of_a_registry(home: Path) -> None:
    mine = {"username": "me", "password": "mine"}
    write(home / ".config" / "containers" / "auth.json", {"auths": {"ghcr.io": ADA, "ghcr.io/acme": mine}})
    inside, outside = found("ghcr.io/acme/greet"), found("ghcr.io/other/greet")
    assert inside is not None
    assert outside is not None
    assert (inside.user, outside.user) == ("me", "ada")


def test_a_file_named_by_the_environment_is_the_only_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / ".docker" / "config.json", {"auths": {"ghcr.io": ADA}})
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "nothing.json"))
    assert found("ghcr.io/acme/greet") is None


def test_the_folder_of_docker_can_be_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / "elsewhere" / "config.json", {"auths": {"ghcr.io": ADA}})
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "elsewhere"))
    assert found("ghcr.io/acme/greet") is not None


@pytest.mark.usefixtures("helper")
class TestAHelper:
    @pytest.mark.parametrize("config", [{"credHelpers": {"known.example": "test"}}, {"credsStore": "test"}])
    def test_is_asked(self, home: Path, config: dict[str, Any]) -> None:
        write(home / ".docker" / "config.json", {"auths": {"known.example": {}}, **config})
        one = found("known.example/acme/greet")
        assert one is not None
        assert (one.user, one.password, one.source) == ("ada", "from helper", "docker-credential-test")

    def test_may_give_an_identity_token(self, home: Path) -> None:
        write(home / ".docker" / "config.json", {"credsStore": "test"})
        assert found("token.example/x") == Credentials("docker-credential-test", identity="refresh")

    def test_may_have_nothing(self, home: Path) -> None:
        write(home / ".docker" / "config.json", {"credsStore": "test"})
        assert found("unknown.example/x") is None

    def test_that_fails_is_an_error_with_its_words(self, home: Path) -> None:
        write(home / ".docker" / "config.json", {"credsStore": "test"})
        with pytest.raises(MachineError, match=r"no credentials for broken\.example: the keyring is locked"):
            found("broken.example/x")

    @pytest.mark.parametrize("name", ["missing", "../../bin/test", "test; true"])
    def test_that_is_not_there_is_named(self, home: Path, name: str) -> None:
        write(home / ".docker" / "config.json", {"credsStore": name})
        with pytest.raises(MachineError, match="which is not on PATH"):
            found("known.example/x")


def test_a_damaged_file_is_named(home: Path) -> None:
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text("{")
    with pytest.raises(ConfigError, match=r"config\.json is no JSON"):
        found("ghcr.io/x/y")


def test_a_damaged_entry_is_named(home: Path) -> None:
    write(home / ".docker" / "config.json", {"auths": {"ghcr.io": {"auth": "%%%"}}})
    with pytest.raises(ConfigError, match=r"ghcr\.io in .*config\.json holds no user"):
        found("ghcr.io/x/y")


@pytest.mark.parametrize("config", [[], 3, {"auths": []}, {"auths": {"ghcr.io": 3}}, {"credHelpers": {"ghcr.io": 3}}])
def test_what_has_another_form_is_passed_over(home: Path, config: Any) -> None:
    write(home / ".docker" / "config.json", config)
    assert found("ghcr.io/x/y") is None
