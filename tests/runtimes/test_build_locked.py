"""Builds take what is locked and was fetched once, and nothing damaged, secret, excluded or too large."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from hyfn.clouds.aws import pack as aws
from hyfn.model import Limit
from hyfn.toolchain import pythons
from tests.commands import invoke, written
from tests.unit import building
from tests.unit.building import (
    ARTIFACTS,
    OTHER_TEXTS,
    Shop,
    append,
    expected,
    forge,
    spoil,
)


@pytest.fixture
def stock(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return building.stock(tmp_path_factory.getbasetemp())


@pytest.fixture
def shop(tmp_path: Path, stock: Shop) -> Shop:
    """A locked one that was never built, with full caches that it shares."""
    return stock.copy(tmp_path / "shop")


# Locked and fetched once.

RECORDER = """
    import os
    import sys

    WATCHED = {"subprocess.Popen", "os.exec", "os.posix_spawn", "socket.connect", "socket.getaddrinfo"}


    def record(event, given):
        if event in WATCHED:
            with open(os.environ["RECORD"], "a") as opened:
                opened.write(f"{event} {given[1] if event == 'subprocess.Popen' else given}\\n")


    sys.addaudithook(record)
"""


@pytest.fixture
def watched(tmp_path: Path, shop: Shop) -> tuple[Shop, Path]:
    """A shop whose builds write down each program that they start and each address that they go to; none answers."""
    folder = written(tmp_path / "recorder", {"sitecustomize.py": RECORDER, "record": ""})
    closed = dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"), "http://127.0.0.1:9"
    )
    env = {"PYTHONPATH": str(folder), "RECORD": str(folder / "record"), "UV_OFFLINE": "1", **closed}
    return Shop(shop.root, {**shop.env, **env}), folder / "record"


def test_with_a_lock_and_full_caches_nothing_is_asked_of_anyone(
    watched: tuple[Shop, Path], stock: Shop, tmp_path: Path
) -> None:
    shop, record = watched
    shop.build("--locked")
    said = record.read_text()
    assert shop.files() == stock.files()
    assert "uv" not in said.replace(str(shop.root), "")
    assert "socket" not in said
    append("texts.py", f"# {tmp_path}\n")(shop)
    shop.build("--locked")
    started = [line for line in record.read_text()[len(said) :].splitlines() if str(pythons.find("3.13")) in line]
    assert len(started) == 2, started  # texts.py is compiled, and the page is loaded for a check


def test_the_recorder_sees_what_a_build_asks(watched: tuple[Shop, Path], tmp_path: Path) -> None:
    """Else the test above could not fail."""
    shop, record = watched
    (shop.root / "hyfn.lock").unlink()
    shop.build()
    assert "uv" in record.read_text()


def test_locked_refuses_what_would_change_the_lock(shop: Shop) -> None:
    forge("pyproject.toml", '"six"', '"six>1"')(shop)
    refused = shop.tried("--locked")
    assert (refused.status, refused.out) == (1, "")
    assert refused.errors == [
        "hyfn.lock is out of date: six became six>1 (run hyfn lock, and commit what it writes)"
    ], refused.err
    assert not shop.out.exists()
    (shop.root / "hyfn.lock").unlink()
    assert "there is no hyfn.lock" in shop.tried("--locked").err


@pytest.mark.parametrize("what", ["files/*/*/markupsafe-*x86_64*.whl", "segments/*/*.kept"])
def test_what_was_damaged_in_the_cache_goes_into_no_artifact(shop: Shop, tmp_path: Path, what: str) -> None:
    """Though its size and time are those of before. Then it is had anew."""
    wanted = expected(shop, tmp_path)
    shop = shop.copy(tmp_path / "own", HYFN_CACHE=str(shutil.copytree(shop.cache, tmp_path / "cache")))
    shop.build()
    before = shop.files()
    spoiled = list(shop.cache.glob(what))
    assert spoiled
    for path in spoiled:
        stat = path.stat()
        spoil(path)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    written(shop.root, {"texts.py": OTHER_TEXTS})
    refused = shop.tried()
    assert refused.status == 1
    assert all("was damaged in the cache (build again" in error for error in refused.errors), refused.err
    assert shop.files() == before
    for _ in range(5):
        if shop.tried().status == 0:
            break
    assert shop.digests() == wanted[OTHER_TEXTS]


# What must not travel, and what must.

KEY = "AKIA" + "Q3EGRYLFNSTAXV7W"


def test_a_secret_fails_the_build_where_it_stands_unless_it_is_allowed(shop: Shop) -> None:
    shop.build()
    before = shop.files()
    append("texts.py", f'KEY = "{KEY}"\n')(shop)
    append("prices.json", f'\n{{"key": "{KEY}"}}')(shop)
    refused = shop.tried()
    assert (refused.status, refused.out) == (1, "")
    places = sorted(error.partition(": ")[0] for error in refused.errors)
    assert places == ["prices.json:2", "texts.py:5"]
    assert all("aws-access-key" in error for error in refused.errors), refused.err
    assert KEY not in refused.err
    assert shop.files() == before

    forge("texts.py", f'"{KEY}"', f'"{KEY}"  # hyfn: allow(aws-access-key)')
    text = (shop.root / "texts.py").read_text().replace(f'"{KEY}"', f'"{KEY}"  # hyfn: allow(aws-access-key)')
    written(shop.root, {"texts.py": text})
    allow = '[tool.hyfn.build]\nallow = ["prices.json:aws-access-key", "old.pem:private-key"]\n'
    append("pyproject.toml", allow)(shop)
    done = shop.build()
    assert "pyproject.toml:5: allow 'old.pem:private-key' matches nothing" in done.err
    assert "prices.json:aws-access-key" not in done.err


def names(shop: Shop, function: str) -> set[str]:
    with zipfile.ZipFile(shop.out / ARTIFACTS[function]) as archive:
        return set(archive.namelist())


def test_the_projects_settings_say_what_travels(shop: Shop) -> None:
    settings = """
