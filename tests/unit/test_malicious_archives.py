"""No archive or tree of a stranger writes outside its folder, and nothing of one that is refused gets in."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from hyfn.errors import BuildError
from hyfn.pack import extract
from tests.unit import malicious_archives
from tests.unit.archive_records import ORDINARY, Case, good_tar, tarred

CASES = malicious_archives.cases()
FLIPPED = list(malicious_archives.flipped())
SECONDS = 10.0
MEMORY = 400 * 1024 * 1024
EXTRACT_ALL = """
import sys, pathlib
from hyfn.errors import BuildError
from hyfn.pack import extract
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.*")):
    try:
        (extract.extract_zip if path.suffix == ".zip" else extract.extract_tar)(path, pathlib.Path(sys.argv[2]))
    except BuildError:
        continue
    sys.exit(f"{path} was laid out")
"""


def laid_out(case: Case, place: Path) -> Path:
    """The folder that the archive is extracted in, beside the canary."""
    (place / "canary").write_bytes(b"sings")
    into = place / "deep" / "into"
    path = place / f"a.{case.form}"
    path.write_bytes(case.content)
    (extract.extract_zip if case.form == "zip" else extract.extract_tar)(path, into)
    return into


def everything(place: Path) -> dict[str, tuple[int, bytes]]:
    """Each path below, links not followed, with its type and content."""
    found = {}
    for folder, folders, files in os.walk(place):
        for name in (*folders, *files):
            path = Path(folder, name)
            kind = path.lstat().st_mode
            found[str(path.relative_to(place))] = (kind, path.read_bytes() if stat.S_ISREG(kind) else b"")
    return found


def test_there_are_at_least_300() -> None:
    assert len(CASES) >= 300
    assert len({(case.form, case.content) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_malicious_archive_writes_nothing(case: Case, tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(BuildError, match=rf"^a\.{case.form} is no readable archive: "):
        laid_out(case, tmp_path)
    assert time.monotonic() - begun < SECONDS
    found = everything(tmp_path)
    assert found.keys() == {"canary", f"a.{case.form}"}
    assert found["canary"][1] == b"sings"


@pytest.mark.parametrize("case", [case for case in CASES if case.form == "zip"], ids=lambda case: case.name)
def test_a_malicious_zip_has_no_safe_members(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "a.whl"
    path.write_bytes(case.content)
    if case.is_seen_inside:
        with zipfile.ZipFile(path) as archive:
            assert extract.safe_members(archive, path)
        return
    with pytest.raises(BuildError), extract.readable(path), zipfile.ZipFile(path) as archive:
        extract.safe_members(archive, path)


@pytest.mark.parametrize("case", FLIPPED, ids=lambda case: case.name)
def test_a_turned_bit_is_seen_or_changes_nothing(case: Case, tmp_path: Path) -> None:
    try:
        into = laid_out(case, tmp_path)
    except BuildError:
        assert everything(tmp_path).keys() == {"canary", f"a.{case.form}"}
        return
    files = {name: content for name, (kind, content) in everything(into).items() if stat.S_ISREG(kind)}
    assert files == ORDINARY


def test_bombs_need_little_memory_and_time(tmp_path: Path) -> None:
    for number, case in enumerate(case for case in CASES if case.name.startswith("bomb") or "huge" in case.name):
        (tmp_path / f"{number}.{case.form}").write_bytes(case.content)
    ended = subprocess.run(
        [sys.executable, "-c", EXTRACT_ALL, tmp_path, tmp_path / "into"],
        preexec_fn=_bounded,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, 1024 * 1024))


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o7777, 0o4644, 0o000, 0o666])
def test_no_mode_of_a_stranger_is_taken_over(mode: int, tmp_path: Path) -> None:
    for case in malicious_archives.with_mode(mode):
        place = tmp_path / case.form
        place.mkdir()
        into = laid_out(case, place)
        modes = {stat.S_IMODE(kind) for kind, _ in everything(into).values() if stat.S_ISREG(kind)}
        assert modes == {(0o755 if mode & 0o100 else 0o644) & ~_umask()}


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("form", ["zip", "tar"])
@pytest.mark.parametrize("trap", ["into", "folder", "inner", "file", "dangling", "plain file", "fifo", "dangling into"])
def test_what_lies_in_the_folder_already_is_neither_followed_nor_lost(form: str, trap: str, tmp_path: Path) -> None:
    outside, into = tmp_path / "outside", tmp_path / "into"
    outside.mkdir()
    (outside / "data.bin").write_bytes(b"mine")
    _set_trap(trap, into, outside)
    before = everything(tmp_path)
    content = malicious_archives.sound().content if form == "zip" else tarred(good_tar())
    archive = tmp_path / "a"
    archive.write_bytes(content)
    with pytest.raises(BuildError):
        (extract.extract_zip if form == "zip" else extract.extract_tar)(archive, into)
    archive.unlink()
    assert everything(tmp_path) == before


def _set_trap(trap: str, into: Path, outside: Path) -> None:
    if trap == "into":
        into.symlink_to(outside)
        return
    if trap == "dangling into":
        into.symlink_to(outside / "nowhere")
        return
    (into / "pkg").mkdir(parents=True)
    path = into / "pkg" / "data.bin"
    if trap == "folder":
        (into / "pkg").rmdir()
        (into / "pkg").symlink_to(outside)
    elif trap == "inner":
        (into / "pkg/inner").symlink_to(outside)
    elif trap == "fifo":
        os.mkfifo(path)
    elif trap == "plain file":
        path.write_bytes(b"mine")
    else:
        path.symlink_to(outside / ("data.bin" if trap == "file" else "nowhere"))


def test_a_folder_that_is_there_takes_a_sound_archive(tmp_path: Path) -> None:
    (tmp_path / "deep/into/pkg").mkdir(parents=True)
    into = laid_out(malicious_archives.sound(), tmp_path)
    assert {name: content for name, (kind, content) in everything(into).items() if stat.S_ISREG(kind)} == ORDINARY
