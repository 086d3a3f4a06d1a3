"""What is locked stays, for every target, until it no longer answers or is to be upgraded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hyfn.errors import BuildError, ConfigError, MachineError
from hyfn.model import Runtime
from hyfn.pack.wheels import lock, resolve
from hyfn.pack.wheels.choose import VersionChange, choose
from hyfn.toolchain import uv
from tests.fakes.folder_index import FolderIndex
from tests.unit.locking import ARM, BOTH, INTEL, alone, chosen, project, versions


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderIndex:
    return alone(tmp_path, monkeypatch)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "project"


def nobody(*arguments: object, **options: object) -> str:
    raise AssertionError("uv was asked")


def unreachable(*arguments: object) -> str:
    raise uv.Unreachable("no", "error: Request failed\n  cause: connection refused")


def test_a_fresh_lock_asks_nobody(index: FolderIndex, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index.wheel("apple", "1.0", requires=["pear>=1"])
    index.wheel("pear", "1.0")
    first = chosen(root, "apple", runtimes=BOTH)
    monkeypatch.setattr(uv, "run", nobody)
    again = chosen(root, "apple", runtimes=BOTH, is_locked=True)
    assert versions(again) == versions(again, ARM) == versions(first) == {"apple": "1.0", "pear": "1.0"}
    assert not again.changes
    assert [wheel.sha256 for wheel in again.by_runtime[INTEL].wheels] == [
        wheel.sha256 for wheel in first.by_runtime[INTEL].wheels
    ]


def test_what_is_locked_stays_when_something_is_added(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0")
    chosen(root, "apple")
    index.wheel("apple", "2.0")
    index.wheel("pear", "1.0", requires=["apple"])
    choice = chosen(root, "apple", "pear")
    assert versions(choice) == {"apple": "1.0", "pear": "1.0"}
    assert choice.changes == [VersionChange("pear", "", "1.0", [INTEL])]


def test_without_a_lock_the_newest_is_taken(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0")
    chosen(root, "apple")
    index.wheel("apple", "2.0")
    (root / "hyfn.lock").unlink()
    (root.parent / "cache/resolutions").rename(root.parent / "cache/forgotten")
    assert versions(chosen(root, "apple")) == {"apple": "2.0"}


def test_upgrade_takes_the_newest_of_all_or_of_one(index: FolderIndex, root: Path) -> None:
    for name in ("apple", "pear"):
        index.wheel(name, "1.0")
    chosen(root, "apple", "pear<3")
    for version in ("2.0", "3.0"):
        index.wheel("apple", version)
        index.wheel("pear", version)
    one = chosen(root, "apple", "pear<3", upgrade=["Pear"])
    assert versions(one) == {"apple": "1.0", "pear": "2.0"}
    assert one.changes == [VersionChange("pear", "1.0", "2.0", [INTEL])]
    assert versions(chosen(root, "apple", "pear<3")) == {"apple": "1.0", "pear": "2.0"}
    assert versions(chosen(root, "apple", "pear<3", upgrade=[])) == {"apple": "3.0", "pear": "2.0"}


def test_upgrading_what_is_not_there_is_refused(index: FolderIndex, root: Path) -> None:
    with pytest.raises(ConfigError, match=r"^plum is not in hyfn.lock"):
        chosen(root, upgrade=["plum"])


def test_a_version_that_no_longer_fits_gives_way(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0")
    chosen(root, "apple")
    index.wheel("apple", "2.0")
    choice = chosen(root, "apple>=2")
    assert choice.changes == [VersionChange("apple", "1.0", "2.0", [INTEL])]
    removed = chosen(root)
    assert removed.changes == [VersionChange("apple", "2.0", "", [INTEL])]


def test_a_yanked_release_is_not_taken_but_stays_where_it_is_locked(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0")
    newer = index.wheel("apple", "2.0")
    chosen(root, "apple")
    index.yank(newer)
    index.wheel("pear", "1.0")
    assert versions(chosen(root, "apple", "pear")) == {"apple": "2.0", "pear": "1.0"}
    assert versions(chosen(root, "apple", "pear", upgrade=["apple"])) == {"apple": "1.0", "pear": "1.0"}


def test_targets_agree_on_a_version_that_all_can_have(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0")
    index.wheel("apple", "2.0", tag="cp313-cp313-manylinux_2_17_x86_64")
    choice = chosen(root, "apple", runtimes=BOTH)
    assert versions(choice) == versions(choice, ARM) == {"apple": "1.0"}
    assert not choice.notes


def test_a_target_that_is_added_takes_the_versions_of_the_others(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0")
    chosen(root, "apple")
    index.wheel("apple", "2.0")
    choice = chosen(root, "apple", runtimes=BOTH)
    assert versions(choice, ARM) == {"apple": "1.0"}
    assert {change.name: change.runtimes for change in choice.changes} == {"apple": [ARM], "msgpack": [ARM]}


def test_versions_that_differ_between_targets_are_said(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0", tag="cp312-cp312-manylinux_2_17_aarch64")
    index.wheel("apple", "2.0", tag="cp313-cp313-manylinux_2_17_x86_64")
    choice = chosen(root, "apple", runtimes=BOTH)
    assert (versions(choice), versions(choice, ARM)) == ({"apple": "2.0"}, {"apple": "1.0"})
    assert choice.notes == [
        "apple has not one version for all targets: 1.0 on CPython 3.12 aarch64; 2.0 on CPython 3.13 x86_64"
    ]


def test_of_a_releases_wheels_the_one_made_for_the_target_is_taken(index: FolderIndex, root: Path) -> None:
    tags = [f"cp313-cp313-manylinux_2_{minor}_x86_64" for minor in (17, 28, 39)]
    for tag in ["py3-none-any", "cp39-abi3-manylinux_2_17_x86_64", *tags]:
        index.wheel("apple", "1.0", tag=tag)
    choice = chosen(root, "apple", runtimes=BOTH)
    files = [one.wheels[0].file for one in (choice.by_runtime[INTEL], choice.by_runtime[ARM])]
    assert files == ["apple-1.0-cp313-cp313-manylinux_2_28_x86_64.whl", "apple-1.0-py3-none-any.whl"]


def test_a_locked_file_stays_where_the_release_gets_another_one(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0")
    chosen(root, "apple")
    index.wheel("apple", "1.0", tag="cp313-cp313-manylinux_2_17_x86_64")
    index.wheel("pear", "1.0")
    choice = chosen(root, "apple", "pear")
    assert choice.by_runtime[INTEL].wheels[0].file == "apple-1.0-py3-none-any.whl"
    upgraded = chosen(root, "apple", "pear", upgrade=["apple"])
    assert upgraded.changes == [VersionChange("apple", "1.0", "1.0", [INTEL])]


@pytest.mark.parametrize(
    ("dependencies", "said"),
    [
        (["apple", "pear", "plum"], "plum was added"),
        (["apple"], "pear was removed"),
        (["apple>=1", "pear"], "apple became apple>=1"),
        (["apple", "pear; sys_platform == 'win32'"], "pear was removed"),
    ],
)
def test_a_lock_that_would_have_to_change_is_refused(
    index: FolderIndex, root: Path, dependencies: Sequence[str], said: str
) -> None:
    for name in ("apple", "pear", "plum"):
        index.wheel(name, "1.0")
    chosen(root, "apple", "pear")
    before = (root / "hyfn.lock").read_bytes()
    with pytest.raises(ConfigError) as caught:
        chosen(root, *dependencies, is_locked=True)
    assert str(caught.value) == f"hyfn.lock is out of date: {said} (run hyfn lock, and commit what it writes)"
    assert (root / "hyfn.lock").read_bytes() == before


@pytest.mark.parametrize(
    ("runtimes", "said"),
    [
        (BOTH, r"CPython 3.12 on aarch64 with glibc 2.28 \(gcp\) is new"),
        ({ARM: ["gcp"]}, r"is new; CPython 3.13 on x86_64 with glibc 2.34 is no longer a target"),
    ],
)
def test_a_lock_for_other_targets_is_refused(root: Path, runtimes: Mapping[Runtime, Sequence[str]], said: str) -> None:
    chosen(root)
    with pytest.raises(ConfigError, match=said):
        chosen(root, runtimes=runtimes, is_locked=True)


def test_no_lock_is_refused_where_one_must_hold(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"^there is no hyfn.lock"):
        chosen(root, is_locked=True)


def test_the_same_requirement_written_otherwise_is_no_change(
    index: FolderIndex, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("apple", "1.5")
    chosen(root, "apple>=1,<2")
    monkeypatch.setattr(uv, "run", nobody)
    chosen(root, "Apple <2, >=1; python_version > '3'", is_locked=True)


def test_what_uvs_lock_says_holds_and_outdates_ours(index: FolderIndex, root: Path) -> None:
    for version in ("1.0", "2.0"):
        index.wheel("apple", version)
    chosen(root, "apple")
    entry = '[[package]]\nname = "apple"\nversion = "1.0"\nsource = { registry = "r" }\n'
    (root / "uv.lock").write_text(entry)
    with pytest.raises(ConfigError, match=r"uv.lock has apple 1.0"):
        chosen(root, "apple", is_locked=True)
    assert versions(chosen(root, "apple")) == {"apple": "1.0"}
    chosen(root, "apple", is_locked=True)


def test_settings_of_uv_that_decide_outdate_the_lock(index: FolderIndex, root: Path) -> None:
    for version in ("1.0", "2.0"):
        index.wheel("apple", version)
    chosen(root, "apple")
    bound = {"constraint-dependencies": ["apple<2"]}
    with pytest.raises(ConfigError, match=r"out of date: \[tool.uv\] changed"):
        chosen(root, "apple", uv=bound, is_locked=True)
    (root / "uv.toml").write_text('constraint-dependencies = ["apple<2"]\n')
    assert versions(chosen(root, "apple", uv=bound)) == {"apple": "1.0"}


def test_a_run_here_takes_the_locked_versions_and_leaves_the_lock(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0")
    chosen(root, "apple")
    index.wheel("apple", "2.0")
    before = (root / "hyfn.lock").read_bytes()
    choice = chosen(root, "apple", runtimes={ARM: ["aws"]}, writes=False)
    assert versions(choice, ARM) == {"apple": "1.0"}
    assert (root / "hyfn.lock").read_bytes() == before


def test_a_run_here_with_a_lock_asks_once_and_for_all(
    index: FolderIndex, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("apple", "1.0")
    chosen(root, "apple")
    chosen(root, "apple", runtimes={ARM: ["aws"]}, writes=False)
    monkeypatch.setattr(uv, "run", nobody)
    monkeypatch.setattr(resolve, "FRESH_SECONDS", -1)
    assert versions(chosen(root, "apple", runtimes={ARM: ["aws"]}, writes=False), ARM) == {"apple": "1.0"}


def test_a_file_that_is_not_what_it_was_is_refused(root: Path, index: FolderIndex, tmp_path: Path) -> None:
    index.wheel("apple", "1.0")
    chosen(root, "apple")
    kept = root / "hyfn.lock"
    digest = next(line for line in kept.read_text().splitlines() if line.startswith('"apple')).split('sha256 = "')[1]
    kept.write_text(kept.read_text().replace(digest[:64], "0" * 64))
    index.wheel("pear", "1.0")
    with pytest.raises(BuildError, match=r"apple-1.0-py3-none-any.whl is not the file that it was") as caught:
        chosen(root, "apple", "pear")
    assert caught.value.hint == "where that is right: hyfn lock --upgrade apple"
    chosen(root, "apple", "pear", upgrade=["apple"])


def test_no_dependencies_and_markers_and_extras_are_no_trouble(index: FolderIndex, root: Path) -> None:
    assert [wheel.name for wheel in chosen(root).by_runtime[INTEL].wheels] == ["msgpack"]
    index.wheel("apple", "1.0", requires=["pear; extra == 'all'", "plum; python_version < '3.13'"])
    for name in ("pear", "plum"):
        index.wheel(name, "1.0")
    declared = ["apple[all]; platform_machine == 'x86_64'", "plum; platform_machine == 'aarch64'"]
    choice = chosen(root, *declared, runtimes=BOTH)
    assert versions(choice) == {"apple": "1.0", "pear": "1.0"}
    assert versions(choice, ARM) == {"plum": "1.0"}
    assert [one.name for one in choice.by_runtime[ARM].requirements] == ["plum"]


def test_hyfn_itself_is_no_dependency(root: Path) -> None:
    assert versions(chosen(root, "hyfn[aws]>=0")) == {}


def test_without_an_index_the_last_answer_holds_else_the_machine_is_blamed(
    index: FolderIndex, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("apple", "1.0")
    before = chosen(root, "apple", writes=False)
    monkeypatch.setattr(resolve, "FRESH_SECONDS", -1)
    monkeypatch.setattr(uv, "_run", unreachable)
    assert chosen(root, "apple", writes=False) == before
    with pytest.raises(MachineError, match=r"index cannot be reached.*\(connection refused\)"):
        chosen(root, "pear")
    with pytest.raises(MachineError, match=r"index cannot be reached"):
        chosen(root, "apple", writes=False, upgrade=[])


def test_each_resolution_is_reported(root: Path) -> None:
    steps: list[str] = []
    choose(project(root), BOTH, steps.append)
    assert steps == [
        "choosing the wheels for CPython 3.12 on aarch64 with glibc 2.28",
        "choosing the wheels for CPython 3.13 on x86_64 with glibc 2.34",
    ]


def test_a_folder_that_cannot_be_written_is_said_and_no_more(
    index: FolderIndex, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(lock, "write", refuse)
    choice = chosen(root)
    assert choice.notes == ["hyfn.lock cannot be written (Permission denied): what was chosen holds for this time only"]