[tool.hyfn.build]
include = ["words/*.txt"]
exclude = ["words/b.txt", "yaml/cyaml.py"]

[tool.hyfn.functions.total.build]
imports = ["six"]
pyc = false
"""
    shop.build()
    before = {name: names(shop, name) for name in ("mail", "total")}
    append("pyproject.toml", settings)(shop)
    written(shop.root, {"words/a.txt": "a", "words/b.txt": "b", "words/c.md": "c"})
    shop.build()
    assert names(shop, "mail") == before["mail"] - {"yaml/cyaml.py", "yaml/__pycache__/cyaml.cpython-313.pyc"} | {
        "words/a.txt"
    }
    brought = names(shop, "total") - before["total"]
    assert {"six.py", "words/a.txt"} <= brought
    assert {name.partition("/")[0].partition("-")[0] for name in brought} == {"six.py", "six", "words"}
    assert not any(name.endswith(".pyc") for name in names(shop, "total"))
    [total] = [each for each in shop.manifest["artifacts"] if each["function"] == "total"]
    assert {each.partition("==")[0] for each in total["distributions"]} == {"msgpack", "six"}


@pytest.fixture
def here(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """For builds in this process, whose platforms' limits a test may set."""
    for name, value in shop.env.items():
        monkeypatch.setenv(name, value)
    return shop


def unpacked(shop: Shop, suffix: str) -> int:
    """Bytes of the files in the heavier of the two artifacts for AWS."""
    with zipfile.ZipFile(shop.out / ARTIFACTS["small"]) as archive:
        return sum(each.file_size for each in archive.infolist() if each.filename.endswith(suffix))


def test_what_is_over_a_limit_is_never_written(here: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "UNPACKED", Limit(1000, "a test"))
    refused = invoke("build", here.root)
    assert (refused.status, refused.out) == (1, "")
    assert [error.partition(" for aws: ")[0] for error in refused.errors] == ["pages.py:5: page", "small.py:4: small"]
    assert "over AWS Lambda's 1000 bytes; msgpack" in refused.err
    assert not here.out.exists()


def test_compiled_modules_stay_out_where_only_they_are_over_a_limit(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.build()
    monkeypatch.setattr(aws, "UNPACKED", Limit(unpacked(here, "") - unpacked(here, ".pyc") + 99, "a test"))
    append("texts.py")(here)
    done = invoke("build", here.root)
    assert done.status == 0, done.err
    assert "page for aws has no .pyc files: with them it would be too large" in done.err
    assert unpacked(here, ".pyc") == 0
