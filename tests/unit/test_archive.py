"""Archives are the same bytes everywhere, and a foreign one writes nowhere but in its folder."""

from __future__ import annotations

import io
import os
import random
import shutil
import stat
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyfn.errors import BuildError
from hyfn.pack import archive, extract, splice
from hyfn.pack.splice import Member

FILES: dict[str, bytes] = {"pkg/mod.py": b"x = 1\n", "app.py": b"import pkg\n", "lib/run.so": b"\x7fELF\0"}
HOSTILE = ["/etc/passwd", "../up", "a/../../up", "a//b", "./a", "a\\..\\b", "C:/x", "a\0b", "a\nb", "", "a/", ".."]


def write(files: dict[str, bytes], out: Path) -> None:
    archive.write_zip(archive.members(files), out)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def tight_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_order_and_umask_change_no_byte(tmp_path: Path, tight_umask: None) -> None:
    write(FILES, tmp_path / "one")
    write(dict(reversed(FILES.items())), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_zip_holds_what_was_written_with_fixed_times_and_modes(tmp_path: Path) -> None:
    write(FILES, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as written:
        assert written.namelist() == sorted(FILES)
        assert written.read("pkg/mod.py") == b"x = 1\n"
        modes = {entry.filename: stat.filemode(entry.external_attr >> 16) for entry in written.infolist()}
        assert {entry.date_time for entry in written.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert modes == {"app.py": "-rw-r--r--", "lib/run.so": "-rwxr-xr-x", "pkg/mod.py": "-rw-r--r--"}


def test_a_kept_stream_makes_the_same_zip(tmp_path: Path) -> None:
    big = random.Random(1).randbytes(splice.WORTH_KEEPING) + bytes(splice.WORTH_KEEPING)
    write({"big.bin": big, "small.py": b""}, tmp_path / "first.zip")
    write({"big.bin": big, "small.py": b""}, tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "second.zip") as written:
        assert written.testzip() is None
        assert written.read("big.bin") == big


def test_a_projects_file_stands_before_a_librarys_of_that_name(tmp_path: Path) -> None:
    libraries = [splice.member("app.py", b"theirs"), splice.member("lib.py", b"theirs")]
    members = archive.members({"app.py": b"ours"}, libraries)
    assert [(member.name, zlib.decompress(member.stream, -15)) for member in members] == [
        ("app.py", b"ours"),
        ("lib.py", b"theirs"),
    ]


def test_other_programs_read_the_zip(tmp_path: Path) -> None:
    write({**FILES, "größe.txt": b"z" * 9000}, tmp_path / "a.zip")
    unzip = shutil.which("unzip")
    if unzip is None:
        pytest.skip("no unzip here")
    tested = subprocess.run([unzip, "-t", tmp_path / "a.zip"], capture_output=True, text=True, check=False)
    assert "No errors detected" in tested.stdout


def test_more_files_than_a_zip_can_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="more than a zip can"):
        write({f"{number}": b"" for number in range(65_536)}, tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


def test_long_and_foreign_names_survive(tmp_path: Path) -> None:
    files = {"p/" * 60 + "ü" * 60 + ".py": b"y", "größe.txt": b"z"}
    write(files, tmp_path / "a.zip")
    extract.extract_zip(tmp_path / "a.zip", tmp_path / "z")
    for name, content in files.items():
        assert (tmp_path / "z" / name).read_bytes() == content


def test_what_was_written_is_extracted_with_its_modes(tmp_path: Path) -> None:
    write(FILES, tmp_path / "a.zip")
    extract.extract_zip(tmp_path / "a.zip", tmp_path / "out")
    assert (tmp_path / "out/app.py").read_bytes() == b"import pkg\n"
    assert os.access(tmp_path / "out/lib/run.so", os.X_OK)
    assert not (tmp_path / "out/app.py").stat().st_mode & 0o111


@pytest.mark.parametrize("name", HOSTILE)
def test_no_archive_is_written_with_a_name_that_escapes(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(BuildError, match="no path inside"):
        write({name: b""}, out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "names", [("a.py", "A.py"), ("p/x", "P/y"), ("a", "a/b"), ("stra\u00dfe", "STRASSE"), ("e\u0301", "\u00e9")]
)
def test_names_that_collide_on_another_file_system_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(BuildError):
        write(dict.fromkeys(names, b""), tmp_path / "out")


def test_a_failed_write_leaves_the_old_archive_and_nothing_else(tmp_path: Path) -> None:
    def failing() -> Iterator[Member]:
        yield splice.member("a", b"a")
        raise FileNotFoundError

    out = tmp_path / "out"
    out.write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        archive.write_zip(failing(), out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert out.read_bytes() == b"old"


@pytest.mark.parametrize("name", [name for name in HOSTILE if name and not name.endswith("/") and "\0" not in name])
def test_no_hostile_name_is_extracted(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("good", "")
        made.writestr(name, "bad")
    with tarfile.open(tmp_path / "a.tar", "w") as made_tar:
        made_tar.addfile(tarfile.TarInfo("good"))
        made_tar.addfile(tarfile.TarInfo(name))
    into = tmp_path / "deep" / "into"
    with pytest.raises(BuildError):
        extract.extract_zip(tmp_path / "a.zip", into)
    with pytest.raises(BuildError):
        extract.extract_tar(tmp_path / "a.tar", into)
    assert not into.exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        entry = tarfile.TarInfo("link")
        entry.type, entry.linkname = kind, "/etc"
        made.addfile(entry)
    with pytest.raises(BuildError, match="no plain file"):
        extract.extract_tar(tmp_path / "a.tar", tmp_path / "into")


def test_a_symlink_in_a_zip_is_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr(entry, "/etc/passwd")
    with pytest.raises(BuildError, match="no plain file"):
        extract.extract_zip(tmp_path / "a.zip", tmp_path / "into")


def test_a_bomb_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("big", bytes(2_000_000))
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as made_tar:
        entry = tarfile.TarInfo("big")
        entry.size = 2_000_000
        made_tar.addfile(entry, io.BytesIO(bytes(2_000_000)))
    with pytest.raises(BuildError, match="bytes"):
        extract.extract_zip(tmp_path / "a.zip", tmp_path / "into", max_bytes=1_000_000)
    with pytest.raises(BuildError, match="bytes"):
        extract.extract_tar(tmp_path / "a.tar.gz", tmp_path / "into", max_bytes=1_000_000)
    assert not (tmp_path / "into").exists()


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    write({f"f{number}": b"" for number in range(11)}, tmp_path / "a.zip")
    with pytest.raises(BuildError, match="more than 10 files"):
        extract.extract_zip(tmp_path / "a.zip", tmp_path / "into", max_files=10)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04" + bytes(64), b"\x1f\x8b" + bytes(64)])
def test_what_is_no_archive_is_said_so(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(BuildError, match="no readable archive"):
        extract.extract_zip(path, tmp_path / "into")
    with pytest.raises(BuildError, match="no readable archive"):
        extract.extract_tar(path, tmp_path / "into")
