"""Builds are exact, the same everywhere, no more work than a change asks for, and whole whatever happens."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from textwrap import dedent

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import hyfn
from hyfn import project
from hyfn.clouds.aws import pack as aws
from hyfn.model import Limit
from hyfn.pack import delivery
from hyfn.project.platforms import packer
from hyfn.toolchain import pythons
from tests.commands import invoke, written
from tests.fakes.folder_index import FolderIndex
from tests.unit import index as package_index
from tests.unit.building import ARTIFACTS, FILES, OTHER_TEXTS, REACHED, Shop, open_shop, stocked

AARCH64 = 183
"""e_machine in an ELF header (System V ABI, AArch64 supplement)."""
UNCHECKED = 0b01
"""The flags of a .pyc that is never held against its source (PEP 552)."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> FolderIndex:
    package_index.require()
    return stocked(tmp_path_factory.mktemp("index"))


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, index: FolderIndex) -> Shop:
    """A shop that was built: its lock is written, its caches are full. Not to be changed."""
    shop = open_shop(tmp_path_factory.mktemp("stock"), index)
    shop.settled()
    return shop


@pytest.fixture
def shop(tmp_path: Path, stock: Shop) -> Shop:
    """A locked one that was never built, with full caches that it shares."""
    return stock.copy(tmp_path / "shop")


# The same everywhere.


def test_two_builds_in_two_folders_under_two_umasks_are_the_same(tmp_path: Path, index: FolderIndex) -> None:
    """With empty caches, files written in another order at another time, and other hashes of strings."""
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


def append(name: str, text: str = "# more\n") -> Callable[[Shop], object]:
    def change(shop: Shop) -> None:
        with (shop.root / name).open("a") as opened:
            opened.write(text)

    return change


def forge(name: str, old: str, new: str) -> Callable[[Shop], object]:
    """Another text of the same size in the same file under the old time."""

    def change(shop: Shop) -> None:
        path = shop.root / name
        stat, text = path.stat(), path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    return change


