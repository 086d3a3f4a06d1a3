"""What an earlier build left is trusted no more than its stamps, and gives its place to the next one in one step."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hyfn.pack import delivery, previous
from hyfn.pack.fresh import Scope
from hyfn.pack.previous import Kept, Previous
from hyfn.toolchain import scratch
from tests.commands import written


def replaced(file: Path) -> None:
    """As programs do that keep the content: another file takes the name."""
    new = file.with_name(f"{file.name}~")
    new.write_bytes(file.read_bytes())
    new.replace(file)


def kept(folder: Path) -> Previous:
    """A build of one artifact with two files, that has settled."""
    written(folder, {"aws/f.zip": "zip", "aws/f.cdx.json": "{}", delivery.MANIFEST: "{}"})
    artifact = Kept("key", "sha256:0", 3, ["a note"], previous.stamps(folder, "aws/f.zip", "aws/f.cdx.json"))
    state = Previous(folder, "inputs", Scope(["/root"], ["3.13"]), ["note"], previous.stamp(folder / "manifest.json"))
    previous.write(folder, Previous(folder, "inputs", state.scope, ["note"], state.manifest, {"aws/f.zip": artifact}))
    return previous.read(folder)


def test_what_is_kept_of_a_build_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = kept(tmp_path)
    assert (found.inputs, found.scope, list(found.notes)) == ("inputs", Scope(["/root"], ["3.13"]), ["note"])
    assert found.holds("aws/f.zip", "key")
    assert not found.holds("aws/f.zip", "other")
    assert not found.holds("aws/g.zip", "key")


@pytest.mark.parametrize("at", range(0, 600, 7))
def test_a_damaged_state_is_none(tmp_path: Path, at: int) -> None:
    kept(tmp_path)
    state = tmp_path / delivery.STATE
    content = bytearray(state.read_bytes())
    content[at % len(content)] ^= 1
    state.write_bytes(content)
    assert previous.read(tmp_path) == Previous(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"version": 3}', '{"version": 2, "sum": 1}', "\xff"])
def test_a_state_of_another_kind_is_none(tmp_path: Path, text: str) -> None:
    kept(tmp_path)
    (tmp_path / delivery.STATE).write_text(text, encoding="latin-1")
    assert previous.read(tmp_path) == Previous(tmp_path)


def test_the_state_of_another_version_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previous, "VERSION", previous.VERSION + 1)
    kept(tmp_path)
    monkeypatch.undo()
    assert json.loads((tmp_path / delivery.STATE).read_text())["version"] == previous.VERSION + 1
    assert previous.read(tmp_path) == Previous(tmp_path)


@pytest.mark.parametrize("name", ["aws/f.zip", "aws/f.cdx.json"])
@pytest.mark.parametrize("touch", [Path.unlink, lambda path: path.write_text("z"), replaced])
def test_an_artifact_that_somebody_touched_is_not_taken(
    tmp_path: Path, name: str, touch: Callable[[Path], object]
) -> None:
    found = kept(tmp_path / "out")
    touch(tmp_path / "out" / name)
    assert not found.holds("aws/f.zip", "key")


def test_an_artifact_is_taken_with_all_its_files(tmp_path: Path) -> None:
    found = kept(tmp_path / "out")
    assert found.take("aws/f.zip", tmp_path / "new")
    assert (tmp_path / "new" / "aws" / "f.zip").samefile(tmp_path / "out" / "aws" / "f.zip")
    assert previous.stamps(tmp_path / "new", "aws") == found.artifacts["aws/f.zip"].stamps


@pytest.mark.parametrize("other", [None, "pip"])
def test_an_artifact_that_another_build_replaces_meanwhile_is_not_taken(tmp_path: Path, other: str | None) -> None:
    found = kept(tmp_path / "out")
    assert found.holds("aws/f.zip", "key")
    (tmp_path / "out" / "aws" / "f.cdx.json").unlink()
    if other:
        written(tmp_path / "out", {"aws/f.cdx.json": other})
    assert not found.take("aws/f.zip", tmp_path / "new")
    assert [path for path in (tmp_path / "new").rglob("*") if path.is_file()] == []


# Where a build goes.


def test_what_a_killed_build_left_goes_with_the_next(tmp_path: Path) -> None:
    left = [tmp_path / f"{delivery.unfinished(tmp_path / 'out')}{each}" for each in ("a", "b.old")]
    for each in left:
        written(each, {"file": ""})
    with delivery.all_or_nothing(tmp_path / "out") as partial:
        assert not any(each.exists() for each in left)
        with delivery.all_or_nothing(tmp_path / "out"):
            assert partial.exists()


def test_of_two_builds_at_once_the_later_stays_whole(tmp_path: Path) -> None:
    written(tmp_path / "out", {"manifest.json": '{"artifacts": []}'})
    with delivery.all_or_nothing(tmp_path / "out") as one:
        written(one, {"manifest.json": '{"artifacts": []}', ".state.json": "one"})
        with delivery.all_or_nothing(tmp_path / "out") as two:
            written(two, {"manifest.json": '{"artifacts": []}', ".state.json": "two"})
        assert (tmp_path / "out" / ".state.json").read_text() == "two"
    assert (tmp_path / "out" / ".state.json").read_text() == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_delivery_has_no_moment_without_a_build(tmp_path: Path) -> None:
    """Of all that the system is asked to do, nothing takes the old build away before the new one is there."""
    written(tmp_path / "out", {"manifest.json": '{"artifacts": []}'})
    moments: list[bool] = []

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if watched and event in ("os.rename", "os.remove", "os.rmdir", "shutil.rmtree"):
            moments.append((tmp_path / "out" / "manifest.json").exists())

    watched = True
    sys.addaudithook(note)
    with delivery.all_or_nothing(tmp_path / "out") as partial:
        written(partial, {"manifest.json": "new"})
    watched = False
    assert len(moments) > 2
    assert all(moments)


def test_a_scratch_folder_is_held_from_when_it_has_its_name(tmp_path: Path) -> None:
    with scratch.folder("work-", tmp_path) as made:
        scratch.sweep(tmp_path, "work-")
        assert made.exists()
    written(tmp_path / "work-left", {"file": ""})
    scratch.sweep(tmp_path, "work-")
    assert list(tmp_path.iterdir()) == []
