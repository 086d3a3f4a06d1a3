"""Wheels are spliced: their deflated streams are copied, and what is in them is known without inflating it."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from hyfn.errors import BuildError
from hyfn.model import Runtime, Wheel
from hyfn.pack import archive
from hyfn.pack.wheels import strips, wheel
from hyfn.pack.wheels.shelf import Shelf
from hyfn.pack.wheels.wheel import Contents
from hyfn.toolchain import cache

INTEL = Runtime("3.13", "x86_64", "2.34")
METADATA = "Metadata-Version: 2.1\nName: Ink.Well\nVersion: 1.2\nLicense-Expression: MIT\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))


def made(folder: Path, files: Mapping[str, bytes], metadata: str = METADATA, level: int = 9, stored: str = "") -> Path:
    """A wheel of `files`, deflated at a level of its own; the file `stored` is not deflated."""
    path = folder / "ink_well-1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as written:
        for name, content in {**files, "ink_well-1.2.dist-info/METADATA": metadata.encode()}.items():
            entry = zipfile.ZipInfo(name, (2020, 2, 2, 2, 2, 2))
            entry.external_attr = (stat.S_IFREG | (0o755 if name.endswith(".so") else 0o600)) << 16
            entry.compress_type = zipfile.ZIP_STORED if name == stored else zipfile.ZIP_DEFLATED
            written.writestr(entry, content, compresslevel=level)
    return path


def read(path: Path) -> Contents:
    return wheel.read(path, hashlib.sha256(path.read_bytes()).hexdigest())


def test_streams_are_those_of_the_wheel_and_times_and_modes_are_fixed(tmp_path: Path) -> None:
    text = b"ink = 1\n" * 1000
    path = made(tmp_path, {"ink/__init__.py": text, "ink/well.so": b"\x7fELF" + bytes(99)}, level=1)
    archive.write_zip(archive.members({}, strips.members(read(path).strips)), tmp_path / "out.zip")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(tmp_path / "out.zip") as after:
        assert after.testzip() is None
        assert after.namelist() == sorted(before.namelist())
        one, other = before.getinfo("ink/__init__.py"), after.getinfo("ink/__init__.py")
        assert (one.compress_size, one.CRC) == (other.compress_size, other.CRC)
        assert one.compress_size != len(zlib.compress(text, 6, -15))
        assert {entry.date_time for entry in after.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert stat.filemode(after.getinfo("ink/well.so").external_attr >> 16) == "-rwxr-xr-x"
        assert stat.filemode(other.external_attr >> 16) == "-rw-r--r--"


def test_what_a_wheel_stores_is_deflated_once_and_kept(tmp_path: Path) -> None:
    text = b"ink = 1\n" * 1000
    path = made(tmp_path, {"ink/__init__.py": text, "ink/empty.py": b""}, stored="ink/__init__.py")
    for _ in range(2):
        members = {member.name: member for member in strips.members(read(path).strips)}
        assert zlib.decompress(members["ink/__init__.py"].stream, -15) == text
        assert len(members["ink/__init__.py"].stream) < 200
    assert len(list((cache.home() / "segments").rglob("*.kept"))) == 1


def test_files_stand_under_the_import_root_or_stay_out(tmp_path: Path) -> None:
    path = made(
        tmp_path,
        {
            "ink.py": b"",
            "ink_well-1.2.data/purelib/pure.py": b"",
            "ink_well-1.2.data/platlib/plat.py": b"",
            "ink_well-1.2.data/scripts/ink": b"#!python\n",
            "ink_well-1.2.data/headers/ink.h": b"",
            "ink_well-1.2.data/data/share/ink.txt": b"",
            "pkg/__pycache__/old.cpython-313.pyc": b"",
            "ink_well-1.2.dist-info/RECORD": b"",
            "ink_well-1.2.dist-info/RECORD.jws": b"",
        },
    )
    assert sorted(read(path).paths) == [
        "ink.py",
        "ink_well-1.2.dist-info/METADATA",
        "ink_well-1.2.dist-info/RECORD",
        "plat.py",
        "pure.py",
    ]


def test_its_metadata_is_read_once(tmp_path: Path) -> None:
    metadata = f"{METADATA}Requires-Dist: six>=1; extra == 'x'\nRequires-Dist: no requirement at all\n\nA description\n"
    found = read(made(tmp_path, {"ink.py": b""}, metadata))
    assert (found.name, found.version, found.license) == ("ink-well", "1.2", "MIT")
    assert [str(need) for need in found.needs] == ['six>=1; extra == "x"']
    assert read(tmp_path / "ink_well-1.2-py3-none-any.whl") == found


@pytest.mark.parametrize("name", ["../up.py", "/etc/passwd", "a/../../b.py"])
def test_a_wheel_that_leaves_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError):
        read(made(tmp_path, {name: b""}))
    assert not list((cache.home()).rglob("*.json"))


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.whl").write_bytes(b"no wheel")
    with pytest.raises(BuildError, match=r"no\.whl"):
        read(tmp_path / "no.whl")
    with zipfile.ZipFile(tmp_path / "bare.whl", "w") as written:
        written.writestr("ink.py", "")
    with pytest.raises(BuildError, match=r"bare\.whl is no wheel"):
        read(tmp_path / "bare.whl")


def test_a_file_that_was_cut_in_the_cache_is_found_and_made_anew(tmp_path: Path) -> None:
    path = made(tmp_path, {"ink.py": b"x = 1\n"}, stored="ink.py")
    read(path)
    [index] = (cache.home() / "segments").rglob("*.json")
    [kept] = (cache.home() / "segments").rglob("*.kept")
    index.write_bytes(index.read_bytes()[:-20])
    assert "ink.py" in read(path).paths
    kept.unlink()
    assert "ink.py" in {member.name for member in strips.members(read(path).strips)}


def test_a_damaged_stream_is_said_so(tmp_path: Path) -> None:
    path = made(tmp_path, {"ink.py": b"x = 1\n" * 99}, stored="ink.py")
    contents = read(path)
    [kept] = (cache.home() / "segments").rglob("*.kept")
    kept.write_bytes(zlib.compress(b"y = 1\n" * 99, 6, -15))
    with pytest.raises(BuildError, match=r"ink\.py .*damaged"):
        list(strips.contents(contents.strips[1], lambda path: True))


def shelf(folder: Path, distributions: Mapping[str, tuple[Mapping[str, bytes], list[str]]]) -> Shelf:
    """Distributions by name: their files and what they require."""
    contents: dict[str, Contents] = {}
    for name, (files, requires) in distributions.items():
        (folder / name).mkdir()
        lines = "".join(f"Requires-Dist: {line}\n" for line in requires)
        path = made(folder / name, files, f"Name: {name}\nVersion: 1\n{lines}\n")
        contents[name] = read(path)
    wheels = {name: Wheel(name, "1", f"{name}.whl", name, 0) for name in distributions}
    return Shelf(INTEL, wheels, dict.fromkeys(distributions, ""), contents)


def test_a_closure_follows_extras_of_extras_and_knows_who_needs_what(tmp_path: Path) -> None:
    found = shelf(
        tmp_path,
        {
            "a": ({}, ["b[x]; extra == 'all'"]),
            "b": ({}, ["c; extra == 'x'", "d; extra == 'y'", "e; python_version < '3.13'"]),
            "c": ({}, []),
            "d": ({}, []),
            "e": ({}, []),
        },
    )
    assert found.closure([Requirement("a[all]")]) == {"a": "", "b": "a", "c": "b"}
    assert found.closure([Requirement("a")]) == {"a": ""}


def test_parts_of_a_namespace_are_told_apart(tmp_path: Path) -> None:
    found = shelf(
        tmp_path,
        {
            "google-auth": ({"google/auth/__init__.py": b"", "google/auth/jwt.py": b""}, []),
            "google-cloud-storage": ({"google/cloud/storage/__init__.py": b""}, []),
            "numpy": ({"numpy/__init__.py": b"", "numpy/core/x.cpython-313-x86_64-linux-gnu.so": b""}, []),
        },
    )
    assert found.providers("google") == {"google-auth", "google-cloud-storage"}
    assert found.providers("google.auth.jwt.Credentials") == {"google-auth"}
    assert found.providers("google.cloud.storage.blob") == {"google-cloud-storage"}
    assert found.providers("numpy.linalg") == {"numpy"}
    assert found.providers("scipy") == frozenset()
    assert "numpy.core" not in found.provides


def test_the_index_is_small_and_plain(tmp_path: Path) -> None:
    read(made(tmp_path, {"ink.py": b"x = 1\n"}))
    [index] = (cache.home() / "segments").rglob("*.json")
    assert json.loads(index.read_text())["name"] == "ink-well"
