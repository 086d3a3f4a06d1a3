"""Pulling from and pushing to registries of which none is to be trusted."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hyfn.errors import BuildError, ConfigError, MachineError
from hyfn.pack.image import layout, media, pull, push
from hyfn.pack.image.reference import Reference
from hyfn.pack.image.registry import Unauthorised, Unreachable
from tests import tls
from tests.fakes.registry import TOKEN, Registry
from tests.images import greeter, silent

pytestmark = pytest.mark.spec


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    return tmp_path / "cache"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as running:
        yield running


def fill(registry: Registry, architecture: str = "amd64", docker: bool = False) -> dict[str, Any]:
    """acme/base:1 as an index with an image of one layer; the layer's descriptor."""
    layer = {"mediaType": media.LAYER, **registry.add(b"a layer")}
    said = {"architecture": architecture, "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:00"]}}
    kind = "application/vnd.docker.container.image.v1+json" if docker else media.CONFIG
    if docker:
        layer["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    manifest = {"schemaVersion": 2, "config": {"mediaType": kind, **registry.add(said)}, "layers": [layer]}
    types = (media.DOCKER_MANIFEST, media.DOCKER_INDEX) if docker else (media.MANIFEST, media.INDEX)
    inner = registry.put("acme/base:inner", types[0], {**manifest, "mediaType": types[0]})
    platform = {"os": "linux", "architecture": architecture}
    index = {"schemaVersion": 2, "mediaType": types[1], "manifests": [{**inner, "platform": platform}]}
    registry.put("acme/base:1", types[1], index)
    return layer


def named(registry: Registry, name: str = "acme/base:1") -> Reference:
    return Reference.parse(f"{registry.host}/{name}")


def sent(registry: Registry, name: str) -> list[str]:
    """The values of one header in all requests that had it."""
    return [asked.headers[name] for asked in registry.asked if name in asked.headers]


class TestABase:
    def test_of_docker_is_taken_by_the_media_types_of_oci(self, registry: Registry) -> None:
        fill(registry, docker=True)
        base = pull.pull(named(registry), "x86_64")
        assert [one.media_type for one in base.layers] == [media.LAYER]

    def test_for_other_machines_is_refused_with_those_that_it_is_for(self, registry: Registry) -> None:
        fill(registry)
        with pytest.raises(ConfigError, match=r"acme/base:1 is not there for linux/arm64, only for linux/amd64"):
            pull.pull(named(registry), "aarch64")

    def test_whose_config_says_another_machine_is_refused(self, registry: Registry) -> None:
        fill(registry)
        inner = registry.manifests["acme/base:inner"]
        registry.manifests["acme/base:1"] = inner
        assert pull.pull(named(registry), "x86_64").layers
        with pytest.raises(ConfigError, match="only for linux/amd64"):
            pull.pull(named(registry), "aarch64")

    def test_that_is_not_what_its_digest_says_is_refused(self, registry: Registry) -> None:
        fill(registry)
        for digest, content in list(registry.blobs.items()):
            registry.lies[digest] = content.replace(b"amd64", b"amd65").replace(b"a layer", b"a liver")
        with pytest.raises(BuildError, match="what came for the blob"):
            pull.pull(named(registry), "x86_64")

    def test_whose_inner_manifest_was_exchanged_is_refused(self, registry: Registry) -> None:
        fill(registry)
        inner = next(name for name in registry.manifests if name.startswith("acme/base:sha256"))
        digest = inner.partition(":")[2]
        registry.lies[digest] = registry.manifests[inner][1] + b" "
        with pytest.raises(BuildError, match=f"where {digest} was asked for"):
            pull.pull(named(registry), "x86_64")

    def test_layer_longer_than_its_manifest_says_is_refused(self, registry: Registry, cache: Path) -> None:
        descriptor = media.descriptor(fill(registry), "a test")
        registry.lies[descriptor.digest] = b"a layer" * 10
        with pytest.raises(MachineError, match="more than the 7 bytes"):
            pull.layer(named(registry), descriptor)
        assert not [path for path in (cache / "images" / "blobs" / "sha256").glob("*") if "partial" in path.name]

    def test_manifest_of_more_than_four_mebibytes_is_refused(self, registry: Registry) -> None:
        registry.put("acme/base:1", media.MANIFEST, {"x": "y" * media.MAX_MANIFEST})
        with pytest.raises(MachineError, match="sends more than"):
            pull.pull(named(registry), "x86_64")

    @pytest.mark.parametrize(
        "manifest",
        [
            [],
            {},
            {"mediaType": "application/vnd.docker.distribution.manifest.v1+json"},
            {"mediaType": media.MANIFEST, "layers": 3, "config": {}},
            {"mediaType": media.MANIFEST, "layers": [], "config": {"digest": "sha256:../../x", "size": 1}},
            {"mediaType": media.MANIFEST, "layers": [], "config": {"digest": f"sha256:{'0' * 64}", "size": -1}},
            {"mediaType": media.INDEX, "manifests": [{"platform": {"os": "linux", "architecture": "amd64"}}]},
            {"mediaType": media.INDEX, "manifests": [7]},
        ],
    )
    def test_that_is_no_manifest_is_an_error_and_no_traceback(self, registry: Registry, manifest: Any) -> None:
        registry.put("acme/base:1", media.MANIFEST, manifest)
        with pytest.raises(BuildError):
            pull.pull(named(registry), "x86_64")

    def test_is_asked_for_again_when_the_registry_is_busy(self, registry: Registry) -> None:
        fill(registry)
        registry.first = [503, 429]
        assert pull.pull(named(registry), "x86_64").layers

    def test_of_a_registry_that_stays_busy_is_an_error_in_printable_words(self, registry: Registry) -> None:
        registry.first = [503] * 9
        with pytest.raises(MachineError, match=r"answered 503 BUSY not now$"):
            pull.pull(named(registry), "x86_64")


class TestARedirect:
    def test_elsewhere_does_not_carry_the_authorization(self, registry: Registry, tmp_path: Path) -> None:
        log_in(registry, tmp_path)
        layer = media.descriptor(fill(registry), "a test")
        registry.realm = registry.origin
        with Registry(blobs=registry.blobs) as storage:
            registry.redirect = storage.origin
            assert pull.layer(named(registry), layer).read_bytes() == b"a layer"
            assert sent(storage, "authorization") == []
        assert TOKEN in sent(registry, "authorization")

    def test_in_a_circle_ends(self, registry: Registry) -> None:
        layer = media.descriptor(fill(registry), "a test")
        registry.redirect = registry.origin
        with pytest.raises(MachineError, match="redirects more than"):
            pull.layer(named(registry), layer)

    def test_to_another_scheme_is_not_followed(self, registry: Registry) -> None:
        layer = media.descriptor(fill(registry), "a test")
        registry.redirect = "ftp://127.0.0.1"
        with pytest.raises(MachineError, match="which is not https"):
            pull.layer(named(registry), layer)


def log_in(registry: Registry, folder: Path, **entry: str) -> None:
    auths = {registry.host: entry or {"username": "ada", "password": "secret"}}
    (folder / "auth.json").write_text(json.dumps({"auths": auths}))


class TestAToken:
    def test_is_asked_for_with_the_scopes_that_a_push_needs(self, registry: Registry, tmp_path: Path) -> None:
        log_in(registry, tmp_path)
        registry.realm = registry.origin
        layout.write([greeter()], tmp_path / "layout")
        push.push(tmp_path / "layout", named(registry, "acme/one:1"), silent)
        push.push(tmp_path / "layout", named(registry, "acme/two:1"), silent)
        tokens = [asked.path for asked in registry.asked if asked.path.startswith("/token")]
        assert "scope=repository%3Aacme%2Fone%3Apull%2Cpush" in tokens[0]
        assert "scope=repository%3Aacme%2Fone%3Apull" in tokens[-1]
        assert "service=fake" in tokens[0]

    def test_comes_for_an_identity_token_too(self, registry: Registry, tmp_path: Path) -> None:
        log_in(registry, tmp_path, identitytoken="refresh me")
        registry.realm = registry.origin
        fill(registry)
        assert pull.pull(named(registry), "x86_64").layers
        assert [asked.method for asked in registry.asked if asked.path.startswith("/token")] == ["POST"]

    def test_that_is_refused_says_whose_credentials_were_used(self, registry: Registry) -> None:
        registry.realm = registry.origin
        with pytest.raises(Unauthorised, match="does not let you pull"):
            pull.pull(named(registry), "x86_64")

    def test_is_never_asked_for_over_http_from_far_away(self, registry: Registry, tmp_path: Path) -> None:
        log_in(registry, tmp_path)
        registry.realm = "ftp://127.0.0.1"
        with pytest.raises(Unauthorised):
            pull.pull(named(registry), "x86_64")


class TestAnUpload:
    def test_that_breaks_off_is_taken_up_where_it_stopped(self, registry: Registry, tmp_path: Path) -> None:
        layout.write([greeter(size=20_000_000)], tmp_path / "layout")
        registry.breaks = 1
        seen: list[int] = []
        done = push.push(tmp_path / "layout", named(registry, "acme/large:1"), lambda there, all: seen.append(there))
        ranges = sent(registry, "content-range")
        assert ranges[:2] == ["0-8388607", "4194304-12582911"]
        assert len(ranges) == 3
        assert done.sent < 20_000_000 + 8 * 1024**2
        assert seen == sorted(seen)

    def test_that_never_gets_through_ends(self, registry: Registry, tmp_path: Path) -> None:
        layout.write([greeter(size=20_000_000)], tmp_path / "layout")
        registry.breaks = 100
        with pytest.raises(Unreachable, match="cannot be reached for acme/large"):
            push.push(tmp_path / "layout", named(registry, "acme/large:1"), silent)
        assert registry.manifests == {}

    def test_puts_the_tag_last(self, registry: Registry, tmp_path: Path) -> None:
        layout.write([greeter("x86_64"), greeter("aarch64")], tmp_path / "layout")
        push.push(tmp_path / "layout", named(registry, "acme/both:1"), silent)
        puts = [asked.path for asked in registry.asked if asked.method == "PUT"]
        assert puts[-1] == "/v2/acme/both/manifests/1"
        assert all("/manifests/sha256:" in path for path in puts[-3:-1])

    def test_under_another_digest_is_refused_before_anything_is_sent(self, registry: Registry, tmp_path: Path) -> None:
        layout.write([greeter()], tmp_path / "layout")
        with pytest.raises(ConfigError, match="cannot be what is pushed"):
            push.push(tmp_path / "layout", named(registry, f"acme/x@sha256:{'0' * 64}"), silent)
        assert registry.asked == []


def test_a_registry_elsewhere_is_spoken_to_by_https(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = tls.self_signed(tmp_path, "127.0.0.1")
    monkeypatch.setattr("hyfn.pack.image.registry.is_loopback", lambda host: False)
    with Registry(tls=tls.context(certificate)) as closed:
        fill(closed)
        with pytest.raises(Unreachable) as refused:
            pull.pull(named(closed), "x86_64")
        assert "SSL_CERT_FILE" in str(refused.value.hint)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert pull.pull(named(closed), "x86_64").layers
    with pytest.raises(Unreachable, match="SSL"):
        pull.pull(named(registry), "x86_64")


def test_blobs_are_kept_where_nobody_changes_them(registry: Registry) -> None:
    kept = pull.layer(named(registry), media.descriptor(fill(registry), "a test"))
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444