CHANGES: Mapping[str, tuple[Callable[[Shop], object], set[str]]] = {
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
DAMAGE: Mapping[str, tuple[Callable[[Shop], object], set[str]]] = {
    "an artifact that was cut": (lambda shop: os.truncate(shop.out / ARTIFACTS["mail"], 99), {"mail"}),
    "an artifact that was changed": (lambda shop: spoil(shop.out / ARTIFACTS["mail"]), {"mail"}),
    "an artifact that is gone": (lambda shop: (shop.out / ARTIFACTS["total"]).unlink(), {"total"}),
    "a blob of an image that was changed": (lambda shop: spoil(largest_blob(shop)), {"ship"}),
    "a bill of materials that is gone": (lambda shop: (shop.out / "gcp/total.cdx.json").unlink(), {"total"}),
    "a manifest that was changed": (lambda shop: (shop.out / delivery.MANIFEST).write_text("{}"), set()),
    "a state that was changed": (lambda shop: spoil(shop.out / delivery.STATE), set(ARTIFACTS)),
}


def spoil(path: Path) -> None:
    """One bit of it, as a disk does."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


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


def remade(shop: Shop, what: str, change: Callable[[Shop], object]) -> set[str]:
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


# Whole, whatever happens.


def expected(stock: Shop, folder: Path) -> dict[str, dict[str, str]]:
    """By the text of texts.py, the digests of a build that nobody disturbs."""
    found = {}
    for number, text in enumerate((FILES["texts.py"], OTHER_TEXTS)):
        other = stock.copy(folder / f"expected-{number}")
        written(other.root, {"texts.py": text})
        other.build()
        found[text] = other.digests()
    return found


def end(shop: Shop, dice: random.Random, seconds: float) -> bool:
    """Start a build and kill it, with all that it started, after some time up to that. Whether it had ended before."""
    command = shop.started()
    time.sleep(dice.uniform(0.05, seconds))
    has_ended = command.process.poll() is not None
    if not has_ended:
        os.killpg(command.process.pid, signal.SIGKILL)
        command.process.wait()
    assert command.left() == []
    return has_ended


def seconds_of(shop: Shop) -> float:
    began = time.monotonic()
    shop.build()
    return time.monotonic() - began


def leftovers(shop: Shop) -> list[str]:
    """What stands in the project, or beside its build, that belongs to neither."""
    ours = {*FILES, "hyfn.lock", ".hyfn", ".hyfn/.gitignore", ".hyfn/build"}
    found = {path.relative_to(shop.root).as_posix() for path in [*shop.root.glob("*"), *shop.root.glob(".hyfn/*")]}
    if shop.out.parent.name != delivery.OWN:
        ours.add(shop.out.name)
        found |= {path.name for path in shop.out.parent.iterdir() if path.name.startswith(f".{shop.out.name}")}
    return sorted(found - ours)


@pytest.mark.parametrize("where", [".hyfn/build", "../out"])
def test_a_build_that_is_killed_leaves_the_old_build_or_the_new_one(shop: Shop, tmp_path: Path, where: str) -> None:
    dice = random.Random(where)
    wanted = expected(shop, tmp_path)
    shop = Shop(shop.root, shop.env, (shop.root / where).resolve())
    shop.build()
    written(shop.root, {"texts.py": OTHER_TEXTS})
    seconds, killed = seconds_of(shop), 0
    for number in range(20):
        text = (FILES["texts.py"], OTHER_TEXTS)[number % 2]
        written(shop.root, {"texts.py": text})
        killed += not end(shop, dice, seconds)
        assert shop.digests() in wanted.values(), number
    shop.build()
    assert shop.digests() == wanted[text]
    assert leftovers(shop) == []
    assert killed >= 12


def test_a_first_build_that_is_killed_spoils_no_cache(tmp_path: Path, stock: Shop) -> None:
    """Killed again and again while it fetches, reads, compiles and writes what the next one goes on with."""
    dice = random.Random("cold")
    caches = {"HYFN_CACHE": str(tmp_path / "first"), "UV_CACHE_DIR": str(tmp_path / "uv")}
    seconds = seconds_of(stock.copy(tmp_path / "undisturbed", **caches))
    killed = 0
    for number in range(2):
        shop = stock.copy(tmp_path / f"shop-{number}", HYFN_CACHE=str(tmp_path / f"cache-{number}"))
        (shop.root / "hyfn.lock").unlink()
        killed += sum(not end(shop, dice, seconds * 0.8) for _ in range(6))
        shop.build()
        assert shop.digests() == stock.digests()
        assert (shop.root / "hyfn.lock").read_bytes() == (stock.root / "hyfn.lock").read_bytes()
        assert leftovers(shop) == []
    assert killed >= 5


def test_two_builds_at_once_of_one_project_both_succeed(shop: Shop, tmp_path: Path) -> None:
    wanted = expected(shop, tmp_path)
    cold = shop.copy(tmp_path / "cold", HYFN_CACHE=str(tmp_path / "cold-cache"))
    for one, rounds in ((cold, 1), (shop, 5)):
        for number in range(rounds):
            text = (FILES["texts.py"], OTHER_TEXTS)[number % 2]
            written(one.root, {"texts.py": text})
            both = [one.started() for _ in range(2)]
            assert [(each.process.wait(60), each.err) for each in both if each.process.wait(60)] == []
            assert one.digests() == wanted[text]
        assert leftovers(one) == []


def test_two_projects_that_share_an_empty_cache_both_succeed(stock: Shop, tmp_path: Path) -> None:
    shops = [stock.copy(tmp_path / f"shop-{number}", HYFN_CACHE=str(tmp_path / "cache")) for number in range(2)]
    both = [shop.started() for shop in shops]
    assert [(each.process.wait(60), each.err) for each in both if each.process.wait(60)] == []
    assert [shop.files() for shop in shops] == [stock.files()] * 2


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
