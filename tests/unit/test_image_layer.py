"""Layers: what is in them, that it is spliced and the same each time, and how they are kept."""

from __future__ import annotations

import gzip
import hashlib
import multiprocessing
import os
import signal
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from hyfn.errors import BuildError
from hyfn.pack import splice
from hyfn.pack.image import layer, tar
from hyfn.pack.image.layer import Layer
from hyfn.pack.image.tar import Folder, Link
from hyfn.pack.splice import Member
from tests.images import noise

FILES = {
    "main.py": b"print('hi')\n",
    "empty": b"",
    "pkg/data/big.bin": noise(700_000),
    "pkg/zeros": bytes(3_000_000),
    f"{'deep/' * 30}{'n' * 90}.txt": b"long",
    f"{'w' * 200}.py": b"longer than ustar's name",
    "größe/π.txt": "π".encode(),
    "bin/run": b"#!/bin/sh\n",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def members() -> list[Member]:
    return [splice.member(name, content) for name, content in FILES.items()]


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    made = layer.write(members(), "app/", tmp_path / "layer")
    with tarfile.open(made.path) as opened:
        found = {each.name: each for each in opened.getmembers()}
        for name, content in FILES.items():
            extracted = opened.extractfile(found[f"app/{name}"])
            assert extracted is not None
            assert extracted.read() == content
    assert {each.mode for each in found.values() if each.isdir()} == {0o755}
    assert found["app/bin/run"].mode == 0o755
    assert found["app/main.py"].mode == 0o644
    assert {(each.uid, each.gid, each.uname, each.mtime) for each in found.values()} == {(0, 0, "", 0)}


def test_names_are_sorted_and_each_folder_stands_before_its_files(tmp_path: Path) -> None:
    made = layer.write(reversed(members()), "app/", tmp_path / "layer")
    with tarfile.open(made.path) as opened:
        names = opened.getnames()
        folders = {each.name for each in opened.getmembers() if each.isdir()}
    files = [name for name in names if name not in folders]
    assert files == sorted(files)
    assert len(names) == len(set(names))
    for at, name in enumerate(names):
        assert all(str(above) in names[:at] for above in Path(name).parents if str(above) != ".")


def test_digests_are_those_of_the_file_and_of_the_tar_in_it(tmp_path: Path) -> None:
    made = layer.write(members(), "", tmp_path / "layer")
    content = made.path.read_bytes()
    assert made.size == len(content)
    assert made.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert made.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(content)).hexdigest()}"


def test_streams_are_copied_and_not_deflated_again(tmp_path: Path) -> None:
    one = splice.member("pkg/big.bin", noise(200_000) + bytes(200_000))
    made = layer.write([one], "", tmp_path / "layer")
    assert bytes(one.stream) in made.path.read_bytes()


def test_order_folder_and_umask_do_not_matter(tmp_path: Path) -> None:
    first = layer.write(members(), "app/", tmp_path / "first")
    before = os.umask(0o077)
    try:
        second = layer.write(reversed(members()), "app/", tmp_path / "second")
    finally:
        os.umask(before)
    assert replace(first, path=second.path) == second


@pytest.mark.parametrize("wrong", [{"crc": 1}, {"size": 11}, {"size": 13}, {"stream": b"\xff"}, {"stream": b""}])
def test_a_stream_that_is_not_what_its_member_says_is_refused(wrong: dict[str, object], tmp_path: Path) -> None:
    one = replace(splice.member("main.py", b"print('hi')\n"), **wrong)  # type: ignore[arg-type]
    with pytest.raises(BuildError, match=r"app/main\.py is not what its archive says"):
        layer.write([one], "app/", tmp_path / "layer")


def test_bytes_behind_a_stream_are_refused(tmp_path: Path) -> None:
    one = splice.member("main.py", b"print('hi')\n")
    with pytest.raises(BuildError):
        layer.write([replace(one, stream=bytes(one.stream) + b"more")], "", tmp_path / "layer")


@pytest.mark.parametrize("names", [["../x"], ["/x"], ["a", "A"], ["a", "a"], ["a", "a/b"]])
def test_names_that_leave_or_collide_are_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(BuildError):
        layer.write([splice.member(name, b"") for name in names], "app/", tmp_path / "layer")


def test_links_and_folders_keep_what_they_say(tmp_path: Path) -> None:
    entries: list[tar.Entry] = [Link("lib", "usr/lib"), Folder("tmp", 0o1777), splice.member("usr/lib/x", b"x")]
    with tarfile.open(layer.write_entries(entries, tmp_path / "layer").path) as opened:
        found = {each.name: each for each in opened.getmembers()}
    assert (found["lib"].issym(), found["lib"].linkname) == (True, "usr/lib")
    assert (found["tmp"].isdir(), found["tmp"].mode) == (True, 0o1777)


def test_a_header_is_a_number_of_blocks() -> None:
    assert all(len(tar.header(member)) % tar.BLOCK == 0 for member in members())


def test_a_kept_layer_is_made_once(tmp_path: Path) -> None:
    made = layer.kept("one", members, "app/")
    assert layer.kept("one", lambda: pytest.fail("made again"), "app/") == made
    assert layer.kept("one", members, "") != made
    assert layer.write(members(), "app/", tmp_path / "layer").digest == made.digest


def make_at_once(number: int) -> Layer:
    return layer.kept("shared", members, "app/")


def test_processes_at_once_make_the_same_layer() -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert len(set(pool.map(make_at_once, range(8)))) == 1


def be_killed() -> None:
    def some() -> list[Member]:
        found = members()
        os.kill(os.getpid(), signal.SIGKILL)
        return found

    layer.kept("killed", some, "app/")


def test_a_layer_is_made_after_its_maker_was_killed() -> None:
    process = multiprocessing.get_context("fork").Process(target=be_killed)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert layer.kept("killed", members, "app/").path.exists()
