"""Builds are exact, the same everywhere, no more work than a change asks for, and whole whatever happens."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from textwrap import dedent

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import hyfn
from hyfn import project
from hyfn.pack import delivery
from hyfn.project.platforms import packer
from hyfn.toolchain import pythons
from tests.commands import written
from tests.unit import building
from tests.unit.building import (
    ARTIFACTS,
    FILES,
    REACHED,
    Change,
    Shop,
    append,
    forge,
    open_shop,
    spoil,
    stocked,
)

AARCH64 = 183
"""e_machine in an ELF header (System V ABI, AArch64 supplement)."""
UNCHECKED = 0b01
"""The flags of a .pyc that is never held against its source (PEP 552)."""


@pytest.fixture
def stock(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return building.stock(tmp_path_factory.getbasetemp())


@pytest.fixture
def shop(tmp_path: Path, stock: Shop) -> Shop:
    """A locked one that was never built, with full caches that it shares."""
    return stock.copy(tmp_path / "shop")


# The same everywhere.


def test_two_builds_in_two_folders_under_two_umasks_are_the_same(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With empty caches, files written in another order at another time, and other hashes of strings."""
    index = stocked(tmp_path_factory.getbasetemp() / "stocked")
    one = open_shop(tmp_path / "one", index, PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C")
    other = open_shop(tmp_path / "another" / "place", index, PYTHONHASHSEED="2", TZ="Asia/Tokyo", LC_ALL="C.UTF-8")
    shutil.rmtree(other.root)
    written(other.root, dict(reversed(list(FILES.items()))))
    for path in other.root.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))

    for shop, umask in ((one, 0o022), (other, 0o077)):
        before = os.umask(umask)
        try:
            shop.build()
        finally:
            os.umask(before)

    assert one.files() == other.files()
    assert (one.root / "hyfn.lock").read_bytes() == (other.root / "hyfn.lock").read_bytes()
    assert set(one.digests()) == set(ARTIFACTS)
    assert set(one.files()) >= {
        "manifest.json",
        *(f"{Path(each).with_suffix('.cdx.json')}" for each in ARTIFACTS.values()),
    }


def test_every_compiled_module_is_never_held_against_its_source(stock: Shop) -> None:
    for artifact in stock.manifest["artifacts"]:
        if artifact["kind"] == "zip":
            magic = magic_of(artifact["python"])
            with zipfile.ZipFile(stock.out / artifact["path"]) as archive:
                compiled = [name for name in archive.namelist() if name.endswith(".pyc")]
                headers = {archive.read(name)[:8] for name in compiled}
                sources = {name for name in archive.namelist() if name.endswith(".py")}
            assert headers == {magic + struct.pack("<L", UNCHECKED)}
            assert {source_of(name) for name in compiled} == sources


def magic_of(python: str) -> bytes:
    found = pythons.find(python)
    assert found, f"this test needs a CPython {python}"
    code = "import sys, _imp, _frozen_importlib_external as e; sys.stdout.buffer.write(e.MAGIC_NUMBER)"
    said = subprocess.run([found, "-I", "-S", "-c", code], capture_output=True, check=True).stdout
    assert python != f"{sys.version_info[0]}.{sys.version_info[1]}" or said == MAGIC_NUMBER
    return said


def source_of(compiled: str) -> str:
    folder, _, name = compiled.rpartition("__pycache__/")
    return f"{folder}{name.partition('.')[0]}.py"


COMPILED = """
    import sys
    statements, *roots = sys.argv[1:]
    seen = []
    sys.path[:0] = roots
    sys.addaudithook(lambda event, given: seen.append(str(given[1])) if event == "compile" else None)
    exec(statements, {"__name__": "__load__"})
    print(*[name for name in seen if name.startswith(tuple(roots))])
"""


def test_what_is_loaded_of_an_artifact_is_not_compiled_again(
    tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYFN_CACHE", str(shop.cache))
    built = project.build(project.read(shop.root), tmp_path / "out", lambda _: None)
    loaded = 0
    for unit, artifact in zip(built.units.values(), built.artifacts, strict=True):
        if unit.target.options.get("architecture") != "arm64":
            roots = project.unpack(artifact, tmp_path / artifact.short)
            entry = packer(unit.target).entry(unit.target)
            assert compiled_again(entry, artifact.python, roots) == []
            user = next(roots[0].rglob("__pycache__/*s.cpython-*.pyc"))
            user.unlink()
            assert [Path(each).stem for each in compiled_again(entry, artifact.python, roots)] == [
                user.name.partition(".")[0]
            ]
            loaded += 1
    assert loaded == len(ARTIFACTS) - 1


def compiled_again(entry: str, python: str, roots: Sequence[Path]) -> list[str]:
    found = pythons.find(python)
    assert found
    argv = [str(found), "-I", "-S", "-B", "-c", dedent(COMPILED), entry, *map(str, roots)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=roots[0])
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_every_native_library_for_arm64_is_one(stock: Shop) -> None:
    machines = {}
    with zipfile.ZipFile(stock.out / ARTIFACTS["small"]) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if content.startswith(b"\x7fELF"):
                machines[name] = struct.unpack_from("<H", content, 18)[0]
    assert {name.partition("/")[0] for name in machines} == {"markupsafe", "msgpack"}
    assert set(machines.values()) == {AARCH64}


def test_every_bill_of_materials_is_valid_and_lists_what_the_manifest_lists(stock: Shop) -> None:
    for artifact in stock.manifest["artifacts"]:
        text = (stock.out / artifact["path"]).with_suffix(".cdx.json").read_text()
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
        listed = {f"{each['name']}=={each['version']}" for each in json.loads(text)["components"]}
        assert listed - {f"cpython=={artifact['python']}", f"hyfn=={hyfn.__version__}"} == set(
            artifact["distributions"]
        )
        assert artifact["digest"].removeprefix("sha256:") in text


# No change, no work; a change, no less.


def test_a_build_without_changes_does_nothing_and_says_the_same(shop: Shop) -> None:
    before = shop.settled()
    places, built, said = shop.places(), shop.built(), shop.build("--json")

    done = shop.build(env={"PYTHONPROFILEIMPORTTIME": "1"})

    imported = {line.rpartition("|")[2].strip() for line in done.err.splitlines() if line.startswith("import time:")}
    assert {"hyfn.pack.previous", "hyfn.pack.fresh"} <= imported
    assert not {"hyfn.project", "hyfn.discover", "httpx", "asyncio", "ctypes"} & imported
    notes = [line for line in done.err.splitlines() if not line.startswith("import time:")]
    assert (done.out, "\n".join(notes).strip()) == (before.out, before.err.strip())
    assert "small for aws: not loaded for a check" in before.err
    assert json.loads(said.out) == shop.manifest
    assert (shop.places(), shop.built()) == (places, built)


CHANGES: Mapping[str, tuple[Change, set[str]]] = {
    "a line of a module that two reach": (append("texts.py"), REACHED),
    "a module of the same size and time": (forge("totals.py", "count + 1", "count + 2"), {"total"}),
    "a data file of the same size and time": (forge("prices.json", "2", "3"), {"order"}),
    "a new module that is imported in a distribution's place": (
        lambda shop: written(shop.root, {"six.py": "def ensure_str(text: str) -> str:\n    return text\n"}),
        {"ship"},
    ),
    "a module that is gone again": (lambda shop: (shop.root / "six.py").unlink(), {"ship"}),
    "a setting of one function": (
        append("pyproject.toml", "[tool.hyfn.functions.mail.build]\npyc = false\n"),
        {"mail"},
    ),
    "the app's name": (forge("pyproject.toml", '"shop"', '"shot"'), set(ARTIFACTS)),
    "a file that nothing reaches": (lambda shop: written(shop.root, {"notes.txt": "1"}), set()),
    "a lock that is gone": (lambda shop: (shop.root / "hyfn.lock").unlink(), set()),
}
DAMAGE: Mapping[str, tuple[Change, set[str]]] = {
    "an artifact that was cut": (lambda shop: os.truncate(shop.out / ARTIFACTS["mail"], 99), {"mail"}),
    "an artifact that was changed": (lambda shop: spoil(shop.out / ARTIFACTS["mail"]), {"mail"}),
    "an artifact that is gone": (lambda shop: (shop.out / ARTIFACTS["total"]).unlink(), {"total"}),
    "a blob of an image that was changed": (lambda shop: spoil(largest_blob(shop)), {"ship"}),
    "a bill of materials that is gone": (lambda shop: (shop.out / "gcp/total.cdx.json").unlink(), {"total"}),
    "a manifest that was changed": (lambda shop: (shop.out / delivery.MANIFEST).write_text("{}"), set()),
    "a state that was changed": (lambda shop: spoil(shop.out / delivery.STATE), set(ARTIFACTS)),
}


def largest_blob(shop: Shop) -> Path:
    return max((shop.out / ARTIFACTS["ship"] / "blobs" / "sha256").iterdir(), key=lambda blob: blob.stat().st_size)


def test_every_change_is_noticed_and_makes_anew_what_it_reaches(shop: Shop, tmp_path: Path) -> None:
    """One after the other. What a change does not reach stays: the same file with the same time."""
    shop.settled()
    for what, (change, reached) in CHANGES.items():
        digests = shop.digests()
        assert remade(shop, what, change) == reached, what
        assert {name for name, digest in shop.digests().items() if digest != digests[name]} == reached, what
    other = shop.copy(tmp_path / "other")
    other.build()
    assert other.files() == shop.files()


def test_what_was_touched_of_a_build_is_made_anew(shop: Shop, tmp_path: Path) -> None:
    """In a cache of its own: the blobs of an image are the cache's own files."""
    shop = shop.copy(tmp_path / "own", HYFN_CACHE=str(shutil.copytree(shop.cache, tmp_path / "cache")))
    shop.settled()
    before = shop.files()
    for what, (damage, reached) in DAMAGE.items():
        assert remade(shop, what, damage) == reached, what
        assert shop.files() == before, what


def remade(shop: Shop, what: str, change: Change) -> set[str]:
    """The functions whose artifacts the next build makes anew. The one after that finds no change."""
    places, built = shop.places(), shop.built()
    change(shop)
    shop.settle()
    shop.build()
    assert shop.built() != built, f"{what} was not noticed"
    after = shop.places()
    if "lock" not in what:  # which that build wrote
        built = shop.built()
        shop.build()
        assert shop.built() == built, f"after {what} there was another build"
    return {name for name in ARTIFACTS if after[name] != places[name]}


def test_another_stage_base_path_or_out_is_another_build(shop: Shop, tmp_path: Path) -> None:
    before = shop.settled()
    base = written(tmp_path / "base", {"usr/bin/python3": ""})
    (base / "usr" / "bin" / "python3").chmod(0o755)
    for options, env in [((), {"HYFN_STAGE": "prod"}), (("--base", str(base)), {}), (("--locked",), {})]:
        built = shop.built()
        shop.build(*options, env=env)
        assert shop.built() != built, (options, env)
    shop.build()
    digests = shop.digests()
    Shop(shop.root, shop.env, tmp_path / "out").build()
    assert Shop(shop.root, shop.env, tmp_path / "out").digests() == digests
    assert shop.build().out == before.out
    file = Shop(shop.root / "mails.py", shop.env, shop.out)
    file.build()
    assert file.digests() == digests


def test_a_build_into_the_project_itself_finds_no_change_either(shop: Shop) -> None:
    inside = Shop(shop.root, shop.env, shop.root / "dist")
    inside.settled()
    built = inside.built()
    inside.build()
    assert inside.built() == built
    assert sorted(path.name for path in inside.root.iterdir()) == sorted([*FILES, "hyfn.lock", "dist"])


def test_another_python_is_noticed(shop: Shop, tmp_path: Path) -> None:
    """Also where the variables that name the place of Pythons are the same."""
    found = pythons.find("3.13")
    assert found
    programs = written(tmp_path / "bin", {"other": ""})
    env = {**shop.env, "PATH": f"{programs}:{os.environ['PATH']}"}
    shop = Shop(shop.root, env)
    shop.settled()
    built, digests = shop.built(), shop.digests()
    written(programs, {"python3.13": f'#!/bin/sh\nexec {found} "$@"\n'}).joinpath("python3.13").chmod(0o755)
    shop.build()
    assert shop.built() != built
    assert shop.digests() == digests
